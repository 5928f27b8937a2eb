// `tenure/compat/manager` and `tenure/compat/store`: the exports of the two modules of the original API,
// and the units of their ages.

// Loaded first: the browser's own module has no operations of administrators.
import "../support/complete.js";
import * as index from "tenure/compat";
import * as manager from "tenure/compat/manager";
import * as store from "tenure/compat/store";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useStore } from "../support/compat.js";
import { code } from "../support/failures.js";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

describe("the modules", () => {
  it("have the exports of the original modules", () => {
    expect(Object.keys(manager).sort()).toEqual([
      "addEvent",
      "cleanupOldSessions",
      "completeSession",
      "configureWebhook",
      "deleteSession",
      "failSession",
      "getActiveSessions",
      "getCompletedSessions",
      "getFailedSessions",
      "getPausedSessions",
      "getSession",
      "getSessionContext",
      "getSessionDuration",
      "getSessionProgress",
      "getSessionStats",
      "incrementIteration",
      "isSessionResumable",
      "listSessions",
      "pauseSession",
      "recordLearning",
      "recordToolCall",
      "resumeSession",
      "startSession",
      "updateContext",
    ]);
    expect(Object.keys(store).sort()).toEqual([
      "cleanupOldSessions",
      "createSession",
      "deleteSession",
      "exportSession",
      "getSession",
      "getSessionStats",
      "importSession",
      "listSessions",
      "saveSession",
      "updateSession",
    ]);
    const shared = new Map<string, unknown>(Object.entries(index));
    for (const [name, value] of [...Object.entries(manager), ...Object.entries(store)]) {
      if (name !== "cleanupOldSessions") expect(value).toBe(shared.get(name));
    }
  });
});

describe("a cleanup", () => {
  beforeEach(async () => {
    vi.useFakeTimers({ now: 0, toFake: ["Date"] });
    useStore(() => "memory:");
    await manager.completeSession(store.createSession({ task: "t", mode: "m" }).id, "done");
  });
  afterEach(() => vi.useRealTimers());

  it("takes days in the manager, 30 by default", () => {
    vi.setSystemTime(30 * DAY - 1);
    expect(manager.cleanupOldSessions(30)).toBe(0);
    expect(manager.cleanupOldSessions()).toBe(0);
    vi.setSystemTime(30 * DAY);
    expect(manager.cleanupOldSessions()).toBe(1);
  });

  it("takes milliseconds in the store", () => {
    vi.setSystemTime(30 * DAY);
    expect(store.cleanupOldSessions(30 * DAY + 1)).toBe(0);
    expect(store.cleanupOldSessions(30 * DAY)).toBe(1);
  });

  it("of an age under a minute is refused, and removes nothing", async () => {
    vi.setSystemTime(100 * DAY);
    for (const age of [30, 0, -1, MINUTE - 1, Number.NaN, undefined, null, "x"]) {
      expect(await code(() => store.cleanupOldSessions(age as number))).toBe("INVALID_ARGUMENT");
    }
    for (const age of [0, -30, 1 / 1441, Number.NaN, "x"]) {
      expect(await code(() => manager.cleanupOldSessions(age as number))).toBe("INVALID_ARGUMENT");
    }
    expect(store.listSessions()).toHaveLength(1);
    expect(store.cleanupOldSessions(MINUTE)).toBe(1);
  });
});
