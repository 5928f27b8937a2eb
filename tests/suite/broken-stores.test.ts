// The kit detects incorrect stores: each defect fails its case, and a store that throws, hangs or
// returns an invalid reply fails with a message and blocks nothing.

import type { Store } from "tenure";
import { type CaseResult, checkStore, type StoreFactory } from "tenure/testing";
import { describe, expect, it } from "vitest";
import { brokenStores } from "../support/broken-stores.js";
import { failure } from "../support/failures.js";
import { MapStore } from "../support/map-store.js";

/** Few generated inputs, since these defects have specific cases. */
const quickly = { scale: 0.01, timeoutMs: 5000 };

const failed = (results: readonly CaseResult[]): ReadonlyMap<string, string> =>
  new Map(
    results
      .filter(({ outcome }) => outcome === "failed")
      .map(({ name, message }) => [name, message ?? ""]),
  );

describe("a store that", () => {
  it.each(brokenStores)("%s is detected", async (_, make, found) => {
    const failures = failed(await checkStore(make, { ...quickly, only: [found] }));
    expect(failures.get(found)).toMatch(/\w/);
  });

  it("is correct passes every case", async () => {
    const results = await checkStore(() => new MapStore(), quickly);
    expect(failed(results)).toEqual(new Map());
    const skipped = results.filter(({ outcome }) => outcome === "skipped");
    expect(new Set(skipped.map(({ message }) => message))).toEqual(
      new Set([
        "only for stores that are `persistent`",
        "only for stores that are `shared`",
        "only for stores with a `feed` that are `persistent`",
        "only for stores with a `feed` that are `shared`",
      ]),
    );
    expect(results.length - skipped.length).toBeGreaterThan(60);
  });
});

/** A store with this implementation of every method. */
function doing(behaviour: () => unknown): Store {
  const methods = ["load", "commit", "list", "record", "scan"];
  const store: object = Object.fromEntries(methods.map((method) => [method, behaviour]));
  return store as Store;
}

describe("every case fails for a store", () => {
  it.each<[string, StoreFactory, RegExp]>([
    [
      "that throws",
      () =>
        doing(() => {
          throw new Error("out of order");
        }),
      /STORE_FAILED .*out of order/,
    ],
    [
      "that rejects",
      () => doing(() => Promise.reject(new Error("out of order"))),
      /STORE_FAILED .*out of order/,
    ],
    ["that never settles", () => doing(() => new Promise(() => {})), /did not settle within 5 ms/],
    ["that returns an invalid reply", () => doing(() => "invalid"), /STORE_MISBEHAVED/],
    [
      "that cannot be made",
      () => {
        throw new Error("no such folder");
      },
      /no such folder/,
    ],
    [
      "that is never made",
      () => new Promise<Store>(() => {}),
      /the store's open did not settle within 5 ms/,
    ],
    ["that is none", () => null as never, /neither a store nor an object with `open`/],
    ["that opens to nothing", () => ({ open: () => null as never }), /expected an object/],
    [
      "that claims nonsense",
      () => Object.assign(new MapStore(), { capabilities: { shared: "yes" } as never }),
      /INVALID_ARGUMENT \(shared: /,
    ],
    [
      "that does not close",
      () => Object.assign(new MapStore(), { close: () => Promise.reject(new Error("stuck")) }),
      /the store's close failed: stuck/,
    ],
    [
      "that is not removed",
      () => ({
        open: () => new MapStore(),
        destroy() {
          throw new Error("still in use");
        },
      }),
      /the store's destroy failed: still in use/,
    ],
  ])("%s", async (_, factory, message) => {
    const results = await checkStore(factory, { scale: 0.01, timeoutMs: 5 });
    const claimed = results.filter(({ outcome }) => outcome !== "skipped");
    expect(claimed.length).toBeGreaterThan(60);
    const others = claimed.filter(({ message: said }) => !message.test(said ?? ""));
    expect(others).toEqual([]);
  });

  it("that exceeds the timeout of the case", async () => {
    const factory = (): Store => {
      const store = new MapStore();
      const slowly = { list: () => new Promise((go) => setTimeout(() => go(store.list()), 4)) };
      return Object.assign(Object.create(store), slowly);
    };
    const failures = failed(
      await checkStore(factory, { scale: 0.01, caseTimeoutMs: 1, only: ["list"] }),
    );
    expect(failures.get("an_empty_store_lists_nothing")).toMatch(
      /took longer than 1 ms, in which it called the store \d+ times?$/,
    );
  });
});

it("an unknown case is an error", async () => {
  const outcome = checkStore(() => new MapStore(), { only: ["sesions"] });
  expect(await failure(outcome)).toMatchObject({
    code: "INVALID_ARGUMENT",
    message: 'only: there is no group and no case "sesions"',
  });
});

it("the result has the error that the store threw", async () => {
  const thrown = new Error("out of order");
  const [first] = await checkStore(() => doing(() => Promise.reject(thrown)), quickly);
  expect(first).toMatchObject({ outcome: "failed", cause: thrown });
});

it("everything is closed before the store is deleted", async () => {
  const log: string[] = [];
  const results = await checkStore(() => {
    const shared = new MapStore();
    let number = 0;
    let open = 0;
    return {
      open() {
        number += 1;
        open += 1;
        const handle: Store = Object.create(shared);
        return Object.assign(handle, {
          capabilities: { persistent: true, shared: true, feed: true },
          close() {
            open -= 1;
          },
        });
      },
      destroy() {
        log.push(`${open} of ${Math.min(number, 2)}`);
      },
    };
  }, quickly);
  expect(failed(results)).toEqual(new Map());
  expect(results.filter(({ outcome }) => outcome === "skipped")).toEqual([]);
  expect(log).toHaveLength(results.length);
  expect(new Set(log)).toEqual(new Set(["0 of 1", "0 of 2"]));
});
