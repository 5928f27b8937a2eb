// Sessions that are archived at a URL before they are removed, by `purge` and by retention: in a folder, and in S3 where the tests
// have a server. The crate of the archive and the command have the other tests.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { open, openSync, type Sessions } from "tenure";
import { afterEach, describe, expect, it, vi } from "vitest";
import { code, failure } from "../support/failures.js";
import { newFolder } from "../support/folders.js";
import { MapStore } from "../support/map-store.js";
import { command } from "../support/server.js";
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
