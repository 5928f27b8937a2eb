// Sessions in files, as users of the package see them: folders that people and other programs read,
// write and delete. The store itself is tested in its own crate.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { open, openSync } from "tenure";
import { describe, expect, it } from "vitest";
// The types of "tenure" in the tests are those of browsers, which have no `importDirectory`.
import { importDirectory } from "../../npm/dist/entry/node.js";
import { code, failure } from "../support/failures.js";
import { newFolder } from "../support/folders.js";
import { opening } from "../support/stores.js";

const writer = fileURLToPath(new URL("../support/writer.mjs", import.meta.url));
const scale = Number(process.env.TENURE_TEST_SCALE ?? "1");

/** The path of a session's file. */
const pathOf = (folder: string, id: string): string => join(folder, id, "session.json");

/** A session as another program writes it: only the required properties. */
function writeForeign(folder: string, id: string, properties: object = {}): void {
  const session = {
    id,
    mode: "developer",
    task: "Review the code",
    status: "active",
    createdAt: "2026-01-02T03:04:05.678Z",
    updatedAt: "2026-01-02T03:05:00.000Z",
    iterations: 1,
    maxIterations: 50,
    context: { step: "analysis", seen: [1, { deep: null }] },
    history: [
      {
        timestamp: "2026-01-02T03:04:05.678Z",
        type: "start",
        data: { task: "Review the code", mode: "developer" },
      },
      { timestamp: "2026-01-02T03:05:00.000Z", type: "iteration", data: {} },
    ],
    ...properties,
  };
  mkdirSync(join(folder, id), { recursive: true });
  writeFileSync(pathOf(folder, id), JSON.stringify(session, null, 2));
}

describe.runIf(process.platform !== "win32")("what is no regular file", () => {
  it("is no session, and nothing waits for it", async () => {
    const folder = newFolder();
    writeForeign(folder, "good");
    for (const id of ["fifo", "endless"]) mkdirSync(join(folder, id));
    execFileSync("mkfifo", [pathOf(folder, "fifo")]);
    symlinkSync("/dev/zero", pathOf(folder, "endless"));
    const sessions = await opening(`file:${folder}`);
    const { items, problems } = await sessions.list();
    expect(items.map(({ id }) => id)).toEqual(["good"]);
    expect(problems.map(({ id }) => id).sort()).toEqual(["endless", "fifo"]);
    for (const id of ["fifo", "endless"]) {
      const error = await failure(sessions.get(id));
      expect(error).toMatchObject({ code: "CORRUPT_SESSION", details: { id } });
      expect(error.message).toContain("not a regular file");
      await sessions.delete(id);
      expect(await sessions.get(id)).toBeNull();
    }
  });

  it("is not imported, and is a problem", async () => {
    const folder = newFolder();
    writeForeign(folder, "good");
    mkdirSync(join(folder, "fifo"));
    execFileSync("mkfifo", [pathOf(folder, "fifo")]);
    const sessions = await opening("memory:");
    const { failed, problems } = await importDirectory(folder, sessions);
    expect(failed).toBe(1);
    expect(problems).toMatchObject([{ path: "fifo/session.json", code: "FILE_UNREADABLE" }]);
    expect((await sessions.list()).items.map(({ id }) => id)).toEqual(["good"]);
  });
});

describe("a session in files", () => {
  it("is a folder with one indented JSON file", async () => {
    const folder = join(newFolder(), "sessions");
    const sessions = await opening(`file:${folder}`);
    const { id } = await sessions.start({
      task: "t",
      mode: "m",
      userId: "u",
      channelId: "c",
      workspace: "/w",
      context: { a: { b: [1, 2] } },
      metadata: { model: "large" },
    });
    await sessions.incrementIteration(id, { phase: "tests" });
    const text = readFileSync(pathOf(folder, id), "utf8");
    expect(text).toContain('\n  "task": "t"');
    expect(text).toContain('\n      "b": [');
    const session = JSON.parse(text);
    expect(session).toMatchObject({
      id,
      userId: "u",
      channelId: "c",
      mode: "m",
      task: "t",
      workspace: "/w",
      status: "active",
      iterations: 1,
      maxIterations: 100,
      context: { a: { b: [1, 2] } },
      metadata: { model: "large" },
    });
    expect(session.history).toEqual((await sessions.get(id))?.history);
    expect(session.history[1]).toMatchObject({ type: "iteration", data: { phase: "tests" } });
    expect(Date.parse(session.createdAt)).toBeLessThanOrEqual(Date.parse(session.updatedAt));
  });

  it("that another program has written is read and continued", async () => {
    const folder = newFolder();
    writeForeign(folder, "session_abc123_xyz", { userId: "ada", metadata: { model: "large" } });
    const sessions = await opening(`file:${folder}`);
    expect((await sessions.list({ userId: "ada" })).items.map(({ id }) => id)).toEqual([
      "session_abc123_xyz",
    ]);
    expect((await sessions.incrementIteration("session_abc123_xyz")).iterations).toBe(2);
    const session = JSON.parse(readFileSync(pathOf(folder, "session_abc123_xyz"), "utf8"));
    expect(session.history).toHaveLength(3);
    expect(session.context).toEqual({ step: "analysis", seen: [1, { deep: null }] });
    expect(session.createdAt).toBe("2026-01-02T03:04:05.678Z");
  });

  it("keeps unknown properties of another program", async () => {
    const folder = newFolder();
    writeForeign(folder, "a", { priority: "high", links: [{ href: "x" }], result: null });
    const sessions = await opening(`file:${folder}`);
    await sessions.incrementIteration("a");
    await sessions.complete("a", "done");
    expect(JSON.parse(readFileSync(pathOf(folder, "a"), "utf8"))).toMatchObject({
      status: "completed",
      result: "done",
      priority: "high",
      links: [{ href: "x" }],
    });
    expect(JSON.parse(await sessions.export("a"))).toMatchObject({ priority: "high" });
    expect((await sessions.get("a"))?.metadata).toEqual({
      otherProperties: { priority: "high", links: [{ href: "x" }] },
    });
  });

  it("that cannot be read affects no other, is not modified, and can be deleted", async () => {
    const folder = newFolder();
    writeForeign(folder, "good");
    writeForeign(folder, "bad");
    const garbage = readFileSync(pathOf(folder, "bad"), "utf8").slice(0, 200);
    writeFileSync(pathOf(folder, "bad"), garbage);
    const sessions = await opening(`file:${folder}`);
    const { items, problems } = await sessions.list();
    expect(items.map(({ id }) => id)).toEqual(["good"]);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.id).toBe("bad");
    expect(problems[0]?.problem).toContain(pathOf(folder, "bad"));
    expect((await sessions.stats()).total).toBe(1);
    for (const call of [
      () => sessions.get("bad"),
      () => sessions.incrementIteration("bad"),
      () => sessions.start({ id: "bad", task: "t", mode: "m" }),
      () => sessions.trash("bad"),
    ]) {
      const error = await failure(call());
      expect(error.code).toBe("CORRUPT_SESSION");
      expect(error.message).toContain(pathOf(folder, "bad"));
    }
    expect(readFileSync(pathOf(folder, "bad"), "utf8")).toBe(garbage);
    await sessions.delete("bad");
    expect(existsSync(join(folder, "bad"))).toBe(false);
    expect((await sessions.list()).problems).toEqual([]);
  });

  it("appears and disappears with its folder at the next call", async () => {
    const folder = join(newFolder(), "sessions");
    const sessions = openSync(`file:${folder}`);
    const { id } = sessions.start({ task: "t", mode: "m" });
    cpSync(join(folder, id), join(folder, "kept"), { recursive: true });
    rmSync(join(folder, id), { recursive: true });
    expect(sessions.get(id)).toBeNull();
    expect(sessions.list().items).toEqual([]);
    expect(sessions.list().problems.map((problem) => problem.id)).toEqual(["kept"]);
    rmSync(folder, { recursive: true });
    expect(sessions.list()).toMatchObject({ items: [], problems: [] });
    sessions.start({ id: "again", task: "t", mode: "m" });
    expect(existsSync(pathOf(folder, "again"))).toBe(true);
    sessions.close();
  });

  it("is deleted with its folder, and trashed in place", async () => {
    const folder = newFolder();
    const sessions = await opening(`file:${folder}`);
    for (const id of ["a", "b"]) await sessions.start({ id, task: "t", mode: "m" });
    await sessions.delete("a");
    await sessions.trash("b");
    expect(readdirSync(folder).filter((name) => !name.startsWith("."))).toEqual(["b"]);
    expect((await sessions.list()).items).toEqual([]);
    await sessions.restore("b");
    expect((await sessions.list()).items).toHaveLength(1);
  });
});

describe("the file store", () => {
  it("reports its capabilities", async () => {
    const sessions = await opening(`file:${newFolder()}`);
    expect(sessions.capabilities).toEqual({
      persistent: true,
      shared: true,
      feed: true,
      reindents: true,
    });
    expect(sessions.binding).toBe("native");
  });

  it("takes paths literally and decodes URLs", async () => {
    const folder = join(newFolder(), "with spaces %20 and ü");
    using plain = openSync(`file:${folder}`);
    plain.start({ id: "a", task: "t", mode: "m" });
    const url = pathToFileURL(folder);
    using byText = openSync(url.href);
    using byUrl = openSync(url);
    expect(byText.get("a")).toEqual(plain.get("a"));
    expect(byUrl.get("a")).toEqual(plain.get("a"));
    for (const refused of ["file:", "file://elsewhere/sessions"]) {
      expect(await code(open(refused)), refused).toBe("UNSUPPORTED_STORE");
    }
    expect(await code(open(`file:${pathOf(folder, "a")}`))).toBe("STORE_UNAVAILABLE");
  });

  it.each(["normal", "full"] as const)(
    "writes in the order of the calls, and reads without waiting for writes, with durability %s",
    async (durability) => {
      const sessions = await opening(`file:${newFolder()}`, { durability });
      await sessions.start({ task: "t", mode: "m", id: "a" });
      const appended = await Promise.all(
        Array.from({ length: 50 }, (_, i) => sessions.addEvent("a", "note", { i })),
      );
      expect(appended.map(({ firstSequence }) => firstSequence)).toEqual(
        Array.from({ length: 50 }, (_, i) => i + 2),
      );
    },
  );

  it("does not block JavaScript while it writes", async () => {
    const sessions = await opening(`file:${newFolder()}`, { durability: "full" });
    await sessions.start({ task: "t", mode: "m", id: "a" });
    let turns = 0;
    let writing = true;
    const writes = Promise.all(
      Array.from({ length: 20 }, () => sessions.incrementIteration("a")),
    ).finally(() => {
      writing = false;
    });
    while (writing) {
      await new Promise((go) => setImmediate(go));
      turns += 1;
    }
    await writes;
    expect(turns).toBeGreaterThan(1);
  });

  it("is shared by synchronous and asynchronous handles", async () => {
    const folder = newFolder();
    const one = await opening(`file:${folder}`);
    using other = openSync(`file:${folder}`);
    await one.start({ task: "t", mode: "m", id: "a" });
    const writes = Array.from({ length: 30 }, () => one.incrementIteration("a"));
    for (let i = 0; i < 30; i += 1) other.incrementIteration("a");
    await Promise.all(writes);
    expect(other.get("a")).toMatchObject({ iterations: 60, eventCount: 61 });
  });

  it("loses nothing to concurrent processes, which never see a partial session", async () => {
    const folder = newFolder();
    using sessions = openSync(`file:${folder}`);
    sessions.start({ task: "t", mode: "m", id: "a", maxIterations: 100_000 });
    const count = Math.max(20, Math.round(200 * scale));
    const children = ["await", "sync", "await", "sync"].map((mode) =>
      spawn(process.execPath, [writer, `file:${folder}`, mode, String(count)], {
        stdio: ["ignore", "ignore", "inherit"],
      }),
    );
    const ended = Promise.all(children.map((child) => once(child, "close")));
    let running = true;
    void ended.then(() => {
      running = false;
    });
    let last = 0;
    while (running) {
      const { items, problems } = sessions.list();
      expect(problems).toEqual([]);
      expect(items).toHaveLength(1);
      expect(items[0]?.iterations).toBeGreaterThanOrEqual(last);
      last = items[0]?.iterations ?? 0;
      await new Promise((go) => setImmediate(go));
    }
    await ended;
    expect(children.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    expect(sessions.get("a")).toMatchObject({ iterations: 4 * count, eventCount: 4 * count + 1 });
  });

  it("repeats a start with the same idempotency key, and deletes the key with the session", async () => {
    const folder = newFolder();
    const sessions = await opening(`file:${folder}`);
    const params = { task: "t", mode: "m", idempotencyKey: "k" };
    const first = await sessions.start(params);
    expect((await sessions.start(params)).id).toBe(first.id);
    rmSync(join(folder, first.id), { recursive: true });
    expect((await sessions.start(params)).id).not.toBe(first.id);
  });
});

describe.skipIf(process.platform === "win32")("The permissions of new files", () => {
  const bits = (path: string): number => statSync(path).mode & 0o777;

  it.each([
    { options: {}, file: 0o600, directory: 0o700 },
    { options: { fileMode: 0o640 }, file: 0o640, directory: 0o750 },
  ])("are private, or what the option says: $options", async ({ options, file, directory }) => {
    const folder = newFolder();
    for (const url of [`file:${folder}/files/deep`, `sqlite:${folder}/db/deep/tenure.db`]) {
      const sessions = await open(url, options);
      await sessions.start({ id: "a", task: "t", mode: "m" });
      await sessions.close();
    }
    for (const made of ["files", "files/deep", "files/deep/a", "db", "db/deep"])
      expect(bits(join(folder, made)), made).toBe(directory);
    for (const made of ["files/deep/a/session.json", "db/deep/tenure.db"])
      expect(bits(join(folder, made)), made).toBe(file);
  });

  it("let the owner read and write, and nobody execute", async () => {
    const folder = newFolder();
    for (const fileMode of [0o777, 0o400, 0, 640, 0o2600])
      expect(await failure(open(`file:${folder}`, { fileMode }))).toMatchObject({
        code: "INVALID_ARGUMENT",
        details: { what: "fileMode" },
      });
  });
});
