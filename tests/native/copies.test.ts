// Several copies of the package in one process, as two entries of `node_modules` lead to. Each has its
// own SQLite, and they share the process, to which POSIX locks belong.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { open, openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { newFolder } from "../support/folders.js";

const scale = Number(process.env.TENURE_TEST_SCALE ?? "1");
const program = fileURLToPath(new URL("../support/copies.mjs", import.meta.url));
const npm = fileURLToPath(new URL("../../npm/", import.meta.url));

/** Copies the package into a folder, and returns the URL of its entry. */
function copyPackage(folder: string): string {
  mkdirSync(folder);
  for (const part of ["package.json", "dist", "native", "wasm"]) {
    cpSync(join(npm, part), join(folder, part), { recursive: true });
  }
  return pathToFileURL(join(folder, "dist/entry/node.js")).href;
}

interface OtherSqlite {
  exec(sql: string): void;
  prepare(sql: string): { get(): unknown };
  close(): void;
}

/** The SQLite of Node, since version 22. */
function nodeSqlite(): (new (path: string) => OtherSqlite) | undefined {
  const found: unknown = process.getBuiltinModule?.("node:sqlite");
  return (found as { DatabaseSync: new (path: string) => OtherSqlite } | undefined)?.DatabaseSync;
}

describe("copies of the package in one process", () => {
  it("share a database and lose no event", async () => {
    const folder = newFolder();
    const copies = ["one", "two"].map((name) => copyPackage(join(folder, name)));
    const url = `sqlite:${join(folder, "shared.db")}`;
    const first = await open(url);
    await first.start({ task: "t", mode: "m", id: "a", maxIterations: 1_000_000 });
    await first.close();

    const count = Math.max(100, Math.round(1000 * scale));
    const child = spawn(process.execPath, [program, url, String(count), ...copies]);
    let [printed, failed] = ["", ""];
    child.stdout.on("data", (text) => {
      printed += text;
    });
    child.stderr.on("data", (text) => {
      failed += text;
    });
    const [exit, signal] = await once(child, "close");
    expect({ exit, signal, failed }).toEqual({ exit: 0, signal: null, failed: "" });
    const acknowledged = printed.trim().split("\n").map(Number);
    expect(acknowledged).toEqual(Array(4).fill(count));

    const sessions = await open(url);
    const session = await sessions.get("a", { history: "all" });
    expect(session).toMatchObject({ iterations: 4 * count, eventCount: 4 * count + 1 });
    expect(session?.history.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 4 * count + 1 }, (_, i) => i + 1),
    );
    await sessions.close();
  }, 60_000);

  const Other = nodeSqlite();

  it.runIf(Other)("share a database with another SQLite library", async () => {
    if (Other === undefined) return;
    const path = join(newFolder(), "shared.db");
    const sessions = openSync(`sqlite:${path}`);
    sessions.start({ task: "t", mode: "m", id: "a", maxIterations: 1_000_000 });
    const other = new Other(path);
    other.exec("CREATE TABLE theirs (x)");
    const rounds = 20;
    for (let round = 1; round <= rounds; round += 1) {
      other.exec("BEGIN IMMEDIATE; INSERT INTO theirs VALUES (1)");
      // Closing a handle does not end the lock of the other library.
      const brief = openSync(`sqlite:${path}`, { busyTimeoutMs: 1 });
      expect(() => brief.incrementIteration("a")).toThrow("another writer held its lock");
      brief.close();
      const next = openSync(`sqlite:${path}`, { busyTimeoutMs: 1 });
      expect(() => next.incrementIteration("a")).toThrow("another writer held its lock");
      next.close();
      other.exec("COMMIT");
      expect(sessions.incrementIteration("a").iterations).toBe(round);
    }
    expect(other.prepare("SELECT count(*) AS n FROM theirs").get()).toEqual({ n: rounds });
    expect(other.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    other.close();
    sessions.close();
  });
});
