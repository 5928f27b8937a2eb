// Sessions in IndexedDB in real use: in several tabs, in workers, across reloads, and with a
// browser that refuses, closes and deletes databases.

import type { Page } from "playwright";
import { describe, expect, it } from "vitest";
import { sharedPages } from "./support/pages.js";
import { newPage, ready } from "./support/site.js";

const scale = Number(process.env.TENURE_TEST_SCALE ?? 0.1);

const pages = sharedPages();
const page = (): Promise<Page> => newPage(pages.context, pages.site);

/** Opens sessions in a page, for its next steps. */
async function opened(options: { readonly timeoutMs?: number } = {}): Promise<Page> {
  const made = await page();
  await made.evaluate(async (options) => {
    state.sessions = await tenure.open("indexeddb:app", options);
    state.sessions.on("lifecycle", (payload) => state.received.push(payload));
    state.sessions.on("change", ({ ids }) => state.received.push(ids));
    state.sessions.on("cancelled", (cancelled) => state.received.push({ cancelled }));
    state.sessions.on("error", (error) => state.received.push(error.message));
  }, options);
  return made;
}

/** Starts a session `s`, whose budget is large. */
const start = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    await state.sessions.start({ id: "s", mode: "m", task: "t", maxIterations: 100_000 });
  });

const session = (page: Page): Promise<{ iterations: number; eventCount: number } | null> =>
  page.evaluate(() => state.sessions.get("s", { history: "none" }));

/** The result of a call in a page: `"done"`, or its error code. */
const outcomeOf = (page: Page, call: () => Promise<unknown>): Promise<unknown> =>
  page.evaluate(`outcomeOf(${call})`);

const read = (): Promise<unknown> => state.sessions.get("s");
const append = (): Promise<unknown> => state.sessions.incrementIteration("s");
const reopen = (): Promise<unknown> => tenure.open("indexeddb:app", { timeoutMs: 1000 });

describe("sessions in IndexedDB", () => {
  it("survive a reload", async () => {
    const tab = await opened();
    await start(tab);
    await tab.evaluate(() => state.sessions.addEvent("s", "note", { text: "stored" }));
    await tab.reload();
    await ready(tab);
    const found = await tab.evaluate(async () => {
      const sessions = await tenure.open("indexeddb:app");
      return sessions.get("s");
    });
    expect(found?.history.map(({ type, data }) => [type, data])).toEqual([
      ["start", expect.anything()],
      ["note", { text: "stored" }],
    ]);
  });

  it("lose nothing when two tabs change the same one concurrently", async () => {
    const tabs = await Promise.all([opened(), opened()]);
    await start(tabs[0]);
    const each = Math.ceil(1000 * scale);
    await Promise.all(
      tabs.map((tab) =>
        tab.evaluate(async (each) => {
          for (let done = 0; done < each; done += 1) await state.sessions.incrementIteration("s");
        }, each),
      ),
    );
    const found = await tabs[1].evaluate(() => state.sessions.get("s", { history: "all" }));
    expect(found).toMatchObject({ iterations: 2 * each, version: 2 * each + 1 });
    expect(found?.history.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 2 * each + 1 }, (_, index) => index + 1),
    );
  });

  it("are read consistently while another tab writes them", async () => {
    const [writing, reading] = await Promise.all([opened(), opened()]);
    await start(writing);
    const read = reading.evaluate(async () => {
      let [reads, halves, last] = [0, 0, 0];
      while (last < 300) {
        const found = await state.sessions.get("s", { history: "all" });
        last = found?.eventCount ?? 0;
        reads += 1;
        if (found?.history.length !== last || found.iterations * 3 + 1 !== last) halves += 1;
      }
      return { reads, halves };
    });
    await writing.evaluate(async () => {
      const events = ["iteration", "note", "note"].map((type) => ({ type }));
      for (let done = 0; done < 100; done += 1) await state.sessions.addEvents("s", events);
    });
    const { reads, halves } = await read;
    expect(halves).toBe(0);
    expect(reads).toBeGreaterThan(1);
  });

  it("are started once by two tabs with the same idempotency key", async () => {
    const tabs = await Promise.all([opened(), opened()]);
    const ids = await Promise.all(
      tabs.map((tab) =>
        tab.evaluate(async () => {
          const params = { mode: "m", task: "t", idempotencyKey: "k" };
          return (await state.sessions.start(params)).id;
        }),
      ),
    );
    expect(ids[0]).toBe(ids[1]);
    expect(await tabs[0].evaluate(async () => (await state.sessions.list()).items.length)).toBe(1);
  });

  it("are finished once: the second of two tabs is refused", async () => {
    const tabs = await Promise.all([opened(), opened()]);
    await start(tabs[0]);
    const outcomes = await Promise.all(
      tabs.map((tab) => outcomeOf(tab, () => state.sessions.complete("s"))),
    );
    expect(outcomes).toContain("done");
    expect(outcomes).toContainEqual(expect.objectContaining({ code: "INVALID_TRANSITION" }));
  });

  it("are shared by workers and pages", async () => {
    const tab = await opened();
    await start(tab);
    const inWorker = await tab.evaluate(() => {
      const job = async (): Promise<unknown> => {
        const sessions = await tenure.open("indexeddb:app");
        await sessions.incrementIteration("s");
        await sessions.pause("s", "from a worker");
        const found = await sessions.get("s");
        await sessions.close();
        return { isPage: "document" in globalThis, types: found?.history.map(({ type }) => type) };
      };
      const worker = new Worker("/worker.js", { type: "module" });
      worker.postMessage(job.toString());
      return new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
    });
    expect(inWorker).toEqual({ isPage: false, types: ["start", "iteration", "pause"] });
    expect(await session(tab)).toMatchObject({ status: "paused", iterations: 1 });
    await expect
      .poll(() => received(tab))
      .toContainEqual(expect.objectContaining({ event: "pause" }));
  });

  it("in different databases are independent", async () => {
    const [tab, other] = await Promise.all([opened(), page()]);
    await start(tab);
    const found = await other.evaluate(async () => {
      const sessions = await tenure.open("indexeddb:other");
      return (await sessions.list()).items;
    });
    expect(found).toEqual([]);
  });
});

const received = (page: Page): Promise<readonly unknown[]> => page.evaluate(() => state.received);

describe("the events of a tab", () => {
  it("are delivered in other tabs as in its own", async () => {
    const tabs = await Promise.all([opened(), opened(), opened()]);
    await start(tabs[0]);
    await tabs[0].evaluate(async () => {
      await state.sessions.addEvent("s", "note");
      await state.sessions.pause("s", "why");
      await state.sessions.delete("s");
    });
    const lifecycle = async (tab: Page): Promise<unknown[]> =>
      (await received(tab)).filter((one) => !Array.isArray(one));
    const expected = await lifecycle(tabs[0]);
    const events = ["start", "pause"].map((event) => expect.objectContaining({ event }));
    expect(expected).toEqual(events);
    for (const tab of tabs) {
      await expect.poll(() => lifecycle(tab)).toEqual(expected);
      // Several changes may come at once.
      const changed = async (): Promise<unknown> => (await received(tab)).find(Array.isArray);
      await expect.poll(changed).toEqual(["s"]);
    }
  });

  it("are in the feed, which another tab watches, each once and in order", async () => {
    const tabs = await Promise.all([page(), page()]);
    for (const tab of tabs) {
      await tab.evaluate(async () => {
        state.sessions = await tenure.open("indexeddb:app");
        const watch = state.sessions.watch();
        void (async () => {
          for await (const { kind, id, events } of watch) {
            state.received.push([kind, id, ...(events ?? []).map(({ type }) => type)].join(" "));
          }
        })();
      });
    }
    const act = (tab: Page, name: string): Promise<void> =>
      tab.evaluate(async (name) => {
        await state.sessions.start({ id: name, task: "t", mode: "m" });
        for (let n = 0; n < 50; n += 1) await state.sessions.addEvent("shared", `${name}${n}`);
      }, name);
    await tabs[0].evaluate(() => state.sessions.start({ id: "shared", task: "t", mode: "m" }));
    await Promise.all([act(tabs[0], "a"), act(tabs[1], "b")]);
    for (const tab of tabs) await expect.poll(() => received(tab)).toHaveLength(103);
    const [first, second] = await Promise.all(tabs.map(received));
    expect(first).toEqual(second);
    const history = await tabs[0].evaluate(() => state.sessions.get("shared", { history: "all" }));
    const types = (first ?? []).flatMap(
      (line) => String(line).match(/updated shared (.*)/)?.[1] ?? [],
    );
    expect(types).toEqual(history?.history.slice(1).map(({ type }) => type));
  });

  it("are posted to the webhook of its own handle only", async () => {
    const tabs = await Promise.all([opened(), opened()]);
    for (const tab of tabs) {
      await tab.evaluate(() =>
        state.sessions.setWebhook({
          url: "http://127.0.0.1:9/",
          fetch: async (_, { body }) => {
            state.posted.push(body);
            return { ok: true, status: 200, body: null };
          },
        }),
      );
    }
    await start(tabs[0]);
    await expect.poll(() => received(tabs[1])).toHaveLength(2);
    for (const tab of tabs) await tab.evaluate(() => state.sessions.close());
    const posted = await Promise.all(tabs.map((tab) => tab.evaluate(() => state.posted.length)));
    expect(posted).toEqual([1, 0]);
  });

  it("notify the runner of a superseded session in another tab", async () => {
    const tabs = await Promise.all([opened(), opened()]);
    const start = (tab: Page, id: string, model: string): Promise<unknown> =>
      tab.evaluate(
        ([id, model]) => {
          const slot = { id, model, taskId: "T1", phase: "run", task: "t", mode: "m" } as const;
          return state.sessions.startInSlot(slot, { onModelChange: "replace" });
        },
        [id, model] as const,
      );
    await start(tabs[0], "old", "opus");
    await start(tabs[1], "new", "haiku");
    const slot = { taskId: "T1", phase: "run", reason: "model_change" };
    const expected = { cancelled: { id: "old", replacedBy: "new", ...slot } };
    for (const tab of tabs) await expect.poll(() => received(tab)).toContainEqual(expected);
    const append = (): Promise<unknown> => state.sessions.addEvent("old", "note");
    expect(await outcomeOf(tabs[0], append)).toMatchObject({ code: "SESSION_DELETED" });
    for (const tab of tabs) {
      const cancelled = (await received(tab)).filter(
        (one) => typeof one === "object" && one !== null && "cancelled" in one,
      );
      expect(cancelled).toHaveLength(1);
    }
  });

  it("are not delivered to closed handles or handles on another database", async () => {
    const [tab, closed, other, open] = await Promise.all([opened(), opened(), page(), opened()]);
    await closed.evaluate(() => state.sessions.close());
    await other.evaluate(async () => {
      state.sessions = await tenure.open("indexeddb:other");
      state.sessions.on("change", (change) => state.received.push(change));
    });
    await start(tab);
    // By then the others would have received it as well.
    await expect.poll(() => received(open)).toHaveLength(2);
    expect(await received(closed)).toEqual([]);
    expect(await received(other)).toEqual([]);
  });

  it("do not include foreign messages on the channel", async () => {
    const tab = await opened();
    await tab.evaluate(async () => {
      const channel = new BroadcastChannel("tenure:app");
      const messages = [
        null,
        7,
        "text",
        [],
        {},
        { kind: "change" },
        { kind: "change", ids: ["s"] },
        { kind: "lifecycle", payload: "{" },
        { kind: "lifecycle", payload: {} },
        { kind: "cancelled" },
        { kind: "cancelled", cancelled: null },
        { kind: "cancelled", cancelled: { id: "s", replacedBy: "t" } },
        { kind: "else", ids: ["s"] },
      ];
      for (const message of messages) channel.postMessage(message);
      await state.sessions.leases.acquire("the last", { holder: "h", leaseDurationMs: 1000 });
    });
    // A lease is no session, so the change names none.
    await expect.poll(() => received(tab)).toEqual([[]]);
  });

  it("do not keep an unreferenced handle alive", async () => {
    const tab = await page();
    await tab.evaluate(async () => {
      const collect = (globalThis as unknown as { gc: () => void }).gc;
      const open = async (): Promise<WeakRef<object>> =>
        new WeakRef(await tenure.open("indexeddb:app"));
      const handle = await open();
      const pause = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 10));
      // `deref` keeps the target alive for the rest of the turn.
      while (handle.deref() !== undefined) {
        await pause();
        collect();
        await pause();
      }
    });
  });
});

describe("IndexedDB", () => {
  it("may be full: nothing is partly written, and writes succeed again when there is space", async () => {
    const tab = await page();
    const devTools = await pages.context.newCDPSession(tab);
    const { origin } = new URL(pages.site.url);
    // Chromium checks its quota before the first write, and then again when it is exhausted.
    await devTools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 3_000_000 });
    await tab.evaluate(async () => {
      state.sessions = await tenure.open("indexeddb:app");
      await state.sessions.start({ id: "old", mode: "m", task: "t" });
    });
    await start(tab);
    // Incompressible data.
    await tab.evaluate(() => {
      const letters = (): string => crypto.randomUUID().replaceAll("-", "");
      state.text = Array.from({ length: 15_000 }, letters).join("");
    });
    const outcome = await tab.evaluate(async () => {
      for (let done = 0; done < 100; done += 1) {
        const options = { idempotencyKey: `k${done}` };
        try {
          await state.sessions.addEvent("s", "note", { text: state.text }, options);
        } catch (error) {
          const { code, message } = error as { code: string; message: string };
          return { done, code, message };
        }
      }
      return undefined;
    });
    expect(outcome).toMatchObject({ code: "STORAGE_FULL" });
    const done = outcome?.done ?? 0;
    expect(done).toBeGreaterThan(0);
    const found = await tab.evaluate(() => state.sessions.get("s", { history: "all" }));
    expect(found).toMatchObject({ eventCount: done + 1, version: done + 1 });
    expect(found?.history).toHaveLength(done + 1);
    // Nor is there room for anything small.
    await tab.evaluate(async () => {
      const fill = async (): Promise<unknown> => {
        for (let n = 0; n < 20_000; n += 1) await state.sessions.addEvent("old", "note", { n });
        return "there is room left";
      };
      state.received.push(await fill().catch(({ code }: { code: string }) => code));
    });
    expect((await received(tab)).at(-1)).toBe("STORAGE_FULL");
    // A deletion needs no space.
    await tab.evaluate(() => state.sessions.delete("old"));
    expect(await tab.evaluate(() => state.sessions.get("old"))).toBeNull();
    await devTools.send("Storage.overrideQuotaForOrigin", { origin });
    // The failed call did not consume its idempotency key.
    const appended = await tab.evaluate(
      (idempotencyKey) =>
        state.sessions.addEvent("s", "note", { text: state.text }, { idempotencyKey }),
      `k${done}`,
    );
    expect(appended).toMatchObject({ replayed: false, lastSequence: done + 2 });
  });

  it("may be too full to create a database", async () => {
    const tab = await page();
    const devTools = await pages.context.newCDPSession(tab);
    const { origin } = new URL(pages.site.url);
    await devTools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
    const outcome = await outcomeOf(tab, async () => {
      const sessions = await tenure.open("indexeddb:app");
      await sessions.start({ mode: "m", task: "t" });
    });
    expect(outcome).toMatchObject({ code: "STORAGE_FULL" });
  });

  it("may be denied", async () => {
    const tab = await pages.context.newPage();
    await tab.goto(`${pages.site.url}denied.html`);
    const frame = tab.frames()[1];
    await frame?.waitForFunction(() => "tenure" in globalThis);
    const outcome = await frame?.evaluate(`outcomeOf(${reopen})`);
    expect(outcome).toEqual({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("the browser does not open the database"),
      cause: "SecurityError",
    });
  });

  it("may close the database, which the next call reopens", async () => {
    const tab = await opened();
    await start(tab);
    const devTools = await pages.context.newCDPSession(tab);
    await devTools.send("Storage.clearDataForOrigin", {
      origin: new URL(pages.site.url).origin,
      storageTypes: "indexeddb",
    });
    await expect.poll(() => session(tab)).toBeNull();
    await start(tab);
    expect(await session(tab)).toMatchObject({ eventCount: 1 });
  });

  it("may close the database during calls, each of which is committed or fails", async () => {
    const tab = await opened();
    await start(tab);
    const devTools = await pages.context.newCDPSession(tab);
    await tab.evaluate(() => {
      const calls = Array.from({ length: 50 }, (_, n) =>
        state.sessions.start({ id: `n${n}`, mode: "m", task: "t" }),
      );
      state.received.length = 0;
      void Promise.allSettled(calls).then((settled) => {
        const outcomes = settled.map((one) =>
          one.status === "rejected" ? one.reason.code : "state",
        );
        state.received.push({ outcomes });
      });
    });
    await devTools.send("Storage.clearDataForOrigin", {
      origin: new URL(pages.site.url).origin,
      storageTypes: "indexeddb",
    });
    // Its listeners may have received an error and a change before.
    const outcomes = (): Promise<readonly unknown[]> =>
      tab.evaluate(() =>
        state.received.flatMap((one) =>
          typeof one === "object" && one !== null && "outcomes" in one
            ? (one.outcomes as unknown[])
            : [],
        ),
      );
    await expect.poll(outcomes).toHaveLength(50);
    const allowed = ["state", "STORE_UNAVAILABLE"];
    expect((await outcomes()).filter((one) => !allowed.includes(String(one)))).toEqual([]);
    await tab.evaluate(() => state.sessions.list());
  });
});

describe("a database", () => {
  it("that another tab has upgraded is not modified", async () => {
    const [old, upgrading] = await Promise.all([opened(), page()]);
    await start(old);
    await upgrading.evaluate(async () => {
      await new Database({ name: "app", schema: 3, timeoutMs: 20_000 }).open();
    });
    const unavailable = {
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("reload this page"),
    };
    expect(await outcomeOf(old, read)).toMatchObject(unavailable);
    expect(await outcomeOf(old, append)).toMatchObject(unavailable);
    expect(await outcomeOf(old, reopen)).toMatchObject({
      code: "SCHEMA_TOO_NEW",
      message: expect.stringContaining("schema 3"),
    });
    await old.evaluate(() => state.sessions.close());
  });

  it("that is held open in an older version is unavailable after the timeout", async () => {
    const [holding, upgrading] = await Promise.all([page(), page()]);
    await holding.evaluate(async () => {
      const request = indexedDB.open("app", 1);
      await new Promise((resolve) => {
        request.onsuccess = resolve;
      });
      state.connection = request.result;
    });
    const open = (timeoutMs: number): Promise<unknown> =>
      upgrading.evaluate(async (timeoutMs) => {
        const database = new Database({ name: "app", schema: 2, timeoutMs });
        return database.open().then(
          () => "open",
          ({ code, message }: { code: string; message: string }) => ({ code, message }),
        );
      }, timeoutMs);
    expect(await open(200)).toEqual({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("close that tab"),
    });
    const opening = open(20_000);
    await holding.evaluate(() => state.connection.close());
    // The database is not Tenure's.
    expect(await opening).toMatchObject({ message: expect.stringContaining("not Tenure's") });
  });

  it("that takes too long to open is unavailable, and is not opened later", async () => {
    const [holding, waiting] = await Promise.all([page(), page()]);
    await holding.evaluate(async () => {
      const request = indexedDB.open("app", 7);
      await new Promise((resolve) => {
        request.onsuccess = resolve;
      });
      state.connection = request.result;
      // The deletion waits for the connection to close, and blocks other connections until then.
      indexedDB.deleteDatabase("app");
    });
    expect(await outcomeOf(waiting, reopen)).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("did not open within 900 ms"),
    });
    await holding.evaluate(() => state.connection.close());
    expect(await outcomeOf(waiting, reopen)).toBe("done");
  });

  it("of the first schema gets a feed and indexes, and keeps its sessions", async () => {
    const tab = await opened();
    await start(tab);
    await tab.evaluate(async () => {
      await state.sessions.addEvent("s", "note");
      await state.sessions.close();
      // As the first schema was: the same object stores, without the later ones.
      const request = indexedDB.open("app");
      await new Promise((resolve) => {
        request.onsuccess = resolve;
      });
      const from = request.result;
      const names = ["heads", "events"] as const;
      const all = await Promise.all(
        names.map(async (name) => {
          const store = from.transaction(name).objectStore(name);
          const [keys, values] = [store.getAllKeys(), store.getAll()];
          await new Promise((resolve) => {
            values.onsuccess = resolve;
          });
          return { keys: keys.result, values: values.result as unknown[] };
        }),
      );
      from.close();
      await new Promise((resolve) => {
        indexedDB.deleteDatabase("app").onsuccess = resolve;
      });
      const creating = indexedDB.open("app", 1);
      creating.onupgradeneeded = () => {
        const database = creating.result;
        const heads = database.createObjectStore("heads", { keyPath: "id" });
        heads.createIndex("createdAt", ["createdAt", "id"]);
        heads.createIndex("updatedAt", ["updatedAt", "id"]);
        const events = database.createObjectStore("events");
        database.createObjectStore("records").createIndex("owner", "owner");
        for (const head of all[0]?.values ?? []) heads.put(head);
        for (const [at, event] of (all[1]?.values ?? []).entries()) {
          events.put(event, all[1]?.keys[at]);
        }
      };
      await new Promise((resolve) => {
        creating.onsuccess = resolve;
      });
      creating.result.close();
      state.sessions = await tenure.open("indexeddb:app");
    });
    const listed = await tab.evaluate(async () => {
      await state.sessions.addEvent("s", "after");
      const { items } = await state.sessions.list({ mode: "m", status: "active" });
      const { items: changes } = await state.sessions.changesSince({ position: 0 });
      return [items.map(({ id }) => id), changes.map(({ id, events }) => [id, events?.[0]?.type])];
    });
    expect(listed).toEqual([["s"], [["s", "after"]]]);
    expect(await session(tab)).toMatchObject({ eventCount: 3 });
  });

  it("of another program is not modified", async () => {
    const tab = await page();
    await tab.evaluate(async () => {
      const request = indexedDB.open("app", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("heads");
      await new Promise((resolve) => {
        request.onsuccess = resolve;
      });
      request.result.close();
    });
    expect(await outcomeOf(tab, reopen)).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining('has no object store "events"'),
    });
    const stores = await tab.evaluate(async () => {
      const request = indexedDB.open("app");
      await new Promise((resolve) => {
        request.onsuccess = resolve;
      });
      return [...request.result.objectStoreNames];
    });
    expect(stores).toEqual(["heads"]);
  });

  it("that another tab deletes is created again", async () => {
    const [tab, removing] = await Promise.all([opened(), page()]);
    await start(tab);
    const removed = await removing.evaluate(
      () =>
        new Promise((resolve) => {
          const request = indexedDB.deleteDatabase("app");
          request.onsuccess = () => resolve("removed");
          request.onblocked = () => resolve("blocked");
        }),
    );
    expect(removed).toBe("removed");
    expect(await session(tab)).toBeNull();
    await start(tab);
    expect(await session(tab)).toMatchObject({ eventCount: 1 });
  });
});
