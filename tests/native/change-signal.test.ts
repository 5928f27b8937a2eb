// What wakes the watches over a server: parts of a stream, and its end.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { followChanges } from "../../npm/dist/server/change-signal.js";
import type { StreamRequest } from "../../npm/dist/server/stream.js";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("wakes for each part, and when a stream ends on which one has come", () => {
  const streams: StreamRequest[] = [];
  const open = (request: StreamRequest) => {
    streams.push(request);
    return () => {};
  };
  const wake = vi.fn();
  const stop = followChanges(open, "http://localhost", {}, wake);
  const last = (): StreamRequest => streams[streams.length - 1] as StreamRequest;
  last().arrived();
  expect(wake).toHaveBeenCalledTimes(1);
  // A reader notices at once that the server is away.
  last().ended();
  expect(wake).toHaveBeenCalledTimes(2);
  // One that was never open says nothing new, and is opened again.
  for (const opened of [2, 3]) {
    vi.runOnlyPendingTimers();
    expect(streams).toHaveLength(opened);
    last().ended();
    expect(wake).toHaveBeenCalledTimes(2);
  }
  vi.runOnlyPendingTimers();
  last().arrived();
  expect(wake).toHaveBeenCalledTimes(3);
  stop();
  last().ended();
  vi.runOnlyPendingTimers();
  expect([streams.length, wake.mock.calls.length]).toEqual([4, 3]);
});

it("asks a server that is away less often the longer it is away, and at most every six seconds", () => {
  let streams = 0;
  const open = ({ ended }: StreamRequest) => {
    streams += 1;
    ended();
    return () => {};
  };
  const stop = followChanges(open, "http://localhost", {}, () => {});
  const pauses: number[] = [];
  for (let at = 0; at < 20; at += 1) {
    const began = Date.now();
    vi.advanceTimersToNextTimer();
    pauses.push(Date.now() - began);
  }
  stop();
  expect(streams).toBe(21);
  const bounds = [1000, 2000, 4000, ...Array<number>(17).fill(5000)];
  for (const [at, bound] of bounds.entries()) {
    expect(pauses[at]).toBeGreaterThanOrEqual(bound);
    expect(pauses[at]).toBeLessThanOrEqual(bound * 1.25);
  }
});
