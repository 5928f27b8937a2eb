// Encryption at rest: every operation works over an encrypted store, and nothing of a session is readable in its files, in
// the tables of a database, or in the log of a server. The crate of encrypted stores has the other tests.

import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { type EncryptionOptions, open, openSync, type Sessions } from "tenure";
import { describe, expect, it } from "vitest";
import { findPostgres } from "../../scripts/lib/postgres.mjs";
import { code, failure } from "../support/failures.js";
import { newFolder } from "../support/folders.js";
import { MapStore } from "../support/map-store.js";
import { newPostgres } from "../support/postgres.js";
import { command, newSqlite } from "../support/server.js";
import { opening } from "../support/stores.js";

const run = promisify(execFile);
const SECRET = "xyzzyplugh";

/** A new key in a file. */
function newKey(id: string): EncryptionOptions & { readonly path: string } {
  const path = join(newFolder(), id);
  writeFileSync(path, randomBytes(32).toString("base64"));
  return { keys: [{ id, file: path }], path };
}

/** Sessions with the word in every text that is user data. */
async function work(sessions: Sessions): Promise<void> {
  const data = { note: SECRET };
  const { id } = await sessions.start({
    task: SECRET,
    mode: "m",
    context: data,
    metadata: { ...data, model: "opus" },
  });
  await sessions.addEvent(id, "note", data);
  await sessions.recordToolCall(id, "read", data, data);
  await sessions.startToolCall(id, "write", data);
  await sessions.recordLearning(id, SECRET, `${SECRET}.md`);
  await sessions.updateContext(id, { more: SECRET });
  await sessions.pause(id, SECRET);
  await sessions.resume(id);
  await sessions.update(id, { task: `${SECRET} again` });
  await sessions.fork(id);
  await sessions.complete(id, SECRET);
  const failed = await sessions.start({ task: SECRET, mode: "m" });
  await sessions.fail(failed.id, SECRET);
  const left = await sessions.start({ task: SECRET, mode: "m" });
  await sessions.abandon(left.id, SECRET);
  const agent = await sessions.agents.create({
    agentName: "builder",
    purpose: SECRET,
    metadata: data,
  });
  await sessions.agents.update(agent.id, { error: SECRET });
  await sessions.agents.finalize(agent.id, "failed", { summary: SECRET });
  const asked = await sessions.agents.create({ agentName: "builder", purpose: SECRET });
  await sessions.agents.requestApproval(asked.id, { reason: SECRET });
  await sessions.agents.deny(asked.id, { by: "ann", reason: SECRET });
  await sessions.trash(failed.id);
}

/** The ids of the sessions that a filter selects. */
async function idsOf(sessions: Sessions, filter: Parameters<Sessions["list"]>[0]) {
  const ids: string[] = [];
  for await (const { id } of sessions.list(filter)) ids.push(id);
  return ids;
}

/** The exports of all sessions. */
async function exported(sessions: Sessions): Promise<string[]> {
  const ids = await idsOf(sessions, { trash: "include" });
  return Promise.all(ids.map((id) => sessions.export(id)));
}

/** The files of a folder that contain the word, byte by byte. */
function readable(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  return paths.filter((path) => readFileSync(path).includes(SECRET));
}

describe("an encrypted store", () => {
  it.each(["sqlite", "file"])("has nothing readable in its files: %s", async (scheme) => {
    const [folder, encryption] = [newFolder(), newKey("k")];
    const url = `${scheme}:${join(folder, "store")}`;
    const { path, ...options } = encryption;
    const sessions = await opening(url, { encryption: options });
    await work(sessions);
    expect(readable(folder)).toEqual([]);
    const ids = await idsOf(sessions, { text: SECRET, trash: "include" });
    expect(ids).toHaveLength(6);
    expect(await idsOf(sessions, { model: "opus" })).toHaveLength(2);
    const env = { ...process.env, TENURE_STORE: url, TENURE_ENCRYPTION_KEY: `k=file:${path}` };
    const { stdout } = await run(command, ["check"], { env });
    expect(stdout).toContain("no problems");
    const now = openSync(url, { encryption: options });
    expect([...now.list({ text: SECRET, limit: 50 })]).toHaveLength(5);
    expect(await failure(open(url))).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining('encrypted with the key "k"'),
    });
    const { path: _, ...wrong } = newKey("k");
    expect(await code(open(url, { encryption: wrong }))).toBe("STORE_UNAVAILABLE");
  });

  it("has nothing readable in the tables of a database", async () => {
    const url = newPostgres();
    const { path, ...encryption } = newKey("old");
    const sessions = await opening(url, { encryption });
    await work(sessions);
    const plain = await exported(sessions);
    const schema = new URL(url).searchParams.get("schema") ?? "";
    const dump = join(findPostgres() ?? "", "pg_dump");
    const { stdout } = await run(dump, ["--schema", schema, url.split("?")[0] ?? ""]);
    expect(stdout).toContain("tenure1");
    expect(stdout).not.toContain(SECRET);
    expect(await code(open(url))).toBe("STORE_UNAVAILABLE");
    // The key is changed while the handle is open: it has both.
    const next = newKey("new");
    const keys = `new=file:${next.path},old=file:${path}`;
    const env = { ...process.env, TENURE_STORE: url, TENURE_ENCRYPTION_KEY: keys };
    const rotated = await run(command, ["rotate-key"], { env });
    expect(rotated.stdout).toContain("the store no longer needs the key old");
    const renewed = await opening(url, { encryption: { keys: next.keys } });
    expect(await exported(renewed)).toEqual(plain);
    await renewed.start({ task: SECRET, mode: "m" });
    expect(await code(open(url, { encryption }))).toBe("STORE_UNAVAILABLE");
  });

  it.each(["sqlite", "file", "postgres"])(
    "is noticed by handles that were opened before: %s",
    async (scheme) => {
      const url = scheme === "postgres" ? newPostgres() : `${scheme}:${join(newFolder(), "store")}`;
      const [plain, other] = [await opening(url), await opening(url)];
      await plain.start({ id: "a", task: SECRET, mode: "m", context: { step: 1 } });
      await plain.webhooks.add({ id: "w", url: "https://example.com/hook" });
      await other.get("a");
      const [old, next] = [newKey("old"), newKey("new")];
      const rotate = (keys: string) => {
        const env = { ...process.env, TENURE_STORE: url, TENURE_ENCRYPTION_KEY: keys };
        return run(command, ["rotate-key"], { env });
      };
      await rotate(`old=file:${old.path}`);
      const again = {
        code: "STORE_UNAVAILABLE",
        message: expect.stringContaining("open it again"),
      };
      for (const stale of [plain, other]) {
        expect(await failure(stale.pause("a", "late"))).toMatchObject(again);
        expect(await failure(stale.start({ id: "b", task: "late", mode: "m" }))).toMatchObject(
          again,
        );
        expect(await failure(stale.get("a"))).toMatchObject(again);
        expect(await failure(idsOf(stale, {}))).toMatchObject(again);
        expect(await failure(idsOf(stale, { text: SECRET }))).toMatchObject(again);
        expect(await failure(stale.export("a"))).toMatchObject(again);
      }
      const keyed = await opening(url, { encryption: { keys: old.keys } });
      const found = await keyed.get("a");
      expect([found?.task, found?.status, found?.context]).toEqual([SECRET, "active", { step: 1 }]);
      await keyed.addEvent("a", "note", {});
      await rotate(`new=file:${next.path},old=file:${old.path}`);
      expect(await failure(keyed.start({ id: "b", task: "t", mode: "m" }))).toMatchObject(again);
      for (const read of [() => keyed.get("a"), () => idsOf(keyed, {})]) {
        expect(await failure(read())).toMatchObject({
          code: "STORE_UNAVAILABLE",
          message: expect.stringContaining('the key "new", which was not given'),
        });
      }
      const renewed = await opening(url, { encryption: { keys: next.keys, only: true } });
      expect(await idsOf(renewed, {})).toEqual(["a"]);
    },
  );

  it("refuses keys that it would not use", async () => {
    const { path: _, ...encryption } = newKey("k");
    const given = { encryption };
    const refused = [
      () => open("memory:", given),
      () => open("git:origin", given),
      () => open(new MapStore(), given),
      () => open("http://127.0.0.1:1", given),
      () => open(`sqlite:${newFolder()}/a.db`, { ...given, textIndex: true }),
      () => open(`sqlite:${newFolder()}/b.db`, { encryption: { keys: [] } }),
      () => open(`sqlite:${newFolder()}/c.db`, { encryption: { keys: [{ id: "k" }] } }),
      // @ts-expect-error There is no such property.
      () => open(`sqlite:${newFolder()}/d.db`, { encryption: { ...encryption, all: true } }),
    ];
    for (const refuse of refused) expect(await code(refuse())).toBe("INVALID_ARGUMENT");
  });

  it("refuses what is plain, if only encrypted data is accepted", async () => {
    const url = `sqlite:${join(newFolder(), "a.db")}`;
    await (await opening(url)).start({ id: "a", task: "t", mode: "m" });
    const { path: _, ...encryption } = newKey("k");
    expect((await (await opening(url, { encryption })).get("a"))?.task).toBe("t");
    const strict = await opening(url, { encryption: { ...encryption, only: true } });
    expect(await code(strict.get("a"))).toBe("CORRUPT_SESSION");
  });

  it("lets its server log nothing of a session", async () => {
    const folder = newFolder();
    const { path, ..._ } = newKey("k");
    const env = {
      ...process.env,
      TENURE_STORE: await newSqlite(folder),
      TENURE_ENCRYPTION_KEY: `k=file:${path}`,
    };
    const child = spawn(command, ["ui", "--json", "--port", "0"], { env });
    let log = "";
    child.stderr.on("data", (text) => {
      log += text;
    });
    try {
      const [line] = await once(createInterface(child.stdout), "line");
      const { url, token } = JSON.parse(line);
      const client = await opening(url, { token });
      await work(client);
      await failure(client.start({ id: "bad id", task: SECRET, mode: "m" }));
      await failure(client.addEvent("nobody", "note", { note: SECRET }));
      expect(await idsOf(client, { text: SECRET })).toHaveLength(5);
    } finally {
      child.kill();
      await once(child, "close");
    }
    expect(log).not.toContain(SECRET);
    expect(readable(folder)).toEqual([]);
  });
});
