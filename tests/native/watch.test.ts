// Watching a SQLite or file store from other processes: what they see, also if the writer or the watcher is
// killed at any moment.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Change, open, openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { failure } from "../support/failures.js";
import { newFolder } from "../support/folders.js";
import { newDatabase } from "../support/sqlite.js";
import { opening } from "../support/stores.js";

const scale = Number(process.env.TENURE_TEST_SCALE ?? "1");
const script = (name: string): string =>
  fileURLToPath(new URL(`../support/${name}`, import.meta.url));

function start(name: string, ...args: string[]): { child: ChildProcess; lines: string[] } {
  const child = spawn(process.execPath, [script(name), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  return { child, lines };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Everything in the feed of a store. */
function feedOf(url: string): Change[] {
  using sessions = openSync(url);
  const all: Change[] = [];
  for (let position = 0, more = true; more; ) {
    const page = sessions.changesSince({ position, limit: 1000 });
    all.push(...page.items);
    ({ position, more } = page);
  }
  return all;
}

const newFiles = (): string => `file:${join(newFolder(), "sessions")}`;

/** Stores, and the number of changes to watch: a write of files is slower, and more so with each event. */
const stores = [
  ["SQLite", () => `sqlite:${newDatabase()}`, Math.round(10_000 * scale)],
  ["files", newFiles, Math.round(1000 * scale)],
] as const;

describe.each(stores)("a watch in another process over %s", (_, newStore, count) => {
  it(`sees each of ${count} changes once and in order, though it and the writer are killed again and again`, async () => {
    const url = newStore();
    {
      using sessions = openSync(url);
      sessions.start({ task: "t", mode: "m", id: "a", maxIterations: 1_000_000 });
    }
    const seen: string[] = [];
    let written = 0;
    let kills = 0;
    while (written < count) {
      const last = Number(seen.at(-1)?.split(" ")[0] ?? "0");
      const watcher = start("watcher.mjs", url, String(last));
      const writer = start("writer.mjs", url, kills % 2 === 0 ? "sync" : "async", String(count));
      // A slow machine comes to the first change late. Some die before it.
      const isAtWork = (): boolean => writer.lines.length > 0;
      if (kills % 4 < 3) await expect.poll(isAtWork, { timeout: 30_000 }).toBe(true);
      await pause(Math.random() * 1000);
      // One dies before the other.
      const [first, second] = kills % 3 === 0 ? [watcher, writer] : [writer, watcher];
      await kill(first.child);
      await pause(Math.random() * 30);
      await kill(second.child);
      kills += 1;
      seen.push(...watcher.lines.filter((line) => line !== "watching"));
      written = feedOf(url).length;
    }
    const last = Number(seen.at(-1)?.split(" ")[0] ?? "0");
    const watcher = start("watcher.mjs", url, String(last));
    await expect
      .poll(() => seen.length + watcher.lines.length - 1, { timeout: 30_000 })
      .toBeGreaterThanOrEqual(written);
    await kill(watcher.child);
    seen.push(...watcher.lines.slice(1));
    const expected = feedOf(url).map(({ position, kind, id, events }) => {
      const numbers = (events ?? []).map(({ sequence }) => sequence).join(",");
      return `${position} ${kind} ${id} ${numbers}`;
    });
    expect(seen).toEqual(expected);
    // No position and no event is missing.
    expect(expected[0]).toBe("1 created a 1");
    const events = expected.flatMap((line) => line.split(" ")[3]?.split(",") ?? []);
    expect(events).toEqual(events.map((_, index) => String(index + 1)));
  }, 300_000);

  it("sees changes through every handle of this process", async () => {
    const url = newStore();
    const one = await opening(url);
    const heard: string[] = [];
    one.on("change", ({ ids }) => heard.push(...ids));
    const watcher = start("watcher.mjs", url, "0");
    const other = await opening(url);
    using third = openSync(url);
    await expect.poll(() => watcher.lines, { timeout: 20_000 }).toContain("watching");
    await other.start({ task: "t", mode: "m", id: "a" });
    third.start({ task: "t", mode: "m", id: "b" });
    await expect.poll(() => heard).toEqual(["a", "b"]);
    await expect.poll(() => watcher.lines.slice(1)).toEqual(["1 created a 1", "2 created b 1"]);
    await kill(watcher.child);
  });

  it("lets the process end, unless it is to keep it alive", async () => {
    const url = newStore();
    const ends = start("watcher.mjs", url, "0", "no");
    // Node says so of an awaited call that nothing keeps pending.
    expect(await once(ends.child, "exit")).toEqual([13, null]);
    const stays = start("watcher.mjs", url, "0");
    await expect.poll(() => stays.lines, { timeout: 20_000 }).toContain("watching");
    await pause(300);
    expect(stays.child.exitCode).toBeNull();
    await kill(stays.child);
  });
});

describe("the feed of a file", () => {
  it("keeps as many changes as it is set to, whichever handle writes", async () => {
    const url = `sqlite:${newDatabase()}`;
    const sessions = await opening(url, { keepChanges: 1000 });
    await sessions.start({ task: "t", mode: "m", id: "a" });
    using other = openSync(url);
    for (let n = 0; n < 1200; n += 1) other.addEvent("a", "note", { n });
    const expired = await failure(sessions.watch({}, { from: 0 }).next());
    expect(expired.code).toBe("POSITION_EXPIRED");
    const kept = 1201 - Number(expired.details.keptAfter);
    expect(kept).toBeGreaterThanOrEqual(1000);
    expect(kept).toBeLessThan(1064);
  });

  it.each([999, 10_000_001, 1.5, "many"])("refuses to keep %j changes", async (keepChanges) => {
    for (const url of [`sqlite:${newDatabase()}`, newFiles()]) {
      const refused = await failure(open(url, { keepChanges: keepChanges as number }));
      expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", details: { what: "keepChanges" } });
    }
  });

  it("is an option of a file store", async () => {
    const url = newFiles();
    const sessions = await opening(url, { keepChanges: 1000 });
    await sessions.start({ task: "t", mode: "m", id: "a" });
    expect(feedOf(url).map(({ kind }) => kind)).toEqual(["created"]);
  });

  it("is not an option of other stores", async () => {
    const refused = await failure(open("memory:", { keepChanges: 1000 }));
    expect(refused.message).toBe("keepChanges: this store has no such option");
  });
});

describe("a folder that is removed while it is watched", () => {
  it("ends the watch", async () => {
    const folder = join(newFolder(), "sessions");
    const sessions = await opening(`file:${folder}`);
    await sessions.start({ task: "t", mode: "m", id: "a" });
    const next = failure(sessions.watch().next());
    await pause(20);
    rmSync(folder, { recursive: true });
    expect(await next).toMatchObject({ code: "LAGGED" });
  });
});

describe("a file that is removed while it is watched", () => {
  it("ends the watch, and is reported to the error listeners", async () => {
    const path = newDatabase();
    const sessions = await opening(`sqlite:${path}`);
    await sessions.start({ task: "t", mode: "m", id: "a" });
    const errors: string[] = [];
    sessions.on("error", ({ code }) => errors.push(code));
    sessions.on("change", () => {});
    const next = failure(sessions.watch().next());
    await pause(20);
    rmSync(path);
    expect(await next).toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect.poll(() => errors, { timeout: 5000 }).toEqual(["STORE_UNAVAILABLE"]);
  });
});
