// Importing the files that other programs left in a directory: what is found and read, and the
// reported problems.

import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
// The types of "tenure" in the tests are those of browsers, which have no `importDirectory`.
import { importDirectory } from "../../npm/dist/entry/node.js";
import { code, failure } from "../support/failures.js";
import { newFolder } from "../support/folders.js";
import { everyStore, inMemory } from "../support/stores.js";

/** A folder with these files. */
function folderOf(files: Record<string, unknown>): string {
  const folder = newFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    const bytes = content instanceof Uint8Array || typeof content === "string";
    writeFileSync(join(folder, path), bytes ? content : JSON.stringify(content, null, 2));
  }
  return folder;
}

const bot = (id: string) => ({
  id,
  mode: "developer",
  task: "Implement feature X",
  status: "paused",
  createdAt: "2026-01-08T18:05:30.123Z",
  updatedAt: "2026-01-08T18:06:30.123Z",
  iterations: 3,
  maxIterations: 50,
  context: { priority: "high" },
  history: [{ timestamp: "2026-01-08T18:05:30.123Z", type: "start", data: { task: "x" } }],
});

const agent = (id: string) => ({
  agent_id: id,
  agent_name: "terraform-architect",
  purpose: "approval_workflow",
  created_at: "2026-01-08T18:05:30Z",
  last_updated: "2026-01-08T18:10:15Z",
  phase: "completed",
  metadata: { task_id: "T001" },
  resume_ready: false,
  history: [{ from_phase: "planning", to_phase: "completed", timestamp: "2026-01-08T18:10:15Z" }],
  error_count: 0,
  last_error: null,
  finalized_at: "2026-01-08T18:10:15Z",
  duration_seconds: 285,
  summary: "applied",
});

const everything = {
  "src/agents/sessions/session_abc/session.json": bot("session_abc"),
  "src/agents/sessions/session_def/session.json": bot("session_def"),
  ".claude/session/agent-1/state.json": agent("agent-1"),
  "tmp/jarvis_vm_registry.json": {
    "8f16": { session_id: "8f16", vm_id: "vm-1", registered_at: 1699999999.456 },
    idle: { session_id: "idle", vm_id: null, created_at: 1699999999.123 },
  },
  "data/active_sessions/qa-push-def67890.json": { run_id: "1" },
  "data/recent_pr_def67890.lock": "",
  "data/audit/session_audit_20250917.json": [
    { session_key: "k", timestamp: "2025-09-17T23:26:05.796786Z", executed: true },
  ],
  "README.md": "# not ours",
  "package.json": { name: "not-ours" },
  "other/state.json": { not: "ours" },
};

const counts = (written: number, unchanged = 0, newer = 0) => ({ written, unchanged, newer });

describe.each(everyStore)("%s, a file of a directory", (_, openStore) => {
  it("is imported by its path and its text", async () => {
    const sessions = await openStore();
    const file = { path: "sessions\\s\\session.json", text: JSON.stringify(bot("s")) };
    const planned = { holds: "sessions", written: 1, unchanged: 0, newer: 0, problems: [] };
    expect(await sessions.importFile({ ...file, dryRun: true })).toEqual(planned);
    expect(await sessions.get("s")).toBeNull();
    expect(await sessions.importFile(file)).toEqual(planned);
    expect(await sessions.get("s")).toMatchObject({ status: "paused", iterations: 3 });
    expect(await sessions.importFile(file)).toMatchObject({ written: 0, unchanged: 1 });
    const registry = {
      path: "jarvis_vm_registry.json",
      text: JSON.stringify(everything["tmp/jarvis_vm_registry.json"]),
      modifiedAt: "2023-11-14T22:13:19.456Z",
    };
    expect(await sessions.importFile(registry)).toMatchObject({ holds: "leases", written: 2 });
    const [orphan, ...others] = await sessions.machines.orphans();
    expect(others).toEqual([]);
    expect(orphan).toMatchObject({ vmId: "vm-1" });
    expect(await sessions.machines.orphans({ after: "vm-1" })).toEqual([]);
    expect(await sessions.machines.active()).toEqual({});
    const { holds, written } = await sessions.importFile({ path: "README.md", text: "# no" });
    expect([holds, written]).toEqual([undefined, 0]);
  });
});

describe.each(everyStore)("%s, a directory", (_, openStore) => {
  it("is imported with all known files, and again without changes", async () => {
    const to = await openStore();
    const folder = folderOf(everything);
    const expected = { files: 7, failed: 0, problems: [], dryRun: false };
    expect(await importDirectory(folder, to)).toEqual({
      ...expected,
      sessions: counts(3),
      leases: counts(4),
      audit: counts(1),
    });
    expect(await to.get("session_abc")).toMatchObject({
      status: "paused",
      iterations: 3,
      context: { priority: "high" },
    });
    expect(await to.get("agent-1")).toMatchObject({
      status: "completed",
      mode: "terraform-architect",
      task: "approval_workflow",
      result: "applied",
      history: [{ type: "phase", data: { from: "planning", to: "completed" } }],
    });
    expect(await to.agents.get("agent-1")).toEqual({
      agentId: "agent-1",
      agentName: "terraform-architect",
      purpose: "approval_workflow",
      createdAt: "2026-01-08T18:05:30.000Z",
      lastUpdated: "2026-01-08T18:10:15.000Z",
      phase: "completed",
      metadata: { task_id: "T001" },
      resumeReady: false,
      history: [
        { fromPhase: "planning", toPhase: "completed", timestamp: "2026-01-08T18:10:15.000Z" },
      ],
      errorCount: 0,
      lastError: null,
      finalizedAt: "2026-01-08T18:10:15.000Z",
      durationSeconds: 285,
      summary: "applied",
      approval: null,
    });
    expect(await importDirectory(pathToFileURL(folder), to)).toEqual({
      ...expected,
      sessions: counts(0, 3),
      leases: counts(0, 4),
      audit: counts(0, 1),
    });
    await to.resume("session_abc");
    const { sessions } = await importDirectory(folder, to);
    expect(sessions).toEqual(counts(0, 2, 1));
    expect((await to.get("session_abc"))?.status).toBe("active");
  });
});

describe("an import", () => {
  it.each([
    ["src/agents/sessions", 2],
    ["src/agents/sessions/session_abc", 1],
    [".claude", 1],
    [".claude/session", 1],
    [".claude/session/agent-1", 1],
    ["tmp", 2],
    ["data", 3],
    ["data/active_sessions", 1],
    ["data/audit", 1],
    ["other", 0],
  ])("can start at %s", async (below, written) => {
    const to = await inMemory();
    const result = await importDirectory(join(folderOf(everything), below), to);
    const { sessions, leases, audit } = result;
    expect(sessions.written + leases.written + audit.written).toBe(written);
    expect(result.failed).toBe(0);
  });

  it("keeps what Tenure does not know, of all kinds of directories", async () => {
    const session = {
      ...bot("s"),
      guildId: "g",
      history: [{ ...bot("s").history[0], tags: ["a"] }],
    };
    const vm = {
      session_id: "8f16",
      pid: 12345,
      hostname: "macbook.local",
      vm_id: "vm-1",
      registered_at: 1699999999.456,
      guildId: "g",
    };
    const run = { run_id: "1", timestamp: "2025-09-17T23:26:05Z", guildId: "g" };
    const entry = { session_key: "k", timestamp: "2025-09-17T23:26:05Z", guildId: "g" };
    const error = { message: "m", timestamp: "2025-09-17T23:26:05Z", guildId: "g" };
    const folder = folderOf({
      "sessions/s/session.json": session,
      ".claude/session/a/state.json": { ...agent("a"), guildId: "g", last_error: error },
      "tmp/jarvis_session_12345.json": vm,
      "data/active_sessions/qa-push-def67890.json": run,
      "data/audit/session_audit_20250917.json": [entry],
    });
    const to = await inMemory();
    expect(await importDirectory(folder, to)).toMatchObject({ files: 5, problems: [] });
    const exported = JSON.parse(await to.export("s"));
    expect(exported).toMatchObject({ guildId: "g", history: [{ tags: ["a"] }] });
    expect(exported).not.toHaveProperty("metadata");
    expect((await to.agents.get("a"))?.metadata).toEqual({
      task_id: "T001",
      agentState: { guildId: "g", last_error: error },
    });
    expect(await to.leases.get("vm:vm-1")).toMatchObject({
      process: { pid: 12345, hostname: "macbook.local" },
      data: vm,
    });
    expect((await to.leases.get("qa-push-def67890"))?.data).toEqual(run);
    expect((await to.audit.entries({ kind: "dedup.run" })).items[0]?.data).toEqual(entry);
  });

  it("with dryRun writes nothing", async () => {
    const to = await inMemory();
    const result = await importDirectory(folderOf(everything), to, { dryRun: true });
    expect(result).toMatchObject({ sessions: counts(3), leases: counts(4), dryRun: true });
    expect((await to.stats()).total).toBe(0);
  });

  it("lists unreadable files, and imports the rest", async () => {
    const text = JSON.stringify(bot("torn"));
    const latin = Buffer.from(JSON.stringify({ ...bot("latin"), task: "é" }), "latin1");
    const folder = folderOf({
      "sessions/a/session.json": `\ufeff${JSON.stringify(bot("a"))}`,
      "sessions/empty/session.json": "",
      "sessions/torn/session.json": text.slice(0, 100),
      "sessions/latin/session.json": latin,
      "sessions/zero/session.json": new Uint8Array(4096),
      "sessions/up/session.json": bot("../../up"),
      "sessions/list/session.json": "[]",
      ".claude/session/x/state.json": { ...agent("x"), phase: "dreaming" },
      "tmp/jarvis_vm_registry.json": { ok: { session_id: "ok", created_at: 1 }, bad: 7 },
    });
    const to = await inMemory();
    const result = await importDirectory(folder, to);
    expect(result).toMatchObject({ files: 9, failed: 8, sessions: counts(1), leases: counts(1) });
    expect(result.problems.map(({ path, code }) => `${path} ${code}`)).toEqual([
      ".claude/session/x/state.json INVALID_ARGUMENT",
      "sessions/empty/session.json INVALID_ARGUMENT",
      "sessions/latin/session.json FILE_UNREADABLE",
      "sessions/list/session.json INVALID_ARGUMENT",
      "sessions/torn/session.json INVALID_ARGUMENT",
      "sessions/up/session.json INVALID_ID",
      "sessions/zero/session.json INVALID_ARGUMENT",
      "tmp/jarvis_vm_registry.json INVALID_ARGUMENT",
    ]);
    expect(await to.get("a")).not.toBeNull();
  });

  it("follows no links and skips unrelated folders", async () => {
    const outside = folderOf({ "s/session.json": bot("outside") });
    const folder = folderOf({
      "sessions/a/session.json": bot("a"),
      "sessions/.tenure/gone/b/session.json": bot("b"),
      "node_modules/x/sessions/c/session.json": bot("c"),
      ".git/d/session.json": bot("d"),
      "sessions/state.json/session.json": bot("e"),
    });
    symlinkSync(outside, join(folder, "sessions", "link"), "junction");
    symlinkSync(folder, join(folder, "sessions", "loop"), "junction");
    const to = await inMemory();
    expect(await importDirectory(folder, to)).toMatchObject({ files: 2, sessions: counts(2) });
    const ids = [];
    for await (const { id } of to.list()) ids.push(id);
    expect(ids.sort()).toEqual(["a", "e"]);
  });

  it("uses the modification time of files without a time", async () => {
    const folder = folderOf({ "recent_pr_abc.lock": "" });
    const old = new Date("2026-01-08T18:05:30Z");
    utimesSync(join(folder, "recent_pr_abc.lock"), old, old);
    const to = await inMemory();
    await importDirectory(folder, to);
    const again = await importDirectory(folder, to);
    expect(again.leases).toEqual(counts(0, 1));
  });

  it("reports its progress, and can be aborted", async () => {
    const files = Array.from({ length: 300 }, (_, n) => [
      `sessions/s${n}/session.json`,
      bot(`s${n}`),
    ]);
    const folder = folderOf(Object.fromEntries(files));
    const to = await inMemory();
    const abort = new AbortController();
    const { signal } = abort;
    const onProgress = ({ files }: { files: number }): void => {
      if (files === 100) abort.abort("enough");
    };
    const stopped = await failure(importDirectory(folder, to, { signal, onProgress }));
    expect(stopped).toMatchObject({ code: "ABORTED", cause: "enough" });
    const result = await importDirectory(folder, to);
    expect(result.sessions).toEqual(counts(200, 100));
  });

  it("needs a readable directory and a store that can be opened", async () => {
    const folder = folderOf({ "file.txt": "x" });
    for (const nowhere of ["nowhere", "file.txt"]) {
      expect(await failure(importDirectory(join(folder, nowhere), "memory:"))).toMatchObject({
        code: "INVALID_ARGUMENT",
        details: { what: "directory" },
      });
    }
    expect(await code(importDirectory(folder, "nonsense:"))).toBe("UNSUPPORTED_STORE");
    await using sessions = await inMemory();
    expect((await failure(importDirectory(sessions as never, folder))).message).toBe(
      "directory: expected a path or a file: URL, got a Sessions; the store is the second argument",
    );
  });
});
