// Leases, runs and the audit log in a git repository. The store is asynchronous: its calls wait for git
// on one thread of the process. The store itself is tested in its own crate.

import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { open, openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { newFolder } from "../support/folders.js";
import { opening } from "../support/stores.js";

const tests = fileURLToPath(new URL("..", import.meta.url));
const addon = fileURLToPath(new URL("../../npm/dist/builds/native-addon.js", import.meta.url));

const git = (folder: string, ...args: string[]): string =>
  execFileSync("git", args, { cwd: folder, encoding: "utf8" });

/** The path of a new bare repository. */
function newRemote(): string {
  const folder = newFolder();
  git(folder, "init", "--quiet", "--bare", "remote.git");
  return join(folder, "remote.git");
}

/** A repository behind a connection that waits until the gate is opened. */
class GatedRemote {
  readonly #folder = newFolder();
  readonly gate = join(this.#folder, "gate");
  readonly url: string;
  readonly #connections = join(this.#folder, "connections");
  readonly #temporary = join(this.#folder, "temporary");

  constructor() {
    this.url = `git:ssh://host${newRemote()}`;
    mkdirSync(this.#temporary);
    writeFileSync(
      join(this.#folder, "ssh"),
      `#!/bin/sh
echo $$ >> "${this.#connections}"
while [ ! -e "${this.gate}" ]; do sleep 0.05; done
for command; do :; done
exec sh -c "$command"
`,
    );
    chmodSync(join(this.#folder, "ssh"), 0o755);
  }

  /** Runs a script in a process of its own, to its end. */
  run(script: string) {
    const env = {
      ...process.env,
      TENURE_BINDING: "native",
      GIT_SSH_COMMAND: join(this.#folder, "ssh"),
      GIT_SSH_VARIANT: "simple",
      TMPDIR: this.#temporary,
      GATE: this.gate,
      CONNECTIONS: this.#connections,
      STORE: this.url,
    };
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", `${helpers}\n${script}`],
      { cwd: tests, env, encoding: "utf8", timeout: 50_000 },
    );
    return { status, signal, stdout: stdout.trim(), stderr: stderr.trim() };
  }

  /** The PIDs of all connections so far. */
  get connections(): readonly number[] {
    if (!existsSync(this.#connections)) return [];
    return readFileSync(this.#connections, "utf8").trim().split("\n").map(Number);
  }

  /** The temporary files that processes have left. */
  get leftovers(): readonly string[] {
    return readdirSync(this.#temporary);
  }
}

/** What the scripts of a gated remote use. */
const helpers = `
  import { existsSync, readdirSync, writeFileSync } from "node:fs";
  import { setTimeout as sleep } from "node:timers/promises";
  import { open } from "tenure";
  import { nativeBuild } from ${JSON.stringify(addon)};
  const { STORE, GATE, CONNECTIONS } = process.env;
  const openGate = () => writeFileSync(GATE, "");
  const connected = async () => { while (!existsSync(CONNECTIONS)) await sleep(10); };
  const threads = () => readdirSync("/proc/self/task").length;
`;

const ok = (stdout: string) => ({ status: 0, signal: null, stdout, stderr: "" });

/** Whether a process runs; one that has ended may still wait for its parent. */
const isRunning = (pid: number): boolean => {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) [ZX]/.test(readFileSync(stat, "utf8"));
};

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i += 1) await sleep(50);
  expect(holds()).toBe(true);
}

describe("a git store", () => {
  it("shares leases between handles", async () => {
    const url = `git:${newRemote()}`;
    const [one, other] = [await opening(url), await opening(url)];
    expect(one.binding).toBe("native");
    expect(one.capabilities).toEqual({
      persistent: true,
      shared: true,
      feed: false,
      reindents: false,
    });
    const acquired = await one.leases.acquire("deploy", { holder: "a", data: { text: "\ud800" } });
    expect(acquired).toMatchObject({ outcome: "acquired", lease: { holder: "a", token: 1 } });
    const held = await other.leases.acquire("deploy", { holder: "b" });
    expect(held).toMatchObject({ outcome: "held", lease: { holder: "a" } });
    expect(await other.leases.get("deploy")).toEqual(acquired.lease);
    const mine = { holder: "a", token: 1 };
    expect(await one.leases.renew("deploy", mine)).toMatchObject({ outcome: "renewed" });
    expect(await one.leases.release("deploy", mine)).toMatchObject({ outcome: "released" });
    await using lease = await other.leases.hold("deploy");
    expect(lease).toMatchObject({ token: 2 });
    const { items } = await one.leases.list();
    expect(items).toMatchObject([{ key: "deploy", token: 2, mine: true }]);
  });

  it("admits one of several runs of a commit, and logs them", async () => {
    const url = `git:${newRemote()}`;
    const run = { eventType: "push", workflow: "CI", commitSha: "abc12345" } as const;
    const decisions = await Promise.all(
      ["1", "2", "3"].map(async (runId) => (await opening(url)).dedup.admit({ ...run, runId })),
    );
    expect(decisions.map(({ skip }) => skip).sort()).toEqual([false, true, true]);
    const { audit } = await opening(url);
    const { items } = await audit.entries();
    expect(items).toHaveLength(decisions.length);
  });

  it("is found by the name of a remote, and by an address in the working directory", () => {
    const folder = newFolder();
    const checkout = join(folder, "checkout");
    git(folder, "init", "--quiet", "--bare", "copy.git");
    git(folder, "init", "--quiet", checkout);
    git(checkout, "remote", "add", "origin", newRemote());
    const script = `
      const { open } = await import(${JSON.stringify(fileURLToPath(import.meta.resolve("tenure")))});
      const opening = ["git:origin", "git:../copy.git"].map((url) => open(url));
      process.chdir("/");
      const [one, other] = await Promise.all(opening);
      await one.leases.acquire("a", { holder: "h" });
      console.log(await other.leases.get("a"), (await one.leases.get("a")).holder);`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", script],
      { cwd: checkout, env: { ...process.env, TENURE_BINDING: "native" }, encoding: "utf8" },
    );
    expect([stdout.trim(), stderr]).toEqual(["null h", ""]);
  });

  it("is asynchronous", async () => {
    expect(await code(() => openSync(`git:${newRemote()}`))).toBe("STORE_IS_ASYNC");
  });

  it("keeps no sessions", async () => {
    const sessions = await opening(`git:${newRemote()}`);
    for (const call of [
      sessions.start({ task: "t", mode: "m" }),
      sessions.get("a"),
      sessions.list(),
    ]) {
      expect(await failure(call)).toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("keep sessions in sqlite:"),
      });
    }
  });

  it.each<[string, unknown]>([
    ["webhook", "http://127.0.0.1:1/"],
    ["retention", { maxAge: "1d", every: "1h" }],
    ["fenced", true],
    ["models", ["m"]],
    ["pessimisticLockingEnabled", true],
  ])("has no option %s", async (name, value) => {
    const options = { [name]: value } as never;
    expect(await failure(open(`git:${newRemote()}`, options))).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: { what: name },
    });
  });

  it("refuses repositories that do not exist", async () => {
    expect(await failure(opening("git:nowhere"))).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining('no repository with a remote "nowhere"'),
    });
    expect(await code(opening("git:"))).toBe("UNSUPPORTED_STORE");
    const missing = await opening(`git:${join(newFolder(), "missing.git")}`);
    expect(await code(missing.leases.get("a"))).toBe("STORE_UNAVAILABLE");
  });

  it("refuses calls after it was closed", async () => {
    const sessions = await opening(`git:${newRemote()}`);
    await sessions.close();
    expect(await code(sessions.leases.get("a"))).toBe("CLOSED");
  });
});

describe.runIf(process.platform === "linux")("calls of a git store", () => {
  it("are in flight at once without a thread each", () => {
    const result = new GatedRemote().run(`
      const sessions = await open(STORE);
      const before = threads();
      let settled = 0;
      const calls = Array.from({ length: 64 }, (_, i) =>
        sessions.leases.acquire("key" + i, { holder: "h" }).finally(() => { settled += 1; }));
      await connected();
      const pending = [settled, threads() - before];
      openGate();
      const leases = await Promise.all(calls);
      const acquired = leases.filter(({ outcome }) => outcome === "acquired").length;
      console.log(...pending, acquired, threads() - before);
      await sessions.close();
      console.log(threads() - before);`);
    expect(result).toEqual(ok("0 0 64 0\n-1"));
  });

  it("do not hide the ends of Node's own child processes, nor are hidden by them", () => {
    const result = new GatedRemote().run(`
      import { spawn, spawnSync } from "node:child_process";
      const exit = (child) => new Promise((resolve) => child.once("exit", resolve));
      const shell = (script) => spawn("sh", ["-c", script], { stdio: ["pipe", "ignore", "inherit"] });
      const started = performance.now();
      const sessions = await open(STORE);
      const call = sessions.leases.acquire("a", { holder: "h" });
      await connected();
      // The first child processes of Node, while git runs.
      console.log(await exit(shell("exit 3")), spawnSync("sh", ["-c", "exit 4"]).status);
      const waiting = shell("read line; exit 5");
      openGate();
      console.log((await call).outcome, (await sessions.leases.get("a")).holder);
      // While nothing of git runs, and beside many runs of git.
      waiting.stdin.end("line\\n");
      console.log(await exit(waiting));
      const exits = [], leases = [];
      for (let i = 0; i < 20; i += 1) {
        exits.push(exit(shell("exit " + i)));
        leases.push(sessions.leases.acquire("key" + i, { holder: "h" }));
        if (i % 4 === 0) await leases.at(-1);
      }
      const outcomes = new Set((await Promise.all(leases)).map(({ outcome }) => outcome));
      console.log(String(await Promise.all(exits)), ...outcomes);
      await sessions.close();
      console.log(await exit(shell("exit 6")), performance.now() - started < 30_000);`);
    const exits = Array.from({ length: 20 }, (_, i) => i).join();
    expect(result).toEqual(ok(`3 4\nacquired h\n5\n${exits} acquired\n6 true`));
  });

  it("keep the process alive, and an idle handle does not", () => {
    const result = new GatedRemote().run(`
      const sessions = await open(STORE);
      sessions.leases.acquire("a", { holder: "h" }).then(({ outcome }) => console.log(outcome));
      await connected();
      openGate();`);
    expect(result).toEqual(ok("acquired"));
  });

  it("are waited for when the handle is closed", () => {
    const result = new GatedRemote().run(`
      const sessions = await open(STORE);
      const call = sessions.leases.acquire("a", { holder: "h" });
      const closing = sessions.close().then(() => console.log("closed"));
      await connected();
      openGate();
      console.log((await call).outcome);
      await closing;`);
    expect(result).toEqual(ok("acquired\nclosed"));
  });

  it("are dropped with an error when the binding's handle is closed, and their git is killed", async () => {
    const remote = new GatedRemote();
    const result = remote.run(`
      const { binding } = nativeBuild();
      const answers = [];
      let settled;
      const done = (text) => { answers.push(...JSON.parse(text)); settled?.(); };
      const next = () => new Promise((resolve) => { settled = resolve; });
      const { ok } = JSON.parse(binding.open(STORE, "{}", done));
      await next();
      const params = JSON.stringify({ key: "a", holder: "h" });
      const started = binding.start(ok.handle, "leaseAcquire", params, Date.now());
      await connected();
      const dropped = next();
      console.log(JSON.parse(binding.close(ok.handle)).ok, started);
      await dropped;
      console.log(answers.map(({ operation, answer }) => [operation, answer.error?.code]));
      console.log(JSON.parse(binding.start(ok.handle, "leaseGet", params, 0)).error.code);`);
    expect(result).toEqual(ok(`null {"wait":2}\n[ [ 1, undefined ], [ 2, 'CLOSED' ] ]\nCLOSED`));
    expect(remote.connections).toHaveLength(1);
    await until(() => !remote.connections.some(isRunning));
    expect(remote.leftovers).toEqual([]);
  });

  it.each([
    ["exits", "process.exit(3);", 3],
    ["fails", "setTimeout(() => { throw 'failed'; }, 0);", 1],
  ])("end with the process when it %s", async (_, end, status) => {
    const remote = new GatedRemote();
    const result = remote.run(`
      const sessions = await open(STORE);
      for (const key of ["a", "b"]) sessions.leases.acquire(key, { holder: "h" });
      await connected();
      ${end}`);
    expect(result).toMatchObject({ status, signal: null });
    expect(remote.connections).toHaveLength(1);
    await until(() => !remote.connections.some(isRunning));
    expect(remote.leftovers).toEqual([]);
  });

  it("end with the worker that made them", async () => {
    const remote = new GatedRemote();
    const result = remote.run(`
      import { Worker } from "node:worker_threads";
      const worker = new Worker(\`
        import("tenure").then(async ({ open }) => {
          const sessions = await open(process.env.STORE);
          await sessions.leases.acquire("a", { holder: "h" });
        })\`, { eval: true });
      await connected();
      await worker.terminate();
      openGate();
      const sessions = await open(STORE);
      console.log((await sessions.leases.acquire("a", { holder: "i" })).outcome);
      await sessions.close();`);
    expect(result).toEqual(ok("acquired"));
    await until(() => !remote.connections.some(isRunning));
    expect(remote.leftovers).toEqual([]);
  });
});
