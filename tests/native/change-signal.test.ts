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
