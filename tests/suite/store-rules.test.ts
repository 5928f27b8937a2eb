// The rules that stores in JavaScript apply, evaluated by the core.

import { init, open, type StoredHead, storeRules } from "tenure";
import { describe, expect, it } from "vitest";
import { failure } from "../support/failures.js";
import { MapStore } from "../support/map-store.js";

await init();

describe("allows", () => {
  it.each([
    [{ kind: "absent" }, [true, false, false]],
    [{ kind: "present" }, [false, true, true]],
    [{ kind: "version", version: 7 }, [false, true, false]],
    [{ kind: "any" }, [true, true, true]],
  ] as const)("compares %j with the stored version", (precondition, [absent, same, other]) => {
    expect(storeRules.allows(precondition, null)).toBe(absent);
    expect(storeRules.allows(precondition, undefined)).toBe(absent);
    expect(storeRules.allows(precondition, 7)).toBe(same);
    expect(storeRules.allows(precondition, 8)).toBe(other);
  });
});

describe("rangeOf", () => {
  it.each([
    [{ kind: "none" }, 5, undefined],
    [{ kind: "all" }, 5, { first: 1, last: 5 }],
    [{ kind: "all" }, 0, undefined],
    [{ kind: "last", count: 2 }, 5, { first: 4, last: 5 }],
    [{ kind: "last", count: 9 }, 5, { first: 1, last: 5 }],
    [{ kind: "last", count: 0 }, 5, undefined],
    [{ kind: "after", sequence: 2, limit: 2 }, 5, { first: 3, last: 4 }],
    [{ kind: "after", sequence: 4, limit: 9 }, 5, { first: 5, last: 5 }],
    [{ kind: "after", sequence: 5, limit: 9 }, 5, undefined],
  ] as const)("of %j with %i events is %j", (history, eventCount, range) => {
    expect(storeRules.rangeOf(history, eventCount)).toEqual(range);
  });
});

describe("bytesOf", () => {
  it("counts user data in UTF-8", async () => {
    const store = new MapStore();
    const sessions = await open(store);
    const params = { mode: "m", context: { é: 1 } };
    await sessions.start({ ...params, id: "a", task: "a task" });
    await sessions.start({ ...params, id: "b", task: "ä" });
    const head = (id: string): StoredHead => store.sessions.get(id)?.head as StoredHead;
    const context = new TextEncoder().encode(head("a").context).length;
    expect(storeRules.bytesOf([])).toBe(0);
    expect(storeRules.bytesOf([head("a")])).toBe(6 + context);
    expect(storeRules.bytesOf([head("a"), head("b")])).toBe(8 + 2 * context);
    await sessions.close();
  });
});

it("invalid parameters are refused", async () => {
  const calls: (() => unknown)[] = [
    () => storeRules.allows({ kind: "never" } as never, 1),
    () => storeRules.allows({ kind: "any", version: 1 } as never, 1),
    () => storeRules.allows({ kind: "version", version: 1, other: 1 } as never, 1),
    () => storeRules.allows({ kind: "constructor" } as never, 1),
    () => storeRules.rangeOf({ kind: "all", count: 1 } as never, 1),
    () => storeRules.rangeOf({ kind: "last", count: 1, limit: 1 } as never, 1),
    () => storeRules.rangeOf({ kind: "toString", count: 1 } as never, 1),
    () => storeRules.allows({ kind: "any" }, "1" as never),
    () => storeRules.allows({ kind: "any" }, -1),
    () => storeRules.allows({ kind: "any" }, Number.NaN),
    () => storeRules.rangeOf({ kind: "last" } as never, 1),
    () => storeRules.rangeOf({ kind: "all" }, undefined as never),
    () => storeRules.allows(null as never, 1),
    () => storeRules.allows({ kind: "any" }, 1n as never),
    () => storeRules.rangeOf(null as never, 1),
    () => storeRules.rangeOf({ kind: "last", count: 1n } as never, 1),
    () => storeRules.bytesOf(null as never),
    () => storeRules.bytesOf([null] as never),
    () => storeRules.bytesOf([{ task: 1 }] as never),
    () => storeRules.bytesOf([{ agent: { lastError: { message: {} } } }] as never),
  ];
  for (const call of calls) {
    expect((await failure(async () => call())).code, String(call)).toBe("INVALID_ARGUMENT");
  }
});
