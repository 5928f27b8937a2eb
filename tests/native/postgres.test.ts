// Sessions in PostgreSQL: several processes, copies, the command and a server. The store itself is tested in its
// own crate.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { copy, open, openSync, type Sessions } from "tenure";
import { describe, expect, it } from "vitest";
import { code } from "../support/failures.js";
import { newFolder } from "../support/folders.js";
import { newPostgres } from "../support/postgres.js";
import { command, startUi } from "../support/server.js";
import { newDatabase } from "../support/sqlite.js";
import { opening } from "../support/stores.js";

const run = promisify(execFile);
const script = (name: string): string =>
  fileURLToPath(new URL(`../support/${name}`, import.meta.url));

/** The exports of all sessions, by their ids. */
async function exported(sessions: Sessions): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for await (const { id } of sessions.list({ trash: "include", limit: 1000 })) {
    all.set(id, await sessions.export(id));
  }
  return all;
}

/** Calls `body` while a transaction of another client keeps all writers of a store waiting. */
async function holdingUp(url: string, body: () => Promise<void>): Promise<void> {
  const [server = "", parameters = ""] = url.split("?");
  const schema = new URLSearchParams(parameters).get("schema");
  const psql = spawn(join(postgresBin(), "psql"), [server, "-q", "-A", "-t"]);
  const lines = createInterface({ input: psql.stdout });
  psql.stdin.write(`BEGIN; LOCK TABLE "${schema}".sessions IN EXCLUSIVE MODE; SELECT 'locked';\n`);
  await once(lines, "line");
  try {
    await body();
  } finally {
    psql.stdin.end();
    await once(psql, "exit");
  }
}

function postgresBin(): string {
  return process.env.TENURE_TEST_POSTGRES_BIN ?? "";
}

describe("a PostgreSQL store", () => {
  it("is asynchronous", async () => {
    expect(await code(() => openSync(newPostgres()))).toBe("STORE_IS_ASYNC");
  });

  it("is one store for all handles", async () => {
    const url = newPostgres();
    const [one, other] = [await opening(url), await opening(url)];
    const watch = other.watch({}, { from: 0 });
    const { id } = await one.start({ task: "t", mode: "m" });
    await one.addEvent(id, "note", { text: "é" });
    expect(await other.get(id)).toEqual(await one.get(id));
    expect((await watch.next()).value).toMatchObject({ kind: "created", id });
    expect((await watch.next()).value).toMatchObject({ kind: "updated", id, position: 2 });
    // It waits for changes, of which it is notified.
    const next = watch.next();
    await one.pause(id, "p");
    expect((await next).value).toMatchObject({ position: 3, session: { status: "paused" } });
    await watch.return();
  });

  it("has options for its connections, which other stores do not have", async () => {
    const sessions = await opening(newPostgres(), {
      timeoutMs: 20_000,
      keepChanges: 1000,
      pool: { max: 2, connectionTimeoutMs: 20_000, idleTimeoutMs: 1000, statementTimeoutMs: 9000 },
    });
    const starts = Array.from({ length: 20 }, () => sessions.start({ task: "t", mode: "m" }));
    expect(new Set((await Promise.all(starts)).map(({ id }) => id)).size).toBe(20);
    const refused = [
      () => open(newPostgres(), { pool: { max: 0 } }),
      // @ts-expect-error There is no such setting.
      () => open(newPostgres(), { pool: { most: 1 } }),
      () => open(newPostgres(), { durability: "full" }),
      () => open("memory:", { pool: { max: 1 } }),
      () => open(`sqlite:${newDatabase()}`, { pool: { max: 1 } }),
    ];
    for (const refuse of refused) expect(await code(refuse())).toBe("INVALID_ARGUMENT");
  });

  it("refuses writes to one session together when it is held up", async () => {
    const url = newPostgres();
    const sessions = await opening(url, { timeoutMs: 2000 });
    const { id } = await sessions.start({ task: "t", mode: "m" });
    const others = await opening(url);
    await holdingUp(url, async () => {
      const writes = Array.from({ length: 20 }, () => sessions.addEvent(id, "note"));
      const ended = await Promise.allSettled(writes);
      const errors = ended.map((each) => (each.status === "rejected" ? `${each.reason}` : ""));
      expect(errors).not.toContain("");
      // Else they would end one after another, each after two seconds.
      const untried = errors.filter((error) => error.includes("waited for it until its timeout"));
      expect(untried.length).toBeGreaterThan(15);
    });
    // Those that were refused without a try have written nothing, and the handle goes on.
    const { firstSequence } = await sessions.addEvent(id, "note");
    expect((await others.get(id, { history: "all" }))?.history.at(-1)?.sequence).toBe(
      firstSequence,
    );
  });

  it("never shows a password", async () => {
    const secret = "s3cret";
    const urls = [
      `postgres://bot:${secret}@127.0.0.1:1/db?connection_timeout_ms=50`,
      `postgres://bot:${secret}@127.0.0.1:1/db?sslmode=${secret}`,
      `postgres:bot:${secret}@127.0.0.1`,
    ];
    for (const url of urls) {
      const error = await open(url).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(error).toBeInstanceOf(Error);
      expect(`${error} ${JSON.stringify(error)} ${(error as Error).stack}`).not.toContain(secret);
      const listed = await run(command, ["list", "--store", url]).catch((error) => error);
      expect(listed.code).toBeGreaterThan(1);
      expect(`${listed.stdout} ${listed.stderr}`).not.toContain(secret);
    }
  });

  it("is copied from and to SQLite unchanged", async () => {
    const [first, last] = [newDatabase(), newDatabase()].map((path) => `sqlite:${path}`) as [
      string,
      string,
    ];
    const url = newPostgres();
    const source = await opening(first);
    for (let n = 0; n < 30; n += 1) {
      const data = { n, text: 'é\u0000"\\', big: 1e300 };
      const events = Array.from({ length: n }, () => ({ type: "note", data }));
      await source.start({ id: `s${n}`, task: `t${n}`, mode: "m", userId: "u", metadata: { n } });
      if (n > 0) await source.addEvents(`s${n}`, events);
    }
    await source.complete("s1", "done");
    await source.trash("s2");
    await copy(first, url);
    await copy(url, last);
    const expected = await exported(source);
    expect(await exported(await opening(url))).toEqual(expected);
    expect(await exported(await opening(last))).toEqual(expected);
  });

  it("is used by the command and by a server", async () => {
    const url = newPostgres();
    const env = { ...process.env, TENURE_STORE: url };
    const folder = newFolder();
    const tenure = async (...args: string[]) =>
      (await run(command, args, { cwd: folder, env })).stdout.trim();
    const id = await tenure("start", "Fix it", "--mode", "m");
    const sessions = await opening(url);
    expect((await sessions.get(id))?.task).toBe("Fix it");
    await tenure("pause", id);
    expect((await sessions.get(id))?.status).toBe("paused");
    expect(await tenure("list", "--json")).toContain('"paused"');
    const ui = await startUi("--store", url, "--port", "0");
    const client = await opening(ui.url, { token: ui.token });
    expect((await client.get(id))?.task).toBe("Fix it");
    await ui.kill();
  });

  it("shows each change to a watch in another process once and in order", async () => {
    const url = newPostgres();
    const sessions = await opening(url);
    await sessions.start({ task: "t", mode: "m", id: "a", maxIterations: 1_000_000 });
    const watcher = spawn(process.execPath, [script("watcher.mjs"), url, "0"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const count = 100;
    const seen: string[] = [];
    const lines = createInterface({ input: watcher.stdout });
    const all = new Promise<void>((resolve) => {
      lines.on("line", (line) => {
        if (line !== "watching") seen.push(line);
        if (seen.length > count) resolve();
      });
    });
    for (let n = 0; n < count; n += 1) await sessions.incrementIteration("a", { n });
    await all;
    const exited = once(watcher, "exit");
    watcher.kill("SIGKILL");
    await exited;
    const positions = seen.map((line) => Number(line.split(" ")[0]));
    expect(positions).toEqual(Array.from({ length: count + 1 }, (_, n) => n + 1));
    expect(join(...seen.slice(0, 1))).toMatch(/created a/);
  });

  it("keeps two processes from working on one session", async () => {
    const url = newPostgres();
    const [one, other] = [await opening(url), await opening(url)];
    const { id } = await one.start({ task: "t", mode: "m" });
    const lease = await one.leases.acquire("k", { holder: "one", leaseDurationMs: 60_000 });
    expect(lease.outcome).toBe("acquired");
    const refused = await other.leases.acquire("k", { holder: "other", leaseDurationMs: 1 });
    expect(refused.outcome).toBe("held");
    const increments = Array.from({ length: 40 }, (_, n) =>
      (n % 2 === 0 ? one : other).incrementIteration(id, { n }),
    );
    await Promise.all(increments);
    expect((await one.get(id))?.iterations).toBe(40);
  });
});
