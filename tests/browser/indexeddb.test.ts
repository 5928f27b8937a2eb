// Opening sessions in IndexedDB, and how they are stored.

import { open, openSync, type SessionHead } from "tenure";
import { describe, expect, it } from "vitest";
import page from "../../docs/indexeddb.md?raw";
import { code, failure } from "../support/failures.js";
import { newDatabase } from "../support/indexeddb.js";
import { codeBlocks } from "../support/readme.js";
import { opening } from "../support/stores.js";

describe("opening an IndexedDB database", () => {
  it("accepts a string or a URL", async () => {
    const name = newDatabase();
    const { id } = await (await opening(`indexeddb:${name}`)).start({ mode: "m", task: "t" });
    const sessions = await opening(new URL(`indexeddb:${name}`));
    expect(await sessions.get(id)).toMatchObject({ id, eventCount: 1 });
    expect(sessions.capabilities).toMatchObject({ persistent: true, shared: true });
    const databases = await indexedDB.databases();
    expect(databases).toContainEqual({ name, version: 2 });
  });

  it("is asynchronous only", async () => {
    expect(await code(() => openSync(`indexeddb:${newDatabase()}`))).toBe("STORE_IS_ASYNC");
  });

  it("requires a name", async () => {
    const { code, message } = await failure(open("indexeddb:"));
    expect(code).toBe("INVALID_ARGUMENT");
    expect(message).toContain("indexeddb:my-app");
  });

  it("creates no database for invalid options", async () => {
    const name = newDatabase();
    const options = { durability: "much" } as unknown as { durability: "full" };
    expect(await code(open(`indexeddb:${name}`, options))).toBe("INVALID_ARGUMENT");
    expect(await code(open(`indexeddb:${name}`, null as unknown as object))).toBe(
      "INVALID_ARGUMENT",
    );
    const names = (await indexedDB.databases()).map((database) => database.name);
    expect(names).not.toContain(name);
  });
});

describe("a commit to IndexedDB", () => {
  it.each([
    ["strict", "full"],
    ["relaxed", "normal"],
    ["relaxed", undefined],
  ] as const)("is %s with durability %s", async (expected, durability) => {
    const begin = IDBDatabase.prototype.transaction;
    const asked: unknown[] = [];
    IDBDatabase.prototype.transaction = function (stores, mode, options) {
      const transaction = begin.call(this, stores, mode, options);
      if (mode === "readwrite") asked.push(transaction.durability);
      return transaction;
    };
    try {
      const sessions = await opening(`indexeddb:${newDatabase()}`, { durability });
      await sessions.start({ mode: "m", task: "t" });
    } finally {
      IDBDatabase.prototype.transaction = begin;
    }
    expect(asked).toEqual([expected]);
  });

  it("stores user data as unchanged text", async () => {
    const name = newDatabase();
    const sessions = await opening(`indexeddb:${name}`);
    const data = JSON.parse('{"\\ud800":"\\udc00","b":1e21,"__proto__":1,"a":[{}," "]}');
    const { id } = await sessions.start({ mode: "m", task: "t", context: data });
    await sessions.addEvent(id, "note", data);
    const request = indexedDB.open(name);
    await new Promise((resolve) => {
      request.onsuccess = resolve;
    });
    const transaction = request.result.transaction(["heads", "events"]);
    const head = transaction.objectStore("heads").get(id);
    const event = transaction.objectStore("events").get([id, 2]);
    await new Promise((resolve) => {
      transaction.oncomplete = resolve;
    });
    request.result.close();
    expect(head.result.context).toBe(JSON.stringify(data));
    expect(event.result.data).toBe(JSON.stringify(data));
    expect((await sessions.get(id))?.history[1]?.data).toEqual(data);
  });
});

describe("a list from IndexedDB", () => {
  it("is the same in browsers that read backwards one by one", async () => {
    const sessions = await opening(`indexeddb:${newDatabase()}`);
    for (let n = 0; n < 150; n += 1) {
      await sessions.start({ id: `s${n}`, mode: `m${n % 3}`, task: "t" });
    }
    const all = async (): Promise<readonly SessionHead[]> => {
      const found: SessionHead[] = [];
      const options = { mode: "m1", limit: 20, orderBy: "updatedAt" } as const;
      for await (const session of sessions.list(options)) found.push(session);
      return found;
    };
    const atOnce = await all();
    const prototype = IDBIndex.prototype as unknown as Record<string, unknown>;
    const reader = prototype.getAllRecords;
    delete prototype.getAllRecords;
    try {
      expect(await all()).toEqual(atOnce);
    } finally {
      if (reader !== undefined) prototype.getAllRecords = reader;
    }
    expect(atOnce).toHaveLength(50);
  });

  it("shortens a page that would be too large, and loses no session", async () => {
    const sessions = await opening(`indexeddb:${newDatabase()}`);
    const context = { text: "x".repeat(900_000) };
    for (let n = 0; n < 12; n += 1) await sessions.start({ mode: "m", task: "t", context });
    const page = await sessions.list({ limit: 12 });
    expect(page.items.length).toBeLessThan(12);
    expect(page.nextCursor).toBeDefined();
    const ids = new Set<string>();
    for await (const { id } of sessions.list({ limit: 12 })) ids.add(id);
    expect(ids.size).toBe(12);
  });
});

describe("an IndexedDB database", () => {
  it("works as its documentation shows", async () => {
    const [example = ""] = codeBlocks(page, "js");
    const body = example
      .replace('import { open } from "tenure";', "")
      .replace("indexeddb:my-app", `indexeddb:${newDatabase()}`);
    const lines: string[] = [];
    const console = { log: (...said: unknown[]) => lines.push(said.join(" ")) };
    const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
    await AsyncFunction("open", "console", body)(open, console);
    const changed = expect.stringMatching(/^changed: \S+$/);
    expect(lines).toContain("1 to resume");
    expect(lines.filter((line) => line !== "1 to resume")).toEqual([changed, changed]);
  });
});
