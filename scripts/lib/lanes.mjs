// Runs several jobs concurrently, and shows their output as if they ran one after another. The
// output of the first unfinished job is shown immediately, and the output of later jobs when it is
// their turn.

import { terminal } from "./run.mjs";

/**
 * Performs jobs: those of one lane one after another, and the lanes concurrently. `perform` gets a
 * job and its output stream. Resolves to the results in the order of the jobs.
 */
export async function inLanes(jobs, laneOf, perform) {
  const transcripts = jobs.map(() => new Transcript());
  transcripts[0]?.show();
  let shown = 0;
  const ended = new Set();
  const results = [];
  const lanes = new Map();
  for (const [index, job] of jobs.entries()) {
    const lane = laneOf(job);
    lanes.set(lane, [...(lanes.get(lane) ?? []), index]);
  }
  const work = async (indices) => {
    for (const index of indices) {
      results[index] = await perform(jobs[index], transcripts[index]);
      ended.add(index);
      while (ended.has(shown)) transcripts[++shown]?.show();
    }
  };
  await Promise.all([...lanes.values()].map(work));
  return results;
}

/** The output of a job. It is kept until it is shown, and then forwarded. */
class Transcript {
  #kept = [];
  #shown = false;

  out(text) {
    this.#say("out", text);
  }

  err(text) {
    this.#say("err", text);
  }

  show() {
    this.#shown = true;
    for (const [stream, text] of this.#kept.splice(0)) terminal[stream](text);
  }

  #say(stream, text) {
    if (this.#shown) terminal[stream](text);
    else this.#kept.push([stream, text]);
  }
}
