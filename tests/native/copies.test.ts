// Several copies of the package in one process, as two entries of `node_modules` lead to. Each has its
// own SQLite, and they share the process, to which POSIX locks belong.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { open } from "tenure";
import { describe, expect, it } from "vitest";
import { newFolder } from "../support/folders.js";

const scale = Number(process.env.TENURE_TEST_SCALE ?? "1");
const program = fileURLToPath(new URL("../support/copies.mjs", import.meta.url));
const npm = fileURLToPath(new URL("../../npm/", import.meta.url));

/** Copies the package into a folder, and returns the URL of its entry. */
function copyPackage(folder: string): string {
  mkdirSync(folder);
  for (const part of ["package.json", "dist", "native"]) {
    cpSync(join(npm, part), join(folder, part), { recursive: true });
  }
  return pathToFileURL(join(folder, "dist/entry/node.js")).href;
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
});
