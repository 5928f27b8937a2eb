import assert from "node:assert/strict";
import { test } from "node:test";
import { inLanes } from "./lanes.mjs";

/** Performs jobs, each of which ends when the test ends it. */
function perform(jobs, options) {
  const running = new Map();
  const started = [];
  const results = inLanes(jobs, options, (job) => {
    started.push(job);
    return new Promise((resolve, reject) => running.set(job, { resolve, reject }));
  });
  const end = async (job) => {
    running.get(job).resolve(`${job} ended`);
    await new Promise(setImmediate);
  };
  return { started, end, fail: (job) => running.get(job).reject(new Error(job)), results };
}

const byLetter = { laneOf: (job) => job[0] };

test("jobs of one lane run one after another, and lanes concurrently", async () => {
  const { started, end, results } = perform(["a1", "a2", "b1"], byLetter);
  assert.deepEqual(started, ["a1", "b1"]);
  await end("b1");
  assert.deepEqual(started, ["a1", "b1"]);
  await end("a1");
  assert.deepEqual(started, ["a1", "b1", "a2"]);
  await end("a2");
  assert.deepEqual(await results, ["a1 ended", "a2 ended", "b1 ended"]);
});

test("a job that fails fails all", async () => {
  const { fail, results } = perform(["a1", "b1"], byLetter);
  fail("b1");
  await assert.rejects(results, /b1/);
});

test("no jobs have no results", async () => {
  assert.deepEqual(await inLanes([], byLetter, assert.fail), []);
});
