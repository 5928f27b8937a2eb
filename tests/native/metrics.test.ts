// Metrics: what a handle counts, what handles of several processes record, and the text for Prometheus.

import { openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { failure } from "../support/failures.js";
import { newDatabase } from "../support/sqlite.js";
import { opening } from "../support/stores.js";

/** The value of a sample; `undefined` without it. */
function sampleOf(text: string, sample: string): number | undefined {
  const line = text.split("\n").find((line) => line.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

const STARTED = 'tenure_operations_total{operation="start",outcome="ok"}';
const START = { task: "t", mode: "m" };

describe("metrics", () => {
  it("count the operations of a handle, and its sessions", async () => {
    const sessions = await opening("memory:");
    const { id } = await sessions.start(START);
    await sessions.complete(id, "r");
    expect(await failure(sessions.pause(id))).toMatchObject({ code: "INVALID_TRANSITION" });
    const text = await sessions.metrics();
    expect(sampleOf(text, STARTED)).toBe(1);
    expect(sampleOf(text, 'tenure_operations_total{operation="pause",outcome="refused"}')).toBe(1);
    expect(sampleOf(text, 'tenure_sessions{status="completed"}')).toBe(1);
    expect(text).toMatch(/^tenure_process_cpu_seconds_total\{process="[^"]+:\d+"\} [\d.]+$/m);
  });

  it("of a handle that was closed are kept in the store", async () => {
    const url = `sqlite:${newDatabase()}`;
    const first = await opening(url, { metrics: true });
    await first.start(START);
    await first.close();
    const second = await opening(url, { metrics: true });
    await second.start(START);
    const other = await opening(url);
    expect(sampleOf(await second.metrics(), STARTED)).toBe(2);
    expect(sampleOf(await other.metrics(), STARTED)).toBe(1);
    await second.close();
    expect(sampleOf(await other.metrics(), STARTED)).toBe(2);
  });

  it("of calls that are pending when a handle is closed are recorded, too", async () => {
    const url = `sqlite:${newDatabase()}`;
    const first = await opening(url, { metrics: true });
    const starting = first.start(START);
    const closing = first.close();
    expect(await failure(first.start(START))).toMatchObject({ code: "CLOSED" });
    await Promise.all([starting, closing]);
    expect(sampleOf(await (await opening(url)).metrics(), STARTED)).toBe(1);
  });

  it("include the waiting for a slot", async () => {
    const sessions = await opening("memory:", { pessimisticLockingEnabled: true });
    const slot = { taskId: "t", phase: "plan", model: "a", ...START } as const;
    await sessions.startInSlot(slot);
    await sessions.startInSlot({ ...slot, model: "b" }, { onModelChange: "replace" });
    const text = await sessions.metrics();
    expect(sampleOf(text, "tenure_slot_lock_wait_duration_seconds_count")).toBe(2);
    expect(sampleOf(text, "tenure_slot_lock_acquisition_duration_seconds_count")).toBe(2);
    expect(sampleOf(text, 'tenure_slot_replacements_total{reason="model_change"}')).toBe(1);
    const waited = sampleOf(text, "tenure_slot_lock_wait_duration_seconds_sum") ?? 0;
    const acquired = sampleOf(text, "tenure_slot_lock_acquisition_duration_seconds_sum") ?? 0;
    expect(waited).toBeGreaterThanOrEqual(acquired);
  });

  it("are those of the server for its client", async () => {
    const sessions = await opening("memory:");
    const server = await sessions.serve();
    const client = await opening(server.url, { token: server.token });
    await client.start(START);
    expect(sampleOf(await client.metrics(), STARTED)).toBe(1);
    const text = await client.metrics({ format: "openmetrics" });
    expect(text.endsWith("# EOF\n")).toBe(true);
    expect(
      await failure(opening(server.url, { token: server.token, metrics: true })),
    ).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  it("are recorded by handles of open alone", () => {
    expect(() => openSync("memory:", { metrics: true })).toThrow(/only a handle of `open`/);
  });

  it("have two formats", async () => {
    const sessions = await opening("memory:");
    // @ts-expect-error another format
    expect(await failure(sessions.metrics({ format: "json" }))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
