// The types of `tenure/testing`: what they accept and refuse. Compiled, never run.

import type { SessionHead, Sessions, SessionsSync, Store } from "tenure";
import {
  type CaseResult,
  checkStore,
  describeStore,
  givenSession,
  memorySessions,
  memorySessionsSync,
  type StoreFactory,
} from "tenure/testing";
import * as plain from "tenure/testing/plain";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T => true as T;

export async function kit(store: Store): Promise<void> {
  describeStore("a store", () => store);
  describeStore("a store from an asynchronous factory", async () => store, {
    scale: 1,
    timeoutMs: undefined,
  });
  describeStore("one that opens again", () => ({ open: async () => store }), { only: ["list"] });
  const factory: StoreFactory = () => ({ open: () => store, destroy: async () => {} });
  const results = await checkStore(factory, { caseTimeoutMs: 1000 });
  is<Same<typeof results, readonly CaseResult[]>>();
  is<Same<CaseResult["outcome"], "passed" | "failed" | "skipped">>();
  for (const result of results) {
    is<Same<typeof result.message, string | undefined>>();
    if (result.outcome === "failed") is<Same<typeof result.message, string>>();
  }
  plain.checkStore satisfies typeof checkStore;

  // @ts-expect-error: a store has five methods
  describeStore("half a store", () => ({ load: () => null }));
  // @ts-expect-error: there is no such option
  describeStore("a store", () => store, { scales: 1 });
  // @ts-expect-error: the functions that need vitest are not exported here
  plain.describeStore;
}

export async function helpers(): Promise<void> {
  const { sessions, clock } = await memorySessions({ seed: 7, now: "2026-02-01", limits: {} });
  is<Same<typeof sessions, Sessions>>();
  is<Same<typeof clock.now, number>>();
  clock.advance("5m");
  clock.advance(5);
  clock.set(new Date());
  const head = await givenSession(sessions, { status: "paused", events: [{ type: "note" }] });
  is<Same<typeof head, SessionHead>>();
  const sync = memorySessionsSync();
  is<Same<typeof sync.sessions, SessionsSync>>();
  const given = givenSession(sync.sessions, { context: { pr: 7 }, userId: undefined });
  is<Same<typeof given, SessionHead>>();

  // @ts-expect-error: a clock is advanced, not assigned
  clock.now = 7;
  // @ts-expect-error: there is no such status
  await givenSession(sessions, { status: "done" });
}
