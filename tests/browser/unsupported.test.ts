// What the module for browsers does not have: the operations of the applications.

import { copy, getSessionManager, open, TenureError } from "tenure";
import { expect, it } from "vitest";
import { failure } from "../support/failures.js";

it("an operation that is not in it says so, and what to use", async () => {
  const sessions = await open("memory:");
  const run = { eventType: "push", workflow: "CI", commitSha: "0123456789abcdef" };
  const manager = getSessionManager();
  const calls = [
    () => copy(sessions, "memory:"),
    () => sessions.dedup.check(run),
    () => sessions.dedup.admit({ ...run, runId: "1" }),
    () => sessions.audit.day(),
    () => sessions.audit.entries(),
    () => sessions.heads(),
    () => sessions.leases.transfer("k", { holder: "h", token: 1, to: "i" }),
    () => sessions.leases.clear(),
    () => sessions.agents.hooks.preDelegate({ agent_id: "a" }),
    () => sessions.agents.hooks.subagentStop({ agent_id: "a" }),
    () => sessions.agents.hooks.event({ hook_event_name: "Stop" }),
    () => manager.registerVm("vm-1", "zone", []),
    () => manager.orphans(),
    () => sessions.machines.active(),
    () => sessions.machines.orphans(),
    () => sessions.importFile({ path: "s/session.json", text: "{}" }),
    () => sessions.exportParts("s").next(),
    () => sessions.purge({ olderThan: 0 }, { archive: () => {} }),
    () => sessions.purge({ olderThan: 0 }),
    () => sessions.startInSlots([]),
    () => sessions.cleanup({ maxAge: "30d" }),
    () => sessions.cleanupRecords(),
    () => sessions.agents.cleanup(),
    () => sessions.audit.purge({ olderThan: 0 }),
    () => sessions.override("s", { status: "failed" }),
    () => sessions.save({ id: "s" }),
    () => sessions.webhooks.add({ url: "https://h.example/" }),
    () => sessions.webhooks.list(),
    () => sessions.webhooks.deliver(),
    () => sessions.webhooks.test("bot"),
    async () => open("memory:", { deliver: true }),
    async () => open("memory:", { webhook: { url: "https://h.example/", endpoint: "bot" } }),
    async () => open("memory:", { retention: { maxAge: "30d", every: "1d" } }),
  ];
  for (const call of calls) {
    const error = await failure(call());
    expect(error).toBeInstanceOf(TenureError);
    expect(error).toMatchObject({
      code: "UNSUPPORTED_OPERATION",
      details: { instead: expect.stringContaining("tenure_complete_bg.wasm") },
    });
  }
});
