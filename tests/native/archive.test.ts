// Sessions that are archived at a URL before they are removed, by `purge` and by retention: in a folder, and in S3 where the tests
// have a server. The crate of the archive and the command have the other tests.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { open, openSync, type Sessions } from "tenure";
import { afterEach, describe, expect, it, vi } from "vitest";
import { runExamples } from "../support/examples.js";
import { code, failure } from "../support/failures.js";
import { newFolder } from "../support/folders.js";
import { MapStore } from "../support/map-store.js";
import { command, newSqlite, startUi } from "../support/server.js";
import { opening } from "../support/stores.js";

const run = promisify(execFile);
const SECRET = "xyzzyplugh";

afterEach(() => {
  vi.useRealTimers();
});

/** Sessions in the trash, and their exports. */
async function trashed(sessions: Sessions, ids: readonly string[]): Promise<string[]> {
  const exports: string[] = [];
  for (const id of ids) {
    await sessions.start({ id, task: SECRET, mode: "m", context: { large: "x".repeat(100_000) } });
    await sessions.complete(id, SECRET);
    await sessions.trash(id);
    exports.push(await sessions.export(id));
  }
  return exports;
}

/** What the command prints of an archive. */
async function archive(url: string, key: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, TENURE_ARCHIVE: url, TENURE_ENCRYPTION_KEY: key };
  const { stdout } = await run(command, ["archive", ...args], { env, maxBuffer: 2 ** 27 });
  return stdout.trimEnd();
}

/** The addresses of archives. */
function archives(): string[] {
  const buckets = process.env.TENURE_TEST_BUCKETS;
  if (buckets === undefined) {
    throw new Error(
      "TENURE_TEST_BUCKETS is not set: run the tests with `npm test`, or with `node scripts/buckets.mjs`",
    );
  }
  const own = `${process.pid}-${process.hrtime.bigint()}`;
  return [
    `file:${newFolder()}`,
    ...buckets
      .split(" ")
      .filter(Boolean)
      .map((bucket) => `${bucket}/${own}-${bucket.slice(0, 2)}`),
  ];
}

it("the examples on the page about the archive run", async () => {
  expect(await runExamples(newFolder(), "docs/archive.md")).toEqual(["", "1 0\n"]);
});

describe("an archive at a URL", () => {
  it("has the purged sessions to the byte", async () => {
    for (const url of archives()) {
      const sessions = await opening("memory:");
      const ids = ["a", "B", "c"];
      const exports = await trashed(sessions, ids);
      const purged = await sessions.purge({ olderThan: 0 }, { archive: { url, compress: true } });
      expect(purged).toMatchObject({ removed: 3, failed: [] });
      expect(await sessions.get("a")).toBeNull();
      for (const [index, id] of ids.entries()) {
        expect(await archive(url, "", "get", id)).toBe(exports[index]);
      }
      expect(JSON.parse(await archive(url, "", "verify", "--json"))).toMatchObject({
        sessions: 3,
        problems: [],
      });
    }
  });

  it("is encrypted with the keys of the store", async () => {
    const [folder, file] = [newFolder(), join(newFolder(), "key")];
    writeFileSync(file, randomBytes(32).toString("hex"));
    const encryption = { keys: [{ id: "k", file }] };
    const sessions = await opening(`sqlite:${newFolder()}/a.db`, { encryption });
    const [exported] = await trashed(sessions, ["a"]);
    await sessions.purge({ olderThan: 0 }, { archive: new URL(`file://${folder}`) });
    const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
    for (const entry of entries.filter((entry) => entry.isFile())) {
      const bytes = readFileSync(join(entry.parentPath, entry.name));
      expect(bytes.includes(SECRET)).toBe(false);
    }
    expect(await archive(`file:${folder}`, `k=file:${file}`, "get", "a")).toBe(exported);
  });

  it.each(["open", "openSync"])("is filled by retention, over %s", async (how) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "Date"] });
    const url = `file:${newFolder()}`;
    const options = { retention: { maxAge: "30d", every: "1d", archive: url } };
    const sessions =
      how === "open" ? await opening("memory:", options) : openSync("memory:", options);
    await sessions.start({ id: "a", task: "t", mode: "m" });
    await sessions.complete("a");
    vi.setSystemTime(Date.now() + 31 * 86_400_000);
    await vi.advanceTimersByTimeAsync(60_000);
    vi.setSystemTime(Date.now() + 31 * 86_400_000);
    await vi.advanceTimersByTimeAsync(86_400_000);
    await vi.waitFor(async () => expect(await sessions.get("a")).toBeNull(), { timeout: 10_000 });
    expect(await archive(url, "", "get", "a")).toContain('"id":"a"');
    await sessions.close();
  });

  it("keeps what it cannot archive", async () => {
    const folder = newFolder();
    const sessions = await opening("memory:");
    await trashed(sessions, ["a"]);
    // A file in the place of a folder.
    writeFileSync(join(folder, "sessions"), "");
    const purged = await sessions.purge({ olderThan: 0 }, { archive: `file:${folder}` });
    expect(purged).toMatchObject({ removed: 0, failed: [{ id: "a", code: "ARCHIVE_FAILED" }] });
    expect(await sessions.get("a")).toMatchObject({ deletedAt: expect.any(String) });
  });

  it.runIf(process.platform !== "win32")("is the owner's alone, in any folder", async () => {
    const folder = newFolder();
    chmodSync(folder, 0o755);
    const sessions = await opening("memory:");
    await trashed(sessions, ["a"]);
    await sessions.purge({ olderThan: 0 }, { archive: `file:${folder}` });
    for (const part of ["sessions", "manifests"]) {
      expect(statSync(join(folder, part)).mode & 0o777, part).toBe(0o700);
    }
  });

  it("is listed, read, verified and restored", async () => {
    for (const url of archives()) {
      const sessions = await opening("memory:");
      const [first] = await trashed(sessions, ["a"]);
      await sessions.purge({ olderThan: 0 }, { archive: url });
      const [second] = await trashed(sessions, ["a", "b"]);
      await sessions.purge({ olderThan: 0 }, { archive: { url, compress: true } });
      const archive = sessions.archive(new URL(url));
      const page = await archive.list({ limit: 2 });
      expect(page.items.map(({ id }) => id).sort()).toEqual(["a", "b"]);
      expect(page.items[0]).toMatchObject({
        ...{ compression: "gzip", archivedAt: expect.stringMatching(/Z$/) },
        ...{ sha256: expect.stringMatching(/^[0-9a-f]{64}$/), about: { mode: "m" } },
      });
      const { items, nextCursor } = await archive.list({ limit: 2, cursor: page.nextCursor });
      expect(items.map(({ id }) => id)).toEqual(["a"]);
      expect(nextCursor).toBeUndefined();
      expect((await archive.list({ id: "b" })).items).toHaveLength(1);
      expect((await archive.list({ after: Date.now() + 60_000 })).items).toEqual([]);
      expect(await archive.get("a")).toBe(second);
      expect(await archive.get("nobody")).toBeNull();
      expect(await archive.get("a", { version: 99 })).toBeNull();
      const versions = (await archive.list({ id: "a" })).items.map(({ version }) => version);
      expect(await archive.get("a", { version: versions.at(-1) })).toBe(
        versions[0] === versions[1] ? second : first,
      );
      expect(await archive.restore("a")).toMatchObject({ id: "a", deletedAt: expect.any(String) });
      expect(await sessions.export("a")).toBe(second);
      expect(await code(archive.restore("a"))).toBe("SESSION_EXISTS");
      expect(await archive.restore("a", { replace: true })).toMatchObject({ id: "a" });
      expect(await archive.restore("nobody")).toBeNull();
      expect(await archive.verify()).toMatchObject({ sessions: 3, unlisted: 0, problems: [] });
      expect(await code(archive.list({ limit: 1001 }))).toBe("INVALID_ARGUMENT");
      expect(await code(archive.list({ cursor: "none" }))).toBe("INVALID_CURSOR");
    }
  });

  it("whose objects were changed says which", async () => {
    const folder = newFolder();
    const sessions = await opening("memory:");
    await trashed(sessions, ["a"]);
    await sessions.purge({ olderThan: 0 }, { archive: `file:${folder}` });
    const archive = sessions.archive(`file:${folder}`);
    const [entry] = (await archive.list()).items;
    writeFileSync(join(folder, entry?.path ?? ""), "{}");
    const { problems } = await archive.verify();
    expect(problems).toMatchObject([{ path: entry?.path, id: "a" }]);
    expect(await failure(archive.get("a"))).toMatchObject({
      code: "ARCHIVE_DAMAGED",
      message: expect.stringMatching(/^sessions\/.* is not what was archived: /),
    });
    expect(await code(archive.restore("a"))).toBe("ARCHIVE_DAMAGED");
    expect(await code(archive.list({ id: "../a" }))).toBe("INVALID_ID");
  });

  it("is read from a server that was started with it, with its token", async () => {
    const archive = `file:${newFolder()}`;
    const sessions = await opening("memory:");
    const [exported] = await trashed(sessions, ["a.B-c"]);
    await sessions.purge({ olderThan: 0 }, { archive });
    const { url, token } = await sessions.serve({ archive, readOnly: true });
    const ask = async (path: string, given = token): Promise<[number, string]> => {
      const headers = { authorization: `Bearer ${given}` };
      const response = await fetch(`${url}v1/archive${path}`, { headers });
      return [response.status, await response.text()];
    };
    const [status, text] = await ask("?limit=5");
    expect([status, JSON.parse(text).ok.items]).toMatchObject([200, [{ id: "a.B-c" }]]);
    expect(await ask("/a.B-c")).toEqual([200, `{"ok":${exported}}`]);
    expect((await ask("/a.B-c?version=99"))[0]).toBe(404);
    expect((await ask("/nobody"))[0]).toBe(404);
    for (const wrong of [
      "?limit=0",
      "?limit=x",
      "?after=x",
      "?cursor=x",
      "?user=u",
      "/a?v=1",
      "/a%2Fb",
    ]) {
      expect((await ask(wrong))[0], wrong).toBe(400);
    }
    expect((await ask("", "another token that is wrong"))[0]).toBe(401);
    const headers = { authorization: `Bearer ${token}` };
    const posted = await fetch(`${url}v1/archive`, { method: "POST", headers });
    expect(posted.status).toBe(405);
    const bare = await sessions.serve();
    const without = await fetch(`${bare.url}v1/archive`, {
      headers: { authorization: `Bearer ${bare.token}` },
    });
    expect(without.status).toBe(400);
    // A client reads no archive of its own machine through a server.
    const client = await opening(url, { token });
    expect(await code(client.archive(archive).list())).toBe("INVALID_ARGUMENT");
    const store = await newSqlite(newFolder());
    const ui = await startUi("--port", "0", "--store", store, "--archive", archive);
    const page = await fetch(`${ui.url}v1/archive`, {
      headers: { authorization: `Bearer ${ui.token}` },
    });
    expect((await page.json()).ok.items).toMatchObject([{ id: "a.B-c" }]);
    await ui.kill();
  });

  it("is refused where it would not be written, before a session is removed", async () => {
    const retention = { maxAge: "1d", every: "1d", archive: "file:./nowhere" };
    expect(await code(open(new MapStore(), { retention }))).toBe("INVALID_ARGUMENT");
    for (const archive of ["nowhere", "s3://user:secret@bucket", "s3://", "http://a"]) {
      const error = await failure(open("memory:", { retention: { ...retention, archive } }));
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(error.message).not.toContain("secret");
    }
    const sessions = await opening(new MapStore());
    await trashed(sessions, ["a"]);
    expect(await code(sessions.purge({ olderThan: 0 }, { archive: "file:./nowhere" }))).toBe(
      "INVALID_ARGUMENT",
    );
    expect(await sessions.get("a")).not.toBeNull();
  });
});
