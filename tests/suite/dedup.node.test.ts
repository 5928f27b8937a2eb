// Deduplication of runs in the JavaScript API, the audit log, and expired records. The module for
// browsers has no deduplication.

import { describe, expect, it } from "vitest";
import { code } from "../support/failures.js";
import { everyStore, opening } from "../support/stores.js";

const run = { eventType: "push", workflow: "CI", commitSha: "0123456789abcdef" };

describe.each(everyStore)("a run %s", (_, openStore) => {
  it("is admitted once, however often it is started", async () => {
    const { dedup } = await openStore();
    const first = await dedup.admit({ ...run, runId: "1" });
    expect(first).toMatchObject({ skip: false, reason: "new_session" });
    expect(await dedup.admit({ ...run, runId: "2" })).toMatchObject({
      key: first.key,
      skip: true,
      reason: "active_session",
    });
    expect(await dedup.check(run)).toMatchObject({ skip: true });
    expect(await dedup.cleanup({ key: first.key, runId: "2" })).toMatchObject({
      outcome: "not_owner",
    });
    await dedup.cleanup({ key: first.key, runId: "1" });
    // The window is still active after the run.
    expect(await dedup.admit({ ...run, runId: "3" })).toMatchObject({ skip: true });
    await dedup.clear();
    expect(await dedup.admit({ ...run, runId: "4" })).toMatchObject({ skip: false });
  });

  it("of a pull request blocks pushes of its commit", async () => {
    const { dedup } = await openStore();
    await dedup.admit({ ...run, eventType: "pull_request", runId: "1" });
    expect(await dedup.admit({ ...run, runId: "2" })).toMatchObject({
      skip: true,
      reason: "pull_request_lock",
    });
  });

  it("is in the audit log by time, kind and subject", async () => {
    const { dedup, audit } = await openStore();
    const { key } = await dedup.admit({ ...run, runId: "1" });
    await dedup.audit({ ...run, key, runId: "1", executed: true, jobStatus: "success" });
    const { items } = await audit.entries({ kind: "dedup", subject: key });
    expect(items.length).toBeGreaterThan(1);
    const { file, items: runs } = await audit.day();
    expect(file).toMatch(/^session_audit_\d{8}\.json$/);
    expect(runs).toEqual([
      expect.objectContaining({ session_key: key, executed: true, duplicate_prevented: false }),
    ]);
    await dedup.audit({ ...run, key, runId: "2", executed: false, jobStatus: "skipped" });
    const { runs: counted, duplicatesPrevented, days } = await dedup.stats();
    expect([counted, duplicatesPrevented, days.length]).toEqual([2, 1, 7]);
    expect(await code(dedup.stats({ from: "x" }))).toBe("INVALID_ARGUMENT");
    expect(await audit.purge({ olderThan: "1h" })).toMatchObject({ removed: 0 });
    expect((await audit.purge({ olderThan: 0 })).removed).toBeGreaterThan(1);
    expect((await audit.entries()).items).toEqual([]);
  });
});

describe("expired records", () => {
  it("are removed by retention, or on request", async () => {
    const sessions = await opening("memory:");
    await sessions.dedup.admit({
      eventType: "push",
      workflow: "ci",
      commitSha: "0123456789",
      runId: "1",
      window: 1,
      keep: 1,
    });
    await sessions.start({ task: "t", mode: "m", id: "s" });
    await sessions.trash("s");
    await new Promise((done) => setTimeout(done, 20));
    const plan = await sessions.cleanupRecords({ keepAudit: 0, dryRun: true });
    expect(plan).toEqual({ runs: 1, entries: 2, dryRun: true });
    expect(await sessions.cleanupRecords()).toEqual({ runs: 1, entries: 0, dryRun: false });
    expect((await sessions.cleanupRecords({ keepAudit: "0s" })).entries).toBe(3);
    expect((await sessions.audit.entries()).items).toEqual([]);
  });
});
