// Sessions in SQLite, as users of the package see them: persistent across handles, processes and
// crashes. The store itself is tested in its own crate.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { open, openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { newFolder } from "../support/folders.js";
import { newDatabase } from "../support/sqlite.js";
import { opening } from "../support/stores.js";

const scale = Number(process.env.TENURE_TEST_SCALE ?? "1");
const writer = fileURLToPath(new URL("../support/writer.mjs", import.meta.url));

/**
 * Starts a process that appends events to session `a` and prints the number of each acknowledged
 * one.
 */
function startWriter(path: string, ...args: string[]) {
  const child = spawn(process.execPath, [writer, `sqlite:${path}`, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return { child, lines: createInterface({ input: child.stdout }) };
}

describe("sessions in SQLite", () => {
  it("exist when the file is reopened", async () => {
    const path = newDatabase();
    const first = await open(`sqlite:${path}`);
    const { id } = await first.start({ task: "t", mode: "m", context: { a: 1 } });
    await first.addEvent(id, "note", { text: "\ud800" });
    await first.pause(id, "later");
    const before = await first.get(id);
    await first.close();
    const again = openSync(`sqlite:${path}`);
    expect(again.get(id)).toEqual(before);
    expect(again.capabilities).toEqual({
      persistent: true,
      shared: true,
      feed: true,
      reindents: false,
    });
    expect(again.binding).toBe("native");
    again.close();
  });

  it("are shared by the synchronous and asynchronous handles of a process", async () => {
    const path = newDatabase();
    const one = await opening(`sqlite:${path}`);
    using other = openSync(`sqlite:${path}`);
    await one.start({ task: "t", mode: "m", id: "a", maxIterations: 10_000 });
    const writes = Array.from({ length: 300 }, () => one.incrementIteration("a"));
    for (let i = 0; i < 300; i += 1) other.incrementIteration("a");
    await Promise.all(writes);
    expect(other.get("a")).toMatchObject({ iterations: 600, eventCount: 601 });
  });

  it("are written in the order of a handle's calls", async () => {
    const sessions = await opening(`sqlite:${newDatabase()}`, { durability: "full" });
    await sessions.start({ task: "t", mode: "m", id: "a" });
    const appended = await Promise.all(
      Array.from({ length: 200 }, (_, i) => sessions.addEvent("a", "note", { i })),
    );
    expect(appended.map(({ firstSequence }) => firstSequence)).toEqual(
      Array.from({ length: 200 }, (_, i) => i + 2),
    );
    const session = await sessions.get("a", { history: "all" });
    expect(session?.history.slice(1).map(({ data }) => data.i)).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
  });

  it("can be read while many are deleted", async () => {
    const sessions = await opening(`sqlite:${newDatabase()}`);
    for (const id of ["a", "b"]) await sessions.start({ task: "t", mode: "m", id });
    await sessions.trash("b");
    const answered: string[] = [];
    const asked = [
      sessions.purge({ olderThan: 0 }).then(() => answered.push("purge")),
      sessions.get("a").then(() => answered.push("get")),
      sessions.addEvent("a", "note").then(() => answered.push("addEvent")),
    ];
    await Promise.all(asked);
    // The reply of a write that was asked for during the deletion may come before that of the purge.
    expect(answered[0]).toBe("get");
    expect(answered).toHaveLength(3);
    expect(await sessions.get("b")).toBeNull();
  });

  it("fail individually among successful calls", async () => {
    const sessions = await opening(`sqlite:${newDatabase()}`, { durability: "full" });
    await sessions.start({ task: "t", mode: "m", id: "a" });
    const calls = [
      sessions.addEvent("a", "note"),
      sessions.addEvent("unknown", "note"),
      sessions.pause("a"),
      sessions.pause("a"),
      sessions.addEvent("a", "note"),
    ];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status === "fulfilled")).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
    expect(await code(calls[1] ?? Promise.resolve())).toBe("SESSION_NOT_FOUND");
    expect(await code(calls[3] ?? Promise.resolve())).toBe("INVALID_TRANSITION");
    expect((await sessions.get("a"))?.eventCount).toBe(4);
  });

  it("in a file that is not a database are refused, and the file is not modified", async () => {
    const path = newDatabase();
    writeFileSync(path, "this is no database, but long enough to be looked at".repeat(100));
    const error = await failure(open(`sqlite:${path}`));
    expect(["STORE_UNAVAILABLE", "STORE_FAILED"]).toContain(error.code);
    expect(readFileSync(path, "utf8")).toContain("this is no database");
  });

  it("create the folder of the database if possible", async () => {
    const path = newDatabase();
    const sessions = await opening(`sqlite:${path}/in/a/folder.db`);
    await sessions.start({ task: "t", mode: "m" });
    expect(existsSync(`${path}/in/a/folder.db`)).toBe(true);
    const inAFile = `sqlite:${path}/in/a/folder.db/x.db`;
    expect(await code(open(inAFile))).toBe("STORE_UNAVAILABLE");
  });

  it("are not acknowledged in a file that is not at its path", async () => {
    for (const gone of ["", "sessions.db", "sessions.db-wal", "sessions.db-shm"]) {
      const folder = join(newFolder(), "data");
      const sessions = await opening(`sqlite:${folder}/sessions.db`);
      const sync = openSync(`sqlite:${folder}/sessions.db`);
      await sessions.start({ task: "t", mode: "m", id: "a" });
      sync.addEvent("a", "note");

      rmSync(join(folder, gone), { recursive: true });
      const error = await failure(sessions.addEvent("a", "note"));
      expect(error.code, gone).toBe("STORE_UNAVAILABLE");
      expect(error.message).toContain("open the store again");
      expect(() => sync.addEvent("a", "note")).toThrow("removed");
      sync.close();
    }
  });

  it("stay at their path when the process copies its own folder", async () => {
    const folder = newFolder();
    const data = join(folder, "data");
    mkdirSync(data);
    const url = `sqlite:${join(data, "sessions.db")}`;
    const sessions = await opening(url);
    await sessions.start({ task: "t", mode: "m", id: "a" });
    // Closes a descriptor of each file, which ends all POSIX locks of the process on it. Without locks
    // the next process to close the database would remove the log.
    cpSync(data, join(folder, "copy"), { recursive: true });
    const reader = fileURLToPath(new URL("../support/reader.mjs", import.meta.url));
    const read = () => spawnSync(process.execPath, [reader, url, "a"], { encoding: "utf8" }).stdout;
    expect(read()).toBe("1");
    for (let i = 0; i < 50; i += 1) await sessions.addEvent("a", "note");
    expect(existsSync(join(data, "sessions.db-wal"))).toBe(true);
    expect(read()).toBe("51");
  });

  it("lose nothing when two processes write", async () => {
    const path = newDatabase();
    const sessions = await opening(`sqlite:${path}`);
    await sessions.start({ task: "t", mode: "m", id: "a", maxIterations: 100_000 });
    const count = Math.max(50, Math.round(500 * scale));
    const writers = [
      startWriter(path, "await", String(count)),
      startWriter(path, "sync", String(count)),
    ];
    await Promise.all(writers.map(({ child }) => once(child, "close")));
    expect(writers.map(({ child }) => child.exitCode)).toEqual([0, 0]);
    expect(await sessions.get("a", { history: "none" })).toMatchObject({
      iterations: 2 * count,
      eventCount: 2 * count + 1,
    });
  });

  const kills = Math.max(5, Math.round(50 * scale));

  it(`lose no acknowledged write in ${kills} kills at random moments`, async () => {
    const path = newDatabase();
    const sessions = await opening(`sqlite:${path}`);
    await sessions.start({ task: "t", mode: "m", id: "a", maxIterations: 10_000_000 });
    let acknowledged = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const { child, lines } = startWriter(path, kill % 2 === 0 ? "await" : "sync", "1000000");
      lines.on("line", (line) => {
        acknowledged = Math.max(acknowledged, Number(line));
      });
      await once(lines, "line");
      await new Promise((go) => setTimeout(go, Math.random() * 40));
      child.kill("SIGKILL");
      await once(child, "close");
      const session = await sessions.get("a", { history: "all" });
      expect(session?.iterations).toBeGreaterThanOrEqual(acknowledged);
      expect(session?.eventCount).toBe((session?.iterations ?? 0) + 1);
      expect(session?.history.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: session?.eventCount ?? 0 }, (_, i) => i + 1),
      );
    }
    expect(acknowledged).toBeGreaterThan(kills);
  });
});

describe("the index of tasks", () => {
  it("is a setting of the file, and changes no list", async () => {
    const url = `sqlite:${newDatabase()}`;
    const indexed = await opening(url, { textIndex: true });
    for (let n = 0; n < 600; n += 1) await indexed.start({ task: `Build number ${n}`, mode: "m" });
    using other = openSync(url);
    const tasks = () =>
      other.list({ text: "R 17", direction: "asc" }).items.map(({ task }) => task);
    const expected = [17, ...Array.from({ length: 10 }, (_, n) => 170 + n)];
    // The first lists look at all sessions, the later ones at those in the index.
    for (let round = 0; round < 50; round += 1) {
      expect(tasks()).toEqual(expected.map((n) => `Build number ${n}`));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(other.stats({ text: "number 17" }).total).toBe(11);
    openSync(url, { textIndex: false }).close();
    expect(tasks()).toHaveLength(11);
  });

  it("is not an option of other stores", async () => {
    const refused = await failure(open("memory:", { textIndex: true }));
    expect(refused.message).toBe("textIndex: this store has no such option");
  });

  it("is on or off", async () => {
    const refused = await failure(
      open(`sqlite:${newDatabase()}`, { textIndex: "yes" as unknown as boolean }),
    );
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", details: { what: "textIndex" } });
  });
});
