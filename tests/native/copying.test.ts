// An interrupted copy into a database, a copy of a large store, and the documentation of copying.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CopyProgress, copy, open, openSync, type Sessions } from "tenure";
import * as wasm from "tenure/wasm";
import { describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { runExamples } from "../support/examples.js";
import { newFolder } from "../support/folders.js";
import { MapStore } from "../support/map-store.js";
import { linkedFiles } from "../support/readme.js";

const tests = fileURLToPath(new URL("..", import.meta.url));
const scale = Number(process.env.TENURE_TEST_SCALE ?? "0.1");

/** A database with sessions, some with a long history. */
async function populated(url: string, count: number): Promise<Map<string, string>> {
  await using sessions = await open(url);
  for (let n = 0; n < count; n += 1) {
    const id = `s${n}`;
    await sessions.start({ id, task: "t", mode: "m", idempotencyKey: `start ${n}` });
    const events = Array.from({ length: n % 50 === 0 ? 500 : 2 }, (_, index) => ({
      type: "note",
      data: { index, text: "x".repeat(500) },
    }));
    await sessions.addEvents(id, events, { idempotencyKey: "notes" });
  }
  return await exported(sessions);
}

async function exported(sessions: Sessions): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for await (const { id } of sessions.list({ trash: "include", limit: 1000 })) {
    all.set(id, await sessions.export(id));
  }
  return all;
}

/** Copies in a separate process, which is killed after a number of steps. */
function killedCopy(from: string, to: string, steps: number): Promise<unknown> {
  const script = `import { copy } from "tenure";
    let steps = 0;
    const onProgress = () => { if (++steps === ${steps}) process.kill(process.pid, "SIGKILL"); };
    await copy(${JSON.stringify(from)}, ${JSON.stringify(to)}, { onProgress });`;
  const args = ["--input-type=module", "--eval", script];
  const child = spawn(process.execPath, args, { cwd: tests, stdio: "inherit" });
  return new Promise((resolve) => child.on("exit", (_, signal) => resolve(signal)));
}

describe("a copy of another program's folder", () => {
  it("keeps what Tenure does not know, and shows it where it was", async () => {
    const folder = newFolder();
    const at = "2026-01-08T18:05:30.123Z";
    const session = {
      ...{ id: "s", mode: "m", task: "t", status: "paused", createdAt: at, updatedAt: at },
      ...{ iterations: 0, maxIterations: 9, context: {}, guildId: "g", tags: ["a"] },
      history: [{ timestamp: at, type: "start", data: { n: 1 }, by: "ada" }],
    };
    mkdirSync(join(folder, "s"));
    const file = join(folder, "s", "session.json");
    writeFileSync(file, JSON.stringify(session));
    const database = `sqlite:${join(newFolder(), "a.db")}`;
    expect(await copy(`file:${folder}`, database)).toMatchObject({ sessions: 1, problems: [] });
    await using copied = await open(database);
    expect(JSON.parse(await copied.export("s"))).toMatchObject(session);
    // Writing the session in the folder moves nothing either.
    await using sessions = await open(`file:${folder}`);
    await sessions.recordToolCall("s", "bash");
    await sessions.resume("s");
    const { status: _, updatedAt: __, history, ...same } = session;
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject(same);
    expect(JSON.parse(readFileSync(file, "utf8")).history[0]).toMatchObject(history[0] ?? {});
  });
});

describe("a copy from a store to itself", () => {
  it("is refused however the path of the store is written", async () => {
    const folder = newFolder();
    const path = join(folder, "a.db");
    await populated(`sqlite:${path}`, 1);
    symlinkSync(path, join(folder, "link.db"));
    symlinkSync(folder, join(folder, "up"));
    const urls = ["a.db", "./a.db", "link.db", "up/a.db"].map((name) => `sqlite:${folder}/${name}`);
    await using handle = await open(urls[0]);
    for (const to of [...urls, handle]) {
      for (const from of [...urls, handle]) {
        await expect(copy(from, to)).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
          details: { what: "to" },
        });
      }
    }
    expect(await handle.stats()).toMatchObject({ total: 1 });
  });
});

describe("a copy into SQLite", () => {
  it("that is killed leaves only complete sessions, and the next copy completes it", async () => {
    const folder = newFolder();
    const from = `sqlite:${join(folder, "from.db")}`;
    const source = await populated(from, 400);
    let steps = 0;
    const onProgress = (): void => {
      steps += 1;
    };
    await copy(from, `sqlite:${join(folder, "whole.db")}`, { onProgress });
    for (let round = 0; round < Math.max(3, 20 * scale); round += 1) {
      const to = `sqlite:${join(folder, `to${round}.db`)}`;
      expect(await killedCopy(from, to, 1 + (round % steps))).toBe("SIGKILL");
      await using target = await open(to);
      const before = await exported(target);
      expect(before.size).toBeGreaterThan(0);
      for (const [id, text] of before) expect(text).toBe(source.get(id));
      const result = await copy(from, target);
      expect(result).toMatchObject({ same: before.size, differing: 0, problems: [] });
      expect(result.sessions).toBe(source.size - before.size);
      expect(await exported(target)).toEqual(source);
      const start = { id: "s7", task: "t", mode: "m", idempotencyKey: "start 7" };
      expect(await target.start(start)).toMatchObject({ id: "s7", eventCount: 3 });
    }
  });
});

describe("a copy between the builds", () => {
  it("recognises equal sessions, whichever build reads them", async () => {
    const native = openSync("memory:");
    const other = wasm.openSync("memory:");
    const start = { id: "a", task: "t", mode: "m", idempotencyKey: "k", context: { a: "\ud800" } };
    native.start({ ...start, metadata: { cost: 0.1 } });
    native.addEvent("a", "note", { n: 1 });
    expect(await copy(native, other)).toMatchObject({ sessions: 1, records: 1, differing: 0 });
    expect(await wasm.copy(native, other)).toMatchObject({ sessions: 0, same: 1, differing: 0 });
    expect(other.export("a")).toBe(native.export("a"));
    other.addEvent("a", "note", { n: 2 });
    expect(await wasm.copy(other, native)).toMatchObject({ sessions: 1, differing: 0 });
    expect(native.export("a")).toBe(other.export("a"));
    const own = new MapStore();
    expect(await wasm.copy(native, own)).toMatchObject({ sessions: 1, differing: 0 });
    native.close();
    other.close();
  });
});

describe("a large store", () => {
  it("is copied page by page, with progress", async () => {
    const count = Math.max(2000, Math.round(20_000 * scale));
    const folder = newFolder();
    await using from = await open(`sqlite:${join(folder, "from.db")}`);
    for (let n = 0; n < count; n += 500) {
      const some = Array.from({ length: 500 }, () => from.start({ task: "t", mode: "m" }));
      await Promise.all(some);
    }
    const { id } = await from.start({ task: "long", mode: "m" });
    for (let n = 0; n < 10; n += 1) {
      const events = Array.from({ length: 1000 }, () => ({
        type: "note",
        data: { text: "x".repeat(300) },
      }));
      await from.addEvents(id, events);
    }
    await using to = await open(`sqlite:${join(folder, "to.db")}`);
    const steps: CopyProgress[] = [];
    const result = await copy(from, to, { onProgress: (step) => steps.push(step) });
    expect(result).toMatchObject({ sessions: count + 1, differing: 0 });
    expect(steps.length).toBeGreaterThan(count / 500);
    for (const [index, step] of steps.entries()) {
      expect(step.of).toBe(count + 1);
      expect(step.bytes).toBeGreaterThanOrEqual(steps[index - 1]?.bytes ?? 0);
    }
    expect((await to.get(id))?.eventCount).toBe(10_001);
  });
});

describe("the page about copying", () => {
  const page = readFileSync(inRoot("docs", "copying.md"), "utf8");

  it("has working examples", async () => {
    const folder = newFolder();
    const session = { id: "b", mode: "m", task: "t", status: "active", createdAt: 0 };
    mkdirSync(join(folder, "old", "b"), { recursive: true });
    writeFileSync(join(folder, "old", "b", "session.json"), JSON.stringify(session));
    writeFileSync(join(folder, "old", "recent_pr_x.lock"), "[");
    const said = await runExamples(folder, "docs/copying.md");
    expect(said).toHaveLength(2);
    expect(said[0]).toContain("verify: 1 of 1");
    expect(said[0]).toContain("1 copied, 0 were there, 0 differ");
    expect(said[1]).toContain("2 files, 1 sessions");
    await using backup = await open(`sqlite:${join(folder, "backup.db")}`);
    expect(await backup.get("a")).not.toBeNull();
    await using imported = await open(`sqlite:${join(folder, "imported.db")}`);
    expect(await imported.get("b")).not.toBeNull();
  });

  it("names existing options and outcomes", () => {
    const generated = readFileSync(inRoot("npm", "src", "generated.ts"), "utf8");
    const types = readFileSync(inRoot("npm", "src", "jobs", "copy.ts"), "utf8") + generated;
    for (const name of ["onProgress", "signal", "overwrite", "verify", "differing", "problems"]) {
      expect(page).toContain(`\`${name}\``);
      expect(types).toMatch(new RegExp(`\\b${name}\\??:`));
    }
    const outcomes = /export type Difference = (.*);/.exec(generated)?.[1] ?? "";
    for (const [, outcome] of outcomes.matchAll(/"(\w+)"/g)) {
      expect(page).toContain(`| \`${outcome}\` |`);
    }
    expect(linkedFiles(page)).toEqual(["webhooks.md", "indexeddb.md", "agents.md"]);
  });
});
