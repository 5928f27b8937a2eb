// Ownership of virtual machines between real processes that exit, crash and are killed.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { newFolder } from "../support/folders.js";
import {
  newRegistry,
  nodeArguments,
  nodeOptions,
  type Registry,
  registryView,
  runScript,
} from "../support/registry.js";

const dist = fileURLToPath(new URL("../../npm/dist", import.meta.url));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Starts a script that has a `manager`; its output is read line by line. */
function start(registry: Registry, script: string) {
  const child = spawn(process.execPath, nodeArguments(script), {
    ...nodeOptions(registry),
    stdio: ["pipe", "pipe", "pipe"],
  });
  children.push(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const exit = once(child, "close");
  return {
    pid: child.pid,
    line: async (): Promise<string | undefined> => (await lines.next()).value,
    send: (): unknown => child.stdin.write("\n"),
    end: async (signal?: NodeJS.Signals) => {
      if (signal) child.kill(signal);
      const [status, by] = await exit;
      return { status, signal: by, stderr };
    },
  };
}

/** Owns a virtual machine until it is killed. */
const owning = (vmId: string): string =>
  `console.log(await manager.registerVm("${vmId}", "zone", ["ml"]), manager.sessionId);
   setInterval(() => {}, 1000);`;

interface Listed {
  readonly items: readonly { readonly key: string; readonly state: "held" | "stale" }[];
}

/**
 * The machines in a registry: those of active sessions, and orphans. The command starts in a small
 * part of the time of Node.
 */
function machines(registry: object) {
  const args = ["lease", "list", "--store", "registry:", "--prefix", "vm:", "--json"];
  const options = { encoding: "utf8", env: { ...process.env, ...registry } } as const;
  const { items }: Listed = JSON.parse(execFileSync(inRoot("npm", "bin", "tenure"), args, options));
  const inState = (state: string) =>
    items.filter((lease) => lease.state === state).map(({ key }) => key.replace(/^vm:/, ""));
  return { owned: inState("held"), orphans: inState("stale") };
}

describe("two processes", () => {
  it("see each other, and cannot register a machine that the other owns", async () => {
    const registry = newRegistry();
    const one = start(registry, owning("vm-1"));
    const [registered, sessionId = ""] = (await one.line())?.split(" ") ?? [];
    expect(registered).toBe("true");
    const { stdout } = runScript(registry, `console.log(manager.registerVmSync("vm-1", "z", []))`);
    expect(stdout).toBe("false\n");
    const { sessions } = registryView(registry);
    expect(Object.keys(sessions)).toHaveLength(2);
    expect(sessions[sessionId]).toMatchObject({
      sessionId,
      pid: one.pid,
      mine: false,
      vm: { vmId: "vm-1", zone: "zone", components: ["ml"] },
    });
  });

  it("are in the registry that any handle reads", async () => {
    const registry = newRegistry();
    const one = start(registry, owning("vm-1"));
    const [, sessionId = ""] = (await one.line())?.split(" ") ?? [];
    const { stdout } = runScript(
      registry,
      `const { openSync } = await import("tenure");
       const sessions = openSync("registry:");
       const { [${JSON.stringify(sessionId)}]: owner } = sessions.machines.active();
       console.log(owner.vm.vmId, owner.mine, sessions.machines.orphans().length);
       sessions.close();`,
    );
    expect(stdout).toBe("vm-1 false 0\n");
  });

  it("are both listed when they start at the same moment", async () => {
    const registry = newRegistry();
    const names = Array.from({ length: 8 }, (_, n) => `vm-${n}`);
    const all = names.map((vmId) => start(registry, owning(vmId)));
    for (const process of all) expect(await process.line()).toMatch(/^true /);
    expect(machines(registry)).toEqual({ owned: names, orphans: [] });
  });
});

describe("a process that is killed", () => {
  it("leaves an orphan that any process can sweep or register", async () => {
    const registry = newRegistry();
    const all = ["vm-1", "vm-2"].map((vmId) => start(registry, owning(vmId)));
    for (const process of all) await process.line();
    for (const process of all) await process.end("SIGKILL");
    expect(machines(registry)).toEqual({ owned: [], orphans: ["vm-1", "vm-2"] });

    const heir = start(registry, owning("vm-2"));
    expect(await heir.line()).toMatch(/^true /);
    expect(machines(registry)).toEqual({ owned: ["vm-2"], orphans: ["vm-1"] });

    const { stdout } = runScript(
      registry,
      `const removed = [manager.cleanupStaleSessionsSync(), await manager.cleanupStaleSessions()];
       const { swept, failed } = await manager.sweep(({ vmId }) => console.log("delete", vmId));
       console.log(removed.join(), swept.map(({ vmId }) => vmId).join(), failed.length);
       console.log(manager.getStatistics().registryCleanups);`,
    );
    // The two killed processes; the new owner still runs.
    expect(stdout).toBe("delete vm-1\n2,0 vm-1 0\n2\n");
    expect(machines(registry)).toEqual({ owned: ["vm-2"], orphans: [] });
  });
});

describe("sweeping", () => {
  const orphaned = (vmId: string): string =>
    `manager.registerVmSync("${vmId}", "zone", []); process.kill(process.pid, "SIGKILL");`;

  it("keeps orphans listed that could not be deleted", () => {
    const registry = newRegistry();
    for (const vmId of ["vm-1", "vm-2", "vm-3"]) runScript(registry, orphaned(vmId));
    const { stdout } = runScript(
      registry,
      `const { swept, failed } = await manager.sweep(async ({ vmId }) => {
         if (vmId === "vm-1") throw new Error("quota");
         return vmId !== "vm-2";
       });
       const said = failed.map(({ vm, error }) => vm.vmId + " " + error?.message);
       console.log(swept.map(({ vmId }) => vmId).join(), said.join());`,
    );
    expect(stdout).toBe("vm-3 vm-1 quota,vm-2 undefined\n");
    expect(machines(registry)).toEqual({ owned: [], orphans: ["vm-1", "vm-2"] });
  });

  it("runs a command for each orphan without a shell", () => {
    const registry = newRegistry();
    const odd = "vm-1 '$(id)'; {zone}";
    runScript(registry, `manager.registerVmSync(${JSON.stringify(odd)}, "z 1", []);`);
    const file = join(newFolder(), "said");
    const script = `require("node:fs").writeFileSync(
      ${JSON.stringify(file)},
      process.argv.slice(1).join("|"),
    )`;
    const swept = runScript(
      registry,
      `const command = [process.execPath, "--eval", ${JSON.stringify(script)}, "{vmId}", "in {zone}"];
       console.log((await manager.sweep(command)).swept.length);`,
    );
    expect(swept.stdout).toBe("1\n");
    expect(readFileSync(file, "utf8")).toBe(`${odd}|in z 1`);
    expect(machines(registry)).toEqual({ owned: [], orphans: [] });
  });

  it("refuses a machine whose id the command would parse as an option, or run", () => {
    const registry = newRegistry();
    runScript(registry, `manager.registerVmSync("--all", "zone", []);`);
    const said = join(newFolder(), "said");
    const { stdout } = runScript(
      registry,
      `for (const command of [["touch", ${JSON.stringify(said)}, "{vmId}"], ["{vmId}"]]) {
         const { swept, failed } = await manager.sweep(command);
         console.log(swept.length, failed[0]?.vm.vmId, failed[0]?.error?.code);
       }`,
    );
    expect(stdout).toBe("0 --all INVALID_ARGUMENT\n".repeat(2));
    expect(existsSync(said)).toBe(false);
    expect(machines(registry).orphans).toEqual(["--all"]);
  });

  it("reports a command that fails, hangs or does not exist as a failure", () => {
    const registry = newRegistry();
    runScript(registry, orphaned("vm-1"));
    const { stdout } = runScript(
      registry,
      `const node = process.execPath;
       for (const command of [
         [node, "--eval", "process.exit(3)"],
         [node, "--eval", "setInterval(() => {}, 1000)"],
         [node, "--eval", "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)"],
         ["no-such-program", "{vmId}"],
       ]) {
         const { failed } = await manager.sweep(command, { timeoutMs: 500 });
         console.log(failed.length, failed[0]?.error?.code);
       }`,
    );
    expect(stdout).toBe("1 undefined\n1 undefined\n1 undefined\n1 ENOENT\n");
    expect(machines(registry).orphans).toEqual(["vm-1"]);
  });

  it("kills a command that goes on after its timeout", () => {
    const registry = newRegistry();
    runScript(registry, orphaned("vm-1"));
    const { stdout } = runScript(
      registry,
      `const command = [process.execPath, "--eval", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"];
       const { failed } = await manager.sweep(command, { timeoutMs: 500 });
       console.log(failed.length);`,
    );
    expect(stdout).toBe("1\n");
  });

  it("by several processes at the same time deletes each orphan once", async () => {
    const registry = newRegistry();
    const names = Array.from({ length: 6 }, (_, n) => `vm-${n}`);
    for (const vmId of names) runScript(registry, orphaned(vmId));
    const script = `console.log("ready");
      await new Promise((go) => process.stdin.once("data", go));
      process.stdin.destroy();
      const deleted = [];
      await manager.sweep(({ vmId }) => {
        deleted.push(vmId);
        return new Promise((done) => setTimeout(done, 5));
      });
      console.log(deleted.join());`;
    const sweepers = Array.from({ length: 4 }, () => start(registry, script));
    for (const sweeper of sweepers) await sweeper.line();
    for (const sweeper of sweepers) sweeper.send();
    const deleted: string[] = [];
    for (const sweeper of sweepers) deleted.push(...((await sweeper.line()) ?? "").split(","));
    expect(deleted.filter((vmId) => vmId !== "").sort()).toEqual(names);
    expect(machines(registry).orphans).toEqual([]);
  });

  it("records an outcome again that the registry could not store", () => {
    const registry = newRegistry();
    runScript(registry, orphaned("vm-1"));
    const { stdout } = runScript(
      registry,
      `import { nativeBuild } from ${JSON.stringify(join(dist, "builds", "native-addon.js"))};
       import { SessionManager } from ${JSON.stringify(join(dist, "machines", "session-manager.js"))};
       const { binding, info } = nativeBuild();
       const busy = JSON.stringify({ error: { code: "STORE_BUSY", message: "busy", details: {} } });
       let failures = 1;
       const start = (handle, name, ...rest) =>
         name === "orphanDone" && failures-- > 0 ? busy : binding.start(handle, name, ...rest);
       const build = { info, binding: { ...binding, start } };
       const other = new SessionManager({ now: () => build, prepare: () => undefined });
       const run = ({ vmId }) => { console.log("delete", vmId); };
       await other.sweep(run).catch(({ code }) => console.log(code));
       console.log((await manager.orphans())[0].status);
       await other.sweep(run);
       console.log((await manager.orphans()).length);`,
    );
    expect(stdout).toBe("delete vm-1\nSTORE_BUSY\nsweeping\n0\n");
  });

  it("is continued by another sweep when the sweeping process is killed", async () => {
    const registry = newRegistry();
    runScript(registry, orphaned("vm-1"));
    const sweeper = start(
      registry,
      `setInterval(() => {}, 1000);
       await manager.sweep(({ vmId }) => { console.log(vmId); return new Promise(() => {}); });`,
    );
    expect(await sweeper.line()).toBe("vm-1");
    expect(registryView(registry).orphans).toMatchObject([{ vmId: "vm-1", status: "sweeping" }]);
    const idle = runScript(
      registry,
      `console.log((await manager.sweep(() => {})).swept.length,
         manager.registerVmSync("vm-1", "zone", []));`,
    );
    expect(idle.stdout).toBe("0 false\n");
    await sweeper.end("SIGKILL");
    expect(registryView(registry).orphans).toMatchObject([{ vmId: "vm-1", status: "orphaned" }]);
    const next = runScript(registry, `console.log((await manager.sweep(() => {})).swept.length)`);
    expect(next.stdout).toBe("1\n");
  });
});

describe("the end of a process", () => {
  /** A script that owns a machine, sets an exit handler that deletes it, and ends in some way. */
  const ending = (run: string, end: string, signals = false): string =>
    `manager.registerVmSync("vm-1", "zone", []);
     manager.onExit({ signals: ${signals}, run: ${run} });
     ${end}`;
  const synchronous = `({ vmId }) => { console.log("deleted", vmId); }`;
  const asynchronous = `async ({ vmId }) => {
    await new Promise((go) => setTimeout(go, 50));
    console.log("deleted", vmId);
  }`;
  const command = `["echo", "deleted", "{vmId}"]`;
  const natural = "";
  const exit = "process.exit(7);";
  const crash = `setTimeout(() => { throw new Error("crash"); }, 1);`;

  it.each([
    ["without a cause", natural, 0, ["synchronously", synchronous]],
    ["without a cause", natural, 0, ["asynchronously", asynchronous]],
    ["without a cause", natural, 0, ["by a command", command]],
    ["process.exit()", exit, 7, ["synchronously", synchronous]],
    ["process.exit()", exit, 7, ["by a command", command]],
    ["an uncaught exception", crash, 1, ["synchronously", synchronous]],
    ["an uncaught exception", crash, 1, ["by a command", command]],
  ])("%s: the machine is deleted, then unregistered", (_, end, status, [, run]) => {
    const registry = newRegistry();
    const result = runScript(registry, ending(run ?? "", end));
    expect(result).toMatchObject({ status, stdout: "deleted vm-1\n" });
    expect(machines(registry)).toEqual({ owned: [], orphans: [] });
  });

  it.each([
    ["throws", `() => { throw new Error("quota"); }`, natural],
    ["throws", `() => { throw new Error("quota"); }`, exit],
    ["returns false", "() => false", exit],
    ["rejects", `async () => { throw new Error("quota"); }`, natural],
    ["returns a promise at exit", asynchronous, exit],
    ["is a command that fails", `["false"]`, natural],
    ["is a command that fails", `["false"]`, exit],
    ["is a command that does not exist", `["no-such-program"]`, exit],
    ["is a command that does not exist", `["no-such-program"]`, natural],
  ])("leaves the machine listed when its deletion %s", (_, run, end) => {
    const registry = newRegistry();
    const { stderr, stdout, signal } = runScript(registry, ending(run, end));
    expect({ stdout, signal }).toEqual({ stdout: "", signal: null });
    expect(stderr).toMatch(/^tenure: the virtual machine vm-1 in zone stays listed as an orphan: /);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(machines(registry)).toEqual({ owned: [], orphans: ["vm-1"] });
  });

  it("kills a command that goes on after its timeout, and leaves the machine listed", () => {
    const registry = newRegistry();
    const { status, stderr } = runScript(
      registry,
      `manager.registerVmSync("vm-1", "zone", []);
       const program = "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)";
       manager.onExit({ run: [process.execPath, "--eval", program], timeoutMs: 500 });
       ${exit}`,
    );
    expect(status).toBe(7);
    expect(stderr).toMatch(/^tenure: the virtual machine vm-1 in zone stays listed as an orphan: /);
    expect(machines(registry)).toEqual({ owned: [], orphans: ["vm-1"] });
  });

  it.each([
    ["without a cause", natural],
    ["by process.exit()", exit],
  ])("%s: a machine whose id is no argument stays listed", (_, end) => {
    const registry = newRegistry();
    const { stdout, stderr } = runScript(
      registry,
      `manager.onExit({ run: ["echo", "{vmId}"] });
       await manager.registerVm("--all", "zone", []);
       ${end}`,
    );
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^tenure: the virtual machine --all .*would be parsed as an option/);
    expect(machines(registry).orphans).toEqual(["--all"]);
  });

  it.each([["SIGINT"], ["SIGTERM"], ["SIGHUP"]] as const)(
    "by %s deletes the machine if signals are enabled, and reports the signal",
    async (signal) => {
      const registry = newRegistry();
      const wait = `console.log("ready"); setInterval(() => {}, 1000);`;
      for (const run of [asynchronous, command]) {
        const asked = start(registry, ending(run, wait, true));
        expect(await asked.line()).toBe("ready");
        expect(await asked.end(signal)).toEqual({ status: null, signal, stderr: "" });
        expect(await asked.line()).toBe("deleted vm-1");
        expect(machines(registry)).toEqual({ owned: [], orphans: [] });
      }
      const other = start(registry, ending(asynchronous, wait));
      expect(await other.line()).toBe("ready");
      expect(await other.end(signal)).toEqual({ status: null, signal, stderr: "" });
      expect(machines(registry)).toEqual({ owned: [], orphans: ["vm-1"] });
    },
  );

  it("is left to the program if it has its own signal listener", async () => {
    const registry = newRegistry();
    const listening = start(
      registry,
      ending(
        synchronous,
        `process.on("SIGTERM", () => { console.log("reload"); });
         process.on("SIGINT", () => { process.exit(5); });
         console.log("ready");
         setInterval(() => {}, 1000);`,
        true,
      ),
    );
    await listening.line();
    process.kill(listening.pid ?? 0, "SIGTERM");
    expect(await listening.line()).toBe("reload");
    expect(machines(registry).owned).toEqual(["vm-1"]);
    expect(await listening.end("SIGINT")).toEqual({ status: 5, signal: null, stderr: "" });
    expect(await listening.line()).toBe("deleted vm-1");
    expect(machines(registry)).toEqual({ owned: [], orphans: [] });
  });

  it("waits for a running deletion when a signal arrives", async () => {
    const registry = newRegistry();
    const slow = `async () => {
      console.log("deleting");
      await new Promise((go) => process.stdin.once("data", go));
      process.stdin.destroy();
      console.log("deleted");
    }`;
    const ended = start(registry, ending(slow, natural, true));
    expect(await ended.line()).toBe("deleting");
    process.kill(ended.pid ?? 0, "SIGTERM");
    await new Promise((go) => setTimeout(go, 100));
    ended.send();
    expect(await ended.line()).toBe("deleted");
    expect(await ended.end()).toEqual({ status: null, signal: "SIGTERM", stderr: "" });
    expect(machines(registry)).toEqual({ owned: [], orphans: [] });
  });

  it("is immediate on a second signal", async () => {
    const registry = newRegistry();
    const never = `() => { console.log("deleting"); return new Promise(() => {}); }`;
    const wait = `console.log("ready"); setInterval(() => {}, 1000);`;
    const stuck = start(registry, ending(never, wait, true));
    await stuck.line();
    process.kill(stuck.pid ?? 0, "SIGINT");
    expect(await stuck.line()).toBe("deleting");
    expect(await stuck.end("SIGINT")).toMatchObject({ status: null, signal: "SIGINT" });
    expect(machines(registry)).toEqual({ owned: [], orphans: ["vm-1"] });
  });

  it("does nothing without a machine, or after the handler was removed", () => {
    const registry = newRegistry();
    const without = `manager.onExit({ run: ${synchronous} }); manager.unregisterVmSync();`;
    expect(runScript(registry, without)).toMatchObject({ status: 0, stdout: "", stderr: "" });
    const back = `manager.registerVmSync("vm-1", "zone", []);
      manager.onExit({ run: ${synchronous} })();`;
    expect(runScript(registry, back)).toMatchObject({ status: 0, stdout: "", stderr: "" });
    const twice = `manager.registerVmSync("vm-2", "zone", []);
      const first = manager.onExit({ run: ${synchronous} });
      manager.onExit({ run: () => { console.log("instead"); } });
      first();`;
    expect(runScript(registry, twice)).toMatchObject({ stdout: "instead\n", stderr: "" });
    expect(machines(registry).orphans).toEqual(["vm-1"]);
  });
});

describe("the threads of a process", () => {
  it("share one session, which does not end with a thread", () => {
    const registry = newRegistry();
    const { stdout, stderr } = runScript(
      registry,
      `import { Worker } from "node:worker_threads";
       const code = \`import { getSessionManager, openSync } from "tenure";
         import { parentPort } from "node:worker_threads";
         const manager = getSessionManager();
         let refused;
         try { manager.onExit({ run: () => {} }); } catch ({ code }) { refused = code; }
         const done = manager.registerVmSync("vm-1", "zone", []);
         const held = openSync("registry:").leases.hold("job");
         parentPort.postMessage({ id: manager.sessionId, done, refused, held: held !== null });\`;
       const worker = new Worker(code, { eval: true });
       const [said, exit] = await Promise.all([
         new Promise((go) => worker.on("message", go)),
         new Promise((go) => worker.on("exit", go)),
       ]);
       const { openSync } = await import("tenure");
       console.log(said.id === manager.sessionId, said.done, said.refused, said.held, exit);
       console.log(manager.getMyVmSync().vmId, manager.getStatistics().vmId);
       console.log(openSync("registry:").leases.hold("job"));`,
    );
    expect({ stdout, stderr }).toEqual({
      stdout: "true true INVALID_ARGUMENT true 0\nvm-1 vm-1\nnull\n",
      stderr: "",
    });
    expect(machines(registry)).toEqual({ owned: [], orphans: ["vm-1"] });
  });
});

describe("without a registry", () => {
  const script = `console.log(manager.registry, manager.problem?.code);
    console.log(await manager.registerVm("vm-1", "zone", []), manager.getMyVmSync().vmId);
    const { degraded, pid } = manager.getStatistics();
    console.log(degraded, pid === process.pid);`;

  it.each([
    "a file is in its place",
    "its folder cannot be created",
    "its database is no database",
  ])("because %s, the manager works in memory and reports that it is degraded", (why) => {
    const folder = newFolder();
    const file = join(folder, "file");
    writeFileSync(file, "no database, but long enough to be looked at".repeat(100));
    const places: Record<string, object> = {
      "a file is in its place": { XDG_STATE_HOME: file },
      "its folder cannot be created": { XDG_STATE_HOME: "/proc/nowhere" },
      "its database is no database": { XDG_STATE_HOME: "", HOME: "/nowhere", TMPDIR: file },
    };
    const { stdout, stderr, status } = runScript(places[why] ?? {}, script);
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: "memory: STORE_UNAVAILABLE\ntrue vm-1\ntrue true\n",
      stderr: "",
    });
  });

  it("the manager retries to open it when a machine is registered", () => {
    const place = join(newFolder(), "place");
    writeFileSync(place, "");
    const registry = { XDG_STATE_HOME: place };
    const { stdout } = runScript(
      registry,
      `import { mkdirSync, rmSync } from "node:fs";
       const { sessionId } = manager;
       const said = () => console.log(manager.registry, manager.problem?.code, manager.getStatistics().degraded);
       said();
       rmSync(${JSON.stringify(place)});
       mkdirSync(${JSON.stringify(place)});
       console.log(await manager.registerVm("vm-1", "zone", []), manager.sessionId === sessionId);
       said();`,
    );
    expect(stdout.split("\n")).toEqual([
      "memory: STORE_UNAVAILABLE true",
      "true true",
      "registry: undefined false",
      "",
    ]);
    expect(machines(registry).orphans).toEqual(["vm-1"]);
  });

  it("in WebAssembly, there is no process either", () => {
    const { stdout } = runScript({ TENURE_BINDING: "wasm" }, script);
    expect(stdout).toBe("memory: UNSUPPORTED_STORE\ntrue vm-1\ntrue false\n");
  });
});

describe("a process that only gets its session manager", () => {
  it("ends normally, and is no longer listed afterwards", () => {
    const registry = newRegistry();
    const { stdout, status } = runScript(registry, `console.log(manager.sessionId)`);
    expect(status).toBe(0);
    expect(registryView(registry).sessions).not.toHaveProperty(stdout.trim());
  });

  it("uses the folder for temporary files where there is no home folder", () => {
    const folder = newFolder();
    const { stdout } = runScript(
      { XDG_STATE_HOME: "", HOME: "/nowhere", TMPDIR: folder },
      `import { statSync } from "node:fs";
       import { join } from "node:path";
       const folder = join(${JSON.stringify(folder)}, "tenure-" + process.getuid());
       const { mode } = statSync(folder);
       console.log((mode & 0o777).toString(8), statSync(join(folder, "registry.db")).isFile());`,
    );
    expect(stdout).toBe("700 true\n");
  });
});
