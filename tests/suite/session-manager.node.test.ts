// The session manager: one per process, which knows what the process owns. What other processes see
// is tested in tests/native/ownership.test.ts. The module for browsers has no machines.

import { getSessionManager, init, isSessionManagerAvailable, type SessionManager } from "tenure";
import { afterEach, describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";

const isNative = __BUILD__ === "native";
const wasAvailable = isSessionManagerAvailable();

if (isNative) (await import("../support/registry.js")).ownRegistry();

afterEach(async () => {
  await getSessionManager().unregisterVm();
});

describe("the session manager", () => {
  it("is created on the first call, and is always the same", () => {
    expect(wasAvailable).toBe(false);
    expect(isSessionManagerAvailable()).toBe(false);
    const manager = getSessionManager();
    expect(isSessionManagerAvailable()).toBe(true);
    expect(getSessionManager()).toBe(manager);
  });

  it("works before anything else is loaded", async () => {
    const manager = getSessionManager();
    expect(await manager.getMyVm()).toBeNull();
    expect(manager.getStatistics().hasVm).toBe(false);
    await init();
    expect(manager.getMyVmSync()).toBeNull();
  });

  it("knows its session, process and host", () => {
    const manager = getSessionManager();
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    expect(manager.sessionId).toMatch(uuid);
    expect(Date.parse(manager.createdAt)).toBeLessThanOrEqual(Date.now());
    expect(manager.registry).toBe(isNative ? "registry:" : "memory:");
    if (isNative) {
      expect(manager.pid).toBe(process.pid);
      expect(manager.hostname).not.toBe("");
      expect(manager.problem).toBeUndefined();
    } else {
      expect(manager.pid).toBeNull();
      expect(manager.problem).toMatchObject({ code: "UNSUPPORTED_STORE" });
    }
  });

  it("is among the active sessions, with and without a virtual machine", async () => {
    const manager = getSessionManager();
    const { sessionId } = manager;
    expect(await manager.getAllActiveSessions()).toMatchObject({
      [sessionId]: { sessionId, vm: null, mine: isNative },
    });
    await manager.registerVm("vm-1", "europe-west4-a", ["voice"]);
    expect(manager.getAllActiveSessionsSync()).toMatchObject({
      [sessionId]: { vm: { vmId: "vm-1", zone: "europe-west4-a" } },
    });
    expect(await manager.cleanupStaleSessions()).toBe(0);
    expect(manager.cleanupStaleSessionsSync()).toBe(0);
    expect(await manager.orphans()).toEqual([]);
    expect(manager.orphansSync()).toEqual([]);
  });
});

interface Ways {
  readonly register: (
    manager: SessionManager,
    ...args: Parameters<SessionManager["registerVm"]>
  ) => boolean | Promise<boolean>;
  readonly mine: (manager: SessionManager) => unknown;
  readonly unregister: (manager: SessionManager, vmId?: string) => unknown;
}

const waiting: Ways = {
  register: (manager, ...args) => manager.registerVm(...args),
  mine: (manager) => manager.getMyVm(),
  unregister: (manager, vmId) => manager.unregisterVm(vmId),
};
const atOnce: Ways = {
  register: (manager, ...args) => manager.registerVmSync(...args),
  mine: (manager) => manager.getMyVmSync(),
  unregister: (manager, vmId) => manager.unregisterVmSync(vmId),
};

describe.each([
  ["waiting", waiting],
  ["at once", atOnce],
])("a virtual machine, %s,", (_, { register, mine, unregister }) => {
  it("is owned from its registration until it is unregistered", async () => {
    const manager = getSessionManager();
    expect(await register(manager, "vm-1", "zone", ["voice", "ml"], { trigger: "HIGH_RAM" })).toBe(
      true,
    );
    expect(await mine(manager)).toMatchObject({
      vmId: "vm-1",
      zone: "zone",
      components: ["voice", "ml"],
      metadata: { trigger: "HIGH_RAM" },
      status: "active",
      registeredAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(await unregister(manager)).toBe(true);
    expect(await mine(manager)).toBeNull();
    expect(await unregister(manager)).toBe(false);
  });

  it("is the only one, and its data can be replaced", async () => {
    const manager = getSessionManager();
    await register(manager, "vm-1", "zone", ["voice"]);
    const before = await mine(manager);
    expect(await register(manager, "vm-2", "zone", [])).toBe(false);
    expect(await register(manager, "vm-1", "other", ["ml"])).toBe(true);
    expect(await mine(manager)).toMatchObject({
      vmId: "vm-1",
      zone: "other",
      components: ["ml"],
      registeredAt: (before as { registeredAt: string }).registeredAt,
    });
    expect(await unregister(manager, "vm-2")).toBe(false);
    expect(await unregister(manager, "vm-1")).toBe(true);
  });
});

describe("the statistics", () => {
  it("have the ten values, and show whether the registry is shared", async () => {
    const manager = getSessionManager();
    const before = manager.getStatistics();
    await manager.registerVm("vm-1", "zone", []);
    await manager.registerVm("vm-2", "zone", []);
    await manager.cleanupStaleSessions();
    const { sessionId, pid, hostname } = manager;
    expect(manager.getStatistics()).toEqual({
      sessionId,
      pid,
      hostname,
      uptimeSeconds: expect.any(Number),
      hasVm: true,
      vmId: "vm-1",
      vmsRegistered: before.vmsRegistered + 1,
      vmsUnregistered: before.vmsUnregistered,
      registryCleanups: before.registryCleanups + 1,
      staleSessionsRemoved: before.staleSessionsRemoved,
      degraded: !isNative,
    });
    await manager.unregisterVm();
    const after = manager.getStatistics();
    expect(after).toMatchObject({ hasVm: false, vmId: null });
    expect(after.vmsUnregistered).toBe(before.vmsUnregistered + 1);
    expect(after.uptimeSeconds).toBeGreaterThanOrEqual(before.uptimeSeconds);
  });
});

describe("invalid parameters of the session manager", () => {
  it.each([
    ["", "zone", []],
    ["x".repeat(513), "zone", []],
    [7, "zone", []],
    ["vm", undefined, []],
    ["vm", "zone", "voice"],
    ["vm", "zone", [], []],
  ])("include the machine %j in %j with %j", async (...args) => {
    const manager = getSessionManager();
    expect(await code(manager.registerVm(...(args as unknown as [string, string, []])))).toBe(
      "INVALID_ARGUMENT",
    );
    expect(manager.getMyVmSync()).toBeNull();
  });

  it.each([undefined, "rm -rf {vmId}", [], [7]])("include the task %j", async (run) => {
    const manager = getSessionManager();
    expect(await failure(manager.sweep(run as never))).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: { what: "run" },
    });
    expect(await code(() => manager.onExit({ run: run as never }))).toBe("INVALID_ARGUMENT");
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1s"])(
    "include %j as the timeout of a task",
    async (timeoutMs) => {
      const manager = getSessionManager();
      const options = { run: () => {}, timeoutMs: timeoutMs as never };
      expect(await code(() => manager.onExit(options))).toBe("INVALID_ARGUMENT");
      expect(await code(manager.sweep(options.run, options))).toBe("INVALID_ARGUMENT");
    },
  );

  it("are refused also when there is nothing to do", async () => {
    const manager = getSessionManager();
    expect(await manager.sweep(["echo", "{vmId}"])).toEqual({ swept: [], failed: [] });
    expect(manager.onExit({ run: ["echo"] })()).toBeUndefined();
  });
});
