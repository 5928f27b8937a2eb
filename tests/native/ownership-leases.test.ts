// Leases and held sessions between real processes: a process holds them exactly while it runs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { open, openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { code } from "../support/failures.js";
import { newRegistry, nodeArguments, nodeOptions, runScript } from "../support/registry.js";
import { newDatabase } from "../support/sqlite.js";

/** A process that holds a session and a lease until it is killed. */
async function holder(url: string) {
  const script = `import { open } from "tenure";
    const sessions = await open(${JSON.stringify(url)});
    const [session, lease] = [await sessions.hold("s"), await sessions.leases.hold("job")];
    console.log(JSON.stringify({ pid: process.pid, token: session.token, key: lease.key }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, nodeArguments(script), {
    ...nodeOptions(newRegistry()),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface(child.stdout), "line");
  return {
    ...(JSON.parse(line) as { pid: number; token: number; key: string }),
    kill: async () => {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

describe("a session that another process holds", () => {
  it("is not resumed by others while that process runs, and is resumed immediately after it is killed", async () => {
    const url = `sqlite:${newDatabase()}`;
    await using sessions = await open(url);
    await sessions.start({ id: "s", task: "t", mode: "m" });
    const other = await holder(url);
    try {
      expect(await code(sessions.resume("s"))).toBe("SESSION_HELD");
      await expect(sessions.resume("s")).rejects.toMatchObject({ details: { pid: other.pid } });
      expect(await sessions.hold("s")).toBeNull();
      expect(await sessions.cleanup({ maxAge: 0, status: ["active"] })).toMatchObject({
        removed: 0,
      });
    } finally {
      await other.kill();
    }
    expect(await sessions.resume("s")).toMatchObject({ status: "active" });
    await using mine = await sessions.hold("s");
    expect(mine?.token).toBeGreaterThan(other.token);
    expect(await sessions.leases.get("job")).toMatchObject({ state: "stale" });
  });
});

/** The number of events that the holder has recorded, as it says, before it is killed. */
const RECORDED = 50;

/** A process that works on a session that it holds, and says each write that is acknowledged. */
async function worker(url: string) {
  const script = `import { open } from "tenure";
    const sessions = await open(${JSON.stringify(url)});
    const held = await sessions.hold("s");
    console.log(held.token);
    for (let step = 1; ; step += 1) {
      await held.incrementIteration("s", { step });
      console.log(step);
      await held.addEvent("s", "note", { step });
    }`;
  const child = spawn(process.execPath, nodeArguments(script), {
    ...nodeOptions(newRegistry()),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(child, "exit");
  const said: number[] = [];
  const lines = createInterface(child.stdout);
  const closed = once(lines, "close");
  const recorded = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      if (said.push(Number(line)) === RECORDED) resolve();
    });
  });
  return {
    /** Kills it in the middle of its work. Returns its token, and its last acknowledged step. */
    async kill(): Promise<{ token: number; step: number }> {
      await Promise.race([recorded, exit]);
      child.kill("SIGKILL");
      await Promise.all([exit, closed]);
      return { token: said[0] ?? 0, step: said.at(-1) ?? 0 };
    },
    started: recorded,
  };
}

describe("a session that another process works on", () => {
  it("is moved by that process alone, and by its successor after a kill, and keeps every acknowledged write", async () => {
    const url = `sqlite:${newDatabase()}`;
    await using sessions = await open(url);
    await sessions.start({ id: "s", task: "t", mode: "m", maxIterations: 1_000_000 });
    const other = await worker(url);
    await other.started;
    const moves = {
      incrementIteration: () => sessions.incrementIteration("s"),
      pause: () => sessions.pause("s"),
      complete: () => sessions.complete("s"),
      fail: () => sessions.fail("s", "e"),
      abandon: () => sessions.abandon("s"),
      trash: () => sessions.trash("s"),
      delete: () => sessions.delete("s"),
      import: async () => sessions.import(await sessions.export("s")),
    };
    for (const [name, move] of Object.entries(moves)) {
      expect(await code(move()), name).toBe("SESSION_HELD");
    }
    // Appends are open to every writer, unless the handle is fenced.
    await sessions.updateContext("s", { side: true });
    await sessions.addEvent("s", "side", {});
    {
      await using fenced = await open(url, { fenced: true });
      expect(await code(fenced.updateContext("s", { side: false }))).toBe("SESSION_HELD");
      expect(await code(fenced.addEvent("s", "side", {}))).toBe("SESSION_HELD");
    }
    const { token, step } = await other.kill();

    await using mine = await sessions.hold("s");
    expect(mine?.token).toBeGreaterThan(token);
    const left = await sessions.get("s", { history: "all" });
    // The last step may be recorded without that it could say so.
    expect([step, step + 1]).toContain(left?.iterations);
    const events = left?.history ?? [];
    const steps = (type: string) =>
      events.filter((event) => event.type === type).map(({ data }) => data.step);
    const all = Array.from({ length: left?.iterations ?? 0 }, (_, index) => index + 1);
    expect(steps("iteration")).toEqual(all);
    expect([all, all.slice(0, -1)]).toContainEqual(steps("note"));
    expect(left?.context).toEqual({ side: true });
    expect(events.filter(({ type }) => type === "side")).toHaveLength(1);

    // What the killed process had sent late changes nothing.
    const late = {
      incrementIteration: sessions.incrementIteration("s", {}, { token }),
      pause: sessions.pause("s", "late", { token }),
      complete: sessions.complete("s", "late", { token }),
      updateContext: sessions.updateContext("s", { late: true }, { token }),
      addEvent: sessions.addEvent("s", "note", { step: 0 }, { token }),
    };
    for (const [name, write] of Object.entries(late)) {
      expect(await code(write), name).toBe("LEASE_LOST");
    }
    expect(await sessions.get("s", { history: "all" })).toEqual(left);
    await mine?.incrementIteration("s", { step: "mine" });
    expect(await mine?.complete("s", "done")).toMatchObject({
      status: "completed",
      iterations: all.length + 1,
    });
  });
});

describe("a lease that a process holds", () => {
  it("does not keep the process alive, and can be acquired when the process has ended", () => {
    const url = `sqlite:${newDatabase()}`;
    const { stdout, status } = runScript(
      newRegistry(),
      `import { open, openSync } from "tenure";
       const sessions = await open(${JSON.stringify(url)});
       console.log((await sessions.leases.hold("a", { leaseDurationMs: 3_600_000 })).isHeld);
       openSync(${JSON.stringify(url)}).leases.hold("b");`,
    );
    expect({ stdout, status }).toEqual({ stdout: "true\n", status: 0 });
    using sessions = openSync(url);
    for (const key of ["a", "b"]) {
      expect(sessions.leases.get(key)).toMatchObject({ state: "stale" });
      expect(sessions.leases.acquire(key)).toMatchObject({ outcome: "acquired" });
    }
  });

  it("can be released in the exit handler of the process", () => {
    const url = `sqlite:${newDatabase()}`;
    const script = `import { openSync } from "tenure";
      const sessions = openSync(${JSON.stringify(url)});
      const lease = sessions.leases.hold("a");
      process.on("exit", () => console.log(lease.release()));
      throw new Error("crash");`;
    expect(runScript(newRegistry(), script)).toMatchObject({ stdout: "true\n", status: 1 });
    using sessions = openSync(url);
    expect(sessions.leases.get("a")).toMatchObject({ state: "released" });
  });

  it("can be transferred to a registered process, which then holds it", async () => {
    const registry = newRegistry();
    const child = spawn(
      process.execPath,
      nodeArguments(
        `import { openSync } from "tenure";
         const { leases } = openSync("registry:");
         console.log(manager.sessionId);
         process.once("message", ({ token }) => {
           const { outcome, lease } = leases.renew("job", { token });
           process.send({ outcome, mine: lease.mine, again: leases.hold("job") });
           process.disconnect();
         });`,
      ),
      { ...nodeOptions(registry), stdio: ["ignore", "pipe", "inherit", "ipc"] },
    );
    const out = child.stdout;
    if (out === null) throw new Error("the process has no output");
    const [sessionId] = await once(createInterface(out), "line");
    const { stdout } = runScript(
      registry,
      `import { openSync } from "tenure";
       const { leases } = openSync("registry:");
       const { token } = leases.hold("job");
       const { outcome, lease } = leases.transfer("job", { token, to: "${sessionId}" });
       console.log(JSON.stringify({ outcome, token: lease.token, more: lease.token > token }));`,
    );
    const handed = JSON.parse(stdout);
    expect(handed).toMatchObject({ outcome: "transferred", more: true });
    const reply = once(child, "message");
    child.send({ token: handed.token });
    expect((await reply)[0]).toEqual({ outcome: "renewed", mine: true, again: null });
  });
});
