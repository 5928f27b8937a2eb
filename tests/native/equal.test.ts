// Both builds return the same bytes for every call: long sequences of calls, including hostile
// JSON, are sent to the native addon and to WebAssembly, and the returned texts are compared.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";

interface Raw {
  open(url: string, options: string): string;
  call(handle: number, name: string, params: string, now: number, entropy: string): string;
  start(handle: number, name: string, params: string, now: number, entropy: string): string;
  resume(handle: number, operation: number, reply: string): string;
  cancel(handle: number, operation: number): string;
  close(handle: number): string;
  page(request: string): string;
}

const require = createRequire(import.meta.url);
const { report } = process;
const musl = process.platform === "linux" && !JSON.stringify(report.getReport()).includes("glibc");
const platform = `${process.platform}-${process.arch}${musl ? "-musl" : ""}`;
const native: Raw = require(`../../npm/native/tenure-${platform}.node`);
const wasm: Raw & {
  initSync(source: { module: Uint8Array }): unknown;
} = require("../../npm/wasm/tenure_wasm.js");
wasm.initSync({
  module: readFileSync(new URL("../../npm/wasm/tenure_complete_bg.wasm", import.meta.url)),
});

const scale = Number(process.env.TENURE_TEST_SCALE ?? "1");
const seeds = Array.from({ length: Math.max(2, Math.round(10 * scale)) }, (_, i) => i + 1);
const CALLS = 1200;

/** Random numbers that are derived from a seed. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number below `n`. */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** True with a probability of 1 in `n`. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }
}

const STRINGS = [
  '""',
  '"plain"',
  '"\\ud800"',
  '"\\udc00\\ud800x"',
  '"\\u0000"',
  '"\\u0041\\/\\b"',
  '"😀é\u2028"',
  '"__proto__"',
  '"constructor"',
  `"${"long ".repeat(50)}"`,
];
const NUMBERS = [
  "0",
  "-0",
  "1e400",
  "-1e400",
  "1E5",
  "12345678901234567890",
  "0.1000",
  "1.7976931348623157e308",
  "5e-324",
  "9007199254740993",
];
const KEYS = [...STRINGS, '"a"', '"\\u0061"', '"b"', '"pausedAt"', '"pauseReason"', '"reason"'];
const LITERALS = ["null", "true", "false"];

/** JSON text of a value, including texts that `JSON.stringify` never produces. */
function value(dice: Dice, depth = 0): string {
  const kind = dice.below(depth > 3 ? 3 : 5);
  if (kind === 0) return dice.pick(STRINGS);
  if (kind === 1) return dice.pick(NUMBERS);
  if (kind === 2) return dice.pick(LITERALS);
  if (kind === 3) {
    return `[${Array.from({ length: dice.below(4) }, () => value(dice, depth + 1)).join(dice.pick([",", " , "]))}]`;
  }
  return object(dice, depth + 1);
}

/** JSON text of an object, sometimes with duplicate keys and unusual white space. */
function object(dice: Dice, depth = 0): string {
  if (dice.once(80)) return `{"deep":${"[".repeat(140)}${"]".repeat(140)}}`;
  if (dice.once(80)) return `{"deep":${'{"a":'.repeat(100)}1${"}".repeat(100)}}`;
  const properties = Array.from(
    { length: dice.below(5) },
    () => `${dice.pick(KEYS)}${dice.pick([":", " : ", ":\t\n"])}${value(dice, depth)}`,
  );
  return `{${properties.join(",")}}`;
}

const IDS = ['"s1"', '"s2"', '"s3"', '"s4"', '"s5"'];
const BAD_IDS = ['"../x"', '""', '"\\ud800"', "7", "null", `"${"x".repeat(129)}"`, '"ü"'];
const TYPES = [
  "start",
  "iteration",
  "tool_call",
  "learning",
  "pause",
  "resume",
  "complete",
  "error",
  "timeout",
  "abandoned",
  "note",
  "",
  "\\ud800",
];
const STATUSES = ["active", "paused", "completed", "failed", "timeout", "abandoned", "nonsense"];

type Properties = Record<string, string>;

/** The properties that an operation takes, as JSON texts. */
function properties(dice: Dice, name: string): Properties {
  const id = dice.once(12) ? dice.pick(BAD_IDS) : dice.pick(IDS);
  const text = () => dice.pick(STRINGS);
  const number = () => dice.pick(["0", "1", "2", "3", "50", "-1", "1.5", "1e400", "4294967296"]);
  const trash = (): Properties => ({
    ...(dice.once(4) && { trash: dice.pick(['"only"', '"include"', '"exclude"', '"all"']) }),
  });
  const ids = () => {
    const some = Array.from({ length: dice.below(6) }, () =>
      dice.once(8) ? dice.pick(['"../x"', '"nowhere"', '"\\ud800"', "7"]) : dice.pick(IDS),
    );
    return `[${some.join(",")}]`;
  };
  const filter = (): Properties => ({
    ...(dice.once(4) && { status: `"${dice.pick(STATUSES)}"` }),
    ...(dice.once(4) && { status: `["${dice.pick(STATUSES)}","${dice.pick(STATUSES)}"]` }),
    ...(dice.once(6) && { userId: text() }),
    ...(dice.once(6) && { mode: text() }),
    ...(dice.once(6) && { text: text() }),
    ...(dice.once(6) && { createdAfter: dice.pick(["1767225600000", '"2026-01-01"', '"soon"']) }),
    ...(dice.once(6) && { updatedBefore: dice.pick(["1767225900000", "1e400", "null"]) }),
    ...(dice.once(6) && { minIterations: number() }),
    ...(dice.once(6) && { maxIterations: number() }),
    ...trash(),
  });
  const event = () => `{"type":"note","timestamp":"2026-01-01","data":${object(dice)}}`;
  const ifFinished = (): Properties => ({
    ...(dice.once(3) && { ifFinished: dice.pick(['"keep"', '"refuse"', "true"]) }),
  });
  const change: Properties = {
    id,
    ...(dice.once(8) && { ifVersion: dice.pick(["1", "2", "3", "-1", "99999999999999999999"]) }),
    ...(dice.once(6) && { idempotencyKey: dice.pick(['"k1"', '"k2"', '"\\ud800"', '""']) }),
  };
  const with1 = (key: string, make: () => string): Properties => ({
    ...change,
    ...(dice.once(6) ? {} : { [key]: make() }),
  });
  switch (name) {
    case "start":
      return {
        id,
        task: text(),
        mode: text(),
        ...(dice.once(2) && { userId: text() }),
        ...(dice.once(2) && { context: object(dice) }),
        ...(dice.once(2) && { metadata: metadata(dice) }),
        ...(dice.once(2) && { maxIterations: number() }),
        ...(dice.once(5) && { paused: dice.pick(["true", "false", "1"]), pauseReason: text() }),
        ...(dice.once(5) && { parentId: dice.pick(['"a"', '"../a"']) }),
        ...(dice.once(5) && { idempotencyKey: dice.pick(['"k1"', '"k2"']) }),
      };
    case "get":
      return {
        id,
        history: dice.pick(['"all"', '"none"', "3", "0", "-1", '"some"']),
        ...trash(),
      };
    case "events":
      return {
        id,
        ...(dice.once(2) && { after: number() }),
        ...(dice.once(3) && { before: number() }),
        ...(dice.once(2) && { limit: number() }),
        ...(dice.once(2) && { order: dice.pick(['"asc"', '"desc"', '"x"']) }),
        ...(dice.once(3) && {
          type: dice.pick([...TYPES.map((type) => `"${type}"`), '["note","start"]', "[]", "7"]),
        }),
      };
    case "update":
      return {
        ...change,
        ...(dice.once(2) && { task: text() }),
        ...(dice.once(2) && { workspace: dice.pick(["null", '"w"']) }),
        ...(dice.once(2) && { context: object(dice) }),
        ...(dice.once(2) && { metadata: metadata(dice) }),
        ...(dice.once(3) && { maxIterations: number() }),
      };
    case "pause":
    case "abandon":
      return with1("reason", text);
    case "resume":
      return {
        ...with1("addIterations", number),
        ...(dice.once(3) && { ifActive: dice.pick(['"keep"', '"recover"', '"x"']) }),
        ...(dice.once(3) && { ifExhausted: dice.pick(['"timeout"', '"refuse"', "null"]) }),
      };
    case "complete":
      return { ...with1("result", text), ...ifFinished() };
    case "fail":
      return {
        ...with1("error", text),
        ...ifFinished(),
        ...(dice.once(3) && { stack: text() }),
      };
    case "override":
      return {
        ...change,
        updates: `{${Object.entries({
          ...(dice.once(2) && { status: `"${dice.pick(STATUSES)}"` }),
          ...(dice.once(3) && { iterations: number(), maxIterations: number() }),
          ...(dice.once(3) && { userId: text(), error: text() }),
          ...(dice.once(3) && { context: object(dice) }),
          ...(dice.once(3) && { metadata: metadata(dice) }),
          ...(dice.once(4) && { history: `[${event()}]` }),
          ...(dice.once(20) && { unknown: "1" }),
        } satisfies Properties)
          .map(([key, text]) => `"${key}":${text}`)
          .join(",")}}`,
      };
    case "addEvent":
      return { ...with1("data", () => object(dice)), type: `"${dice.pick(TYPES)}"` };
    case "addEvents":
      return with1(
        "events",
        () =>
          `[${Array.from({ length: dice.below(4) }, () => `{"type":"${dice.pick(TYPES)}","data":${object(dice)}}`).join(",")}]`,
      );
    case "incrementIteration":
      return with1("data", () => object(dice));
    case "recordToolCall":
      return { ...change, tool: text(), args: value(dice), result: value(dice) };
    case "startToolCall":
      return {
        ...change,
        tool: text(),
        args: value(dice),
        ...(dice.once(2) && { callId: dice.pick(['"c"', '"d"', '""']) }),
      };
    case "finishToolCall":
      return {
        ...change,
        callId: dice.pick(['"c"', '"d"', '"call_2"', '"call_3"']),
        result: value(dice),
      };
    case "recordLearning":
      return { ...change, insight: text(), expertiseFile: text() };
    case "recordUsage":
      return {
        ...change,
        tokens: `{"prompt":${number()},"completion":${number()}${
          dice.once(2) ? `,"cached":${number()},"reasoning":${number()}` : ""
        }}`,
        cost: dice.pick(["0.1", "0.2", "1e-9", "-1", "1e400", "1e30", "null"]),
      };
    case "updateContext":
      return {
        ...change,
        context: object(dice),
        ...(dice.once(3) && { replace: "true" }),
        ...(dice.once(3) && { unset: dice.pick(['["a"]', '["a","b"]', "[]", '"a"']) }),
        ...(dice.once(3) && { record: dice.pick(['"all"', '"small"', '"none"', '"some"']) }),
      };
    case "list":
      return {
        ...filter(),
        ...(dice.once(2) && { limit: number() }),
        ...(dice.once(4) && { offset: number() }),
        ...(dice.once(3) && { orderBy: dice.pick(['"updatedAt"', '"createdAt"', '"x"']) }),
        ...(dice.once(3) && { direction: dice.pick(['"asc"', '"desc"']) }),
        ...(dice.once(6) && { cursor: dice.pick(['"cd.1767225600005.s3"', '"x"', '"cd.1."']) }),
      };
    case "stats":
      return filter();
    case "distribution":
      return {
        ...filter(),
        ...(dice.once(2) && { by: dice.pick(['"mode"', '"model"', '"user"', '"task"']) }),
        ...(dice.once(3) && { groups: number() }),
      };
    case "cleanup":
      return {
        maxAge: dice.pick(["0", "3000", '"1s"', '"1h"', '"x"', "-1", "1e400"]),
        ...(dice.once(2) && { measure: dice.pick(['"created"', '"updated"', '"x"']) }),
        ...(dice.once(3) && { permanent: "true" }),
        ...(dice.once(2) && { dryRun: "true" }),
      };
    case "purge":
      return {
        olderThan: dice.pick(["0", "3000", '"1s"', "null"]),
        ...(dice.once(3) && { ids: ids() }),
        ...(dice.once(3) && { limit: number() }),
        ...(dice.once(9) && { cursor: '"x"' }),
        ...(dice.once(2) && { dryRun: "true" }),
      };
    case "cleanupRecords":
      return {
        ...(dice.once(2) && { keepAudit: dice.pick(["0", '"1h"', '"x"']) }),
        ...(dice.once(2) && { dryRun: "true" }),
      };
    case "trashMany":
    case "restoreMany":
    case "deleteMany":
      return { ids: ids() };
    case "save":
    case "import":
      return {
        ...(name === "import" && dice.once(2) && { replace: "false" }),
        text: JSON.stringify(
          `{"id":${id},"mode":"m","task":${text()},"status":"${dice.pick(STATUSES)}","createdAt":"2026-01-01T00:00:00Z","updatedAt":1767225600000,"iterations":${number()},"maxIterations":${number()},"context":${object(dice)},"history":[${event()}]}`,
        ),
      };
    case "fork":
      return {
        id,
        newId: dice.pick(IDS),
        ...(dice.once(3) && { atSequence: number() }),
        ...(dice.once(3) && { context: object(dice) }),
      };
    case "importFile":
      return {
        path: JSON.stringify(dice.pick(PATHS)),
        text: JSON.stringify(dice.once(4) ? value(dice) : agentState(dice)),
        ...(dice.once(4) && { dryRun: "true" }),
      };
    case "agentCreate":
      return {
        agentName: text(),
        ...(dice.once(3) ? {} : { id: dice.pick(IDS) }),
        ...(dice.once(2) && { purpose: text() }),
        ...(dice.once(2) && { metadata: secrets(dice) }),
      };
    case "agentUpdate":
      return {
        id,
        ...(dice.once(2) && { phase: `"${dice.pick(PHASES)}"` }),
        ...(dice.once(3) && { metadata: secrets(dice) }),
        ...(dice.once(3) && { error: text() }),
        ...(dice.once(4) && { resumeReady: dice.pick(["true", "false", "1"]) }),
        ...(dice.once(4) && { summary: text() }),
      };
    case "agentFinalize":
      return {
        id,
        outcome: dice.pick(['"completed"', '"failed"', '"abandoned"', '"planning"']),
        ...(dice.once(2) && { summary: text() }),
      };
    case "agentList":
      return {
        ...(dice.once(2) && { activeOnly: "true" }),
        ...(dice.once(2) && { resumable: "true" }),
        ...(dice.once(3) && { agentName: text() }),
        ...(dice.once(3) && { limit: number() }),
      };
    case "shouldResume":
      return {
        id,
        ...(dice.once(3) && { idle: dice.pick(["0", '"1s"', '"1h"', '"x"', "1e400"]) }),
        ...(dice.once(3) && { maxErrors: number() }),
      };
    case "requestApproval":
    case "approve":
    case "deny":
      return { id, ...(dice.once(2) && { reason: text() }) };
    case "leaseAcquire":
    case "leaseRenew":
    case "leaseRelease":
    case "leaseTransfer":
      // The default holder is the calling process, which only the native build has.
      return {
        key: dice.pick(['"a"', '"session:s1"', '"\\ud800"', '""', '"ü"']),
        holder: dice.pick(['"x"', '"y"', '"\\u0000"']),
        ...(name !== "leaseAcquire" && { token: dice.pick(["1", "2", "3", "-1"]) }),
        ...(name === "leaseTransfer" && { to: dice.pick(['"x"', '"y"', "7"]) }),
        ...(name !== "leaseRelease" &&
          dice.once(2) && { leaseDurationMs: dice.pick(["0", "1000", '"1h"', "-1"]) }),
        ...(name === "leaseAcquire" && dice.once(2) && { data: object(dice) }),
      };
    case "leaseGet":
      return { key: dice.pick(['"a"', '"session:s1"', '""', "7"]) };
    case "leaseList":
    case "leaseClear":
      return { ...(dice.once(2) && { prefix: dice.pick(['"a"', '"session:"', '""']) }) };
    case "processRegister":
    case "vmMine":
      return { holder: dice.pick(['"x"', '"y"']) };
    case "vmRegister":
    case "vmUnregister":
    case "orphanClaim":
      return {
        vmId: dice.pick(['"v"', '"w"', '""', '"../v"']),
        holder: dice.pick(['"x"', '"y"']),
        ...(name === "vmRegister" && {
          zone: text(),
          components: dice.pick(["[]", '["a","b"]', "7"]),
          ...(dice.once(2) && { metadata: object(dice) }),
        }),
        ...(name === "orphanClaim" && { leaseDurationMs: dice.pick(["1000", '"1m"']) }),
      };
    case "orphanDone":
      return {
        vmId: dice.pick(['"v"', '"w"']),
        token: dice.pick(["1", "2", "3"]),
        success: dice.pick(["true", "false"]),
      };
    case "activeSessions":
    case "orphans":
    case "staleCleanup":
    case "agentStats":
      return {};
    case "agentCleanup":
      return { maxIdle: dice.pick(["0", '"1s"', '"1h"']), ...(dice.once(2) && { dryRun: "true" }) };
    case "hookPreDelegate":
    case "hookSubagentStop": {
      const flat = `"agent_id":${id},"agent_name":${text()},"exit_code":${number()},"own":${value(dice)}`;
      const nested = `"task_info":{"agent_id":${id}},"workflow_metrics":{"exit_code":${number()}}`;
      return {
        input: JSON.stringify(dice.once(6) ? value(dice) : `{${dice.pick([flat, nested])}}`),
      };
    }
    case "hookEvent": {
      const event = dice.pick([...HOST_EVENTS, "Other"]);
      const task = `"tool_name":"Agent","tool_input":{"subagent_type":${text()},"prompt":${id}}`;
      const names = `"session_id":${id},"agent_id":${id},"agent_type":${text()}`;
      return { input: JSON.stringify(`{"hook_event_name":"${event}",${names},${task}}`) };
    }
    case "startInSlots": {
      const starts = Array.from({ length: dice.below(5) }, () => {
        const start = Object.entries(properties(dice, "startInSlot"));
        if (dice.once(2)) start.push(["id", dice.pick([...IDS, '"../x"'])]);
        return `{${start.map(([key, text]) => `"${key}":${text}`).join(",")}}`;
      });
      return { starts: `[${starts.join(",")}]` };
    }
    case "startInSlot":
      return {
        taskId: dice.pick(['"T1"', '"T2"', '""', '"\\ud800"']),
        phase: dice.pick(SLOT_PHASES),
        model: dice.pick(MODELS),
        task: text(),
        mode: text(),
        ...(dice.once(2) && {
          onModelChange: dice.pick(['"confirm"', '"replace"', '"reject"', "1"]),
        }),
        ...(dice.once(4) && { confirm: `{"id":${id},"version":${number()}}` }),
        ...(dice.once(4) && { rerun: "true", exportOld: "true" }),
        ...(dice.once(4) && { locking: dice.pick(['"optimistic"', '"pessimistic"', '"x"']) }),
      };
    case "latestSession":
      return { taskId: dice.pick(['"T1"', '"T2"']), phase: dice.pick(SLOT_PHASES) };
    case "slots":
      return { taskIds: dice.pick(['"T1"', '["T1","T2"]', "[]", "7"]) };
    case "slotPhase":
      return { title: dice.pick(['"Plan: x"', '"Verification: y"', '"lunch"', '"\\ud800"']) };
    case "dedupCheck":
    case "dedupRegister":
    case "dedupAdmit":
    case "dedupAudit":
    case "dedupCleanup":
      return {
        ...(name !== "dedupCleanup" && {
          eventType: dice.pick(['"push"', '"pull_request"', '"Pull Request"', '"\\ud800"', '""']),
          workflow: dice.pick(['"CI"', '"a/b c"']),
          ...(dice.once(2) && { commitSha: dice.pick(['"0123456789"', '""', '"abc"']) }),
        }),
        ...(name === "dedupAdmit" || name === "dedupCheck" ? {} : { key: dice.pick(KEYS) }),
        ...(name !== "dedupCheck" && { runId: dice.pick(['"1"', '"2"', "7"]) }),
        ...(name === "dedupAdmit" && dice.once(3) && { window: dice.pick(["0", '"1s"', '"x"']) }),
        ...(name === "dedupAudit" && { executed: "true", jobStatus: text() }),
      };
    case "dedupList":
    case "dedupClear":
      return { ...(dice.once(2) && { prefix: text() }), ...(dice.once(3) && { ended: "true" }) };
    case "auditLog":
      return {
        ...(dice.once(2) && { kind: dice.pick(['"dedup"', '"agent.decision"', '""']) }),
        ...(dice.once(3) && { subject: id }),
        ...(dice.once(3) && { limit: number() }),
      };
    case "auditDay":
      return { ...(dice.once(2) && { date: dice.pick(['"2026-01-01"', '"20260101"', '"x"']) }) };
    case "dedupStats":
      return {
        ...(dice.once(2) && { from: dice.pick(['"2026-01-01"', '"20251230"', '"2024-01-01"']) }),
        ...(dice.once(2) && { to: dice.pick(['"2026-01-01"', '"20260101"', '"x"']) }),
      };
    case "auditPurge":
      return { olderThan: dice.pick(["0", '"1h"']), ...(dice.once(2) && { dryRun: "true" }) };
    case "agentGet":
      return { id };
    case "delete":
    case "context":
      return { id, ...trash(), ...(dice.once(3) && { recent: number() }) };
    case "export":
    case "exportPart":
    case "isResumable":
    case "progress":
    case "duration":
      return { id, ...trash() };
    default:
      return change;
  }
}

const SLOT_PHASES = ['"plan"', '"run"', '"planning"', '"lunch"'];
const MODELS = [
  '"opus"',
  '"haiku"',
  '{"name":"m","version":"1"}',
  '{"name":"m","version":"2"}',
  "7",
];

const PHASES = [
  ...["initializing", "investigating", "planning", "approval", "approval", "executing"],
  ...["validating", "completed", "failed", "abandoned", "spawning"],
];

/** An object with a secret to redact. */
function secrets(dice: Dice): string {
  const known = [
    `"apiKey":${dice.pick(STRINGS)}`,
    `"note":${dice.pick(['"Bearer abcdefghijklmnop"', '"ghp_0123456789abcdefghijABCDEFGHIJ012345"'])}`,
    `"pass\\u0077ord":${value(dice)}`,
    `"own":${value(dice)}`,
  ];
  return `{${known.filter(() => dice.once(2)).join(",")}}`;
}

const PATHS = [
  "a/.claude/session/agent-1/state.json",
  "active_sessions/push-main-abc.json",
  "audit/session_audit_20260101.json",
  "recent_pr_0123.lock",
  "jarvis_vm_registry.json",
  "../x",
];

/** The state of an agent in the format of another program. */
function agentState(dice: Dice): string {
  return `{"agent_id":${dice.pick(IDS)},"agent_name":"a","purpose":${dice.pick(STRINGS)},"phase":"${dice.pick(PHASES)}","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:01Z","metadata":${object(dice)}}`;
}

function metadata(dice: Dice): string {
  const known = [
    `"cost":${dice.pick(["0.5", "1e400", '"x"', "-1", "3"])}`,
    `"tokens":${dice.pick(['{"prompt":5,"completion":6,"own":1e400}', "7", "null", "{}"])}`,
    `"toolsUsed":${dice.pick(['["bash"]', "[1]", "null", '["\\ud800"]'])}`,
    `"own":${value(dice)}`,
  ];
  return `{${known.filter(() => dice.once(2)).join(",")}}`;
}

const HOST_EVENTS = [
  ...["SessionStart", "PreToolUse", "SubagentStart", "SubagentStop", "Stop", "SessionEnd"],
];
const OPERATIONS = [
  ...["start", "start", "start", "addEvent", "addEvent", "addEvents", "incrementIteration"],
  ...["update", "pause", "resume", "resume", "complete", "fail", "abandon", "recordToolCall"],
  ...["startToolCall", "startToolCall", "finishToolCall", "finishToolCall", "context"],
  ...["recordLearning", "recordUsage", "updateContext", "updateContext", "get", "get", "context"],
  ...[
    "events",
    "list",
    "list",
    "stats",
    "distribution",
    "delete",
    "trash",
    "restore",
    "cleanup",
    "purge",
  ],
  ...[
    "export",
    "exportPart",
    "import",
    "override",
    "override",
    "save",
    "importFile",
    "fork",
    "isResumable",
    "progress",
    "duration",
    "noSuchOperation",
  ],
  ...["agentCreate", "agentUpdate", "agentUpdate", "agentUpdate", "agentGet", "agentFinalize"],
  ...["agentList", "shouldResume", "shouldResume", "requestApproval", "approve", "deny"],
  ...["leaseAcquire", "leaseAcquire", "leaseRenew", "leaseRelease", "leaseTransfer", "leaseGet"],
  ...["leaseList", "leaseClear", "processRegister", "vmRegister", "vmMine", "vmUnregister"],
  ...["activeSessions", "staleCleanup", "orphans", "orphanClaim", "orphanDone"],
  ...["trashMany", "restoreMany", "deleteMany", "startInSlots", "startInSlots", "cleanupRecords"],
  ...["startInSlot", "startInSlot", "startInSlot", "latestSession", "slots", "slotPhase"],
  ...["dedupCheck", "dedupRegister", "dedupAdmit", "dedupAdmit", "dedupCleanup", "dedupAudit"],
  ...["dedupList", "dedupClear", "dedupStats", "auditLog", "auditDay", "auditPurge"],
  ...["agentCleanup", "agentStats", "hookPreDelegate", "hookSubagentStop", "hookEvent"],
];

interface Step {
  readonly name: string;
  readonly params: string;
  readonly now: number;
  readonly entropy: string;
}

function sequence(seed: number): readonly Step[] {
  const dice = new Dice(seed);
  let now = Date.parse("2026-01-01T00:00:00.000Z");
  return Array.from({ length: CALLS }, (_, call) => {
    now += dice.pick([0, 1, 1, 5, 1000, -3, 0.5]);
    const name = dice.pick(OPERATIONS);
    const texts = Object.entries(properties(dice, name)).map(([key, text]) => `"${key}":${text}`);
    if (dice.once(40)) texts.push('"unknown":1');
    const params = dice.once(60) ? dice.pick(["", "null", "[]", "{", "7"]) : `{${texts.join(",")}}`;
    const entropy = call.toString(16).padStart(32, "0");
    return { name, params, now: dice.once(200) ? Number.NaN : now, entropy };
  });
}

const handleOf = (answer: string): number => JSON.parse(answer).ok.handle;

describe.each(seeds)("the sequence of calls %i", (seed) => {
  const steps = sequence(seed);

  it("returns the same bytes from both builds over the store in memory", () => {
    const options = '{"limits":{"maxContextBytes":4000,"maxBatch":3}}';
    const a = handleOf(native.open("memory:", options));
    const b = handleOf(wasm.open("memory:", options));
    let succeeded = 0;
    for (const { name, params, now, entropy } of steps) {
      const answer = native.call(a, name, params, now, entropy);
      expect(wasm.call(b, name, params, now, entropy), `${name} ${params}`).toBe(answer);
      if (answer.startsWith('{"ok"')) succeeded += 1;
    }
    // A sequence in which every call fails would prove nothing.
    expect(succeeded).toBeGreaterThan(CALLS / 5);

    // The resulting sessions are copied in the same steps, and compare as equal.
    const to = [handleOf(native.open("memory:", "{}")), handleOf(wasm.open("memory:", "{}"))];
    const both = (side: "from" | "to", name: string, params: object) => {
      const [c, d] = side === "from" ? [a, b] : (to as [number, number]);
      const text = JSON.stringify(params);
      const entropy = "0".repeat(32);
      const answer = native.call(c, name, text, 1_770_000_000_000, entropy);
      expect(wasm.call(d, name, text, 1_770_000_000_000, entropy), name).toBe(answer);
      return JSON.parse(answer).ok;
    };
    let written = 0;
    for (const whole of [false, true]) {
      for (let after: string | undefined; ; ) {
        const { page, next } = both("from", "copyPage", { after, whole });
        const compared = both("to", "copyCompare", { page, ...(!whole && { overwrite: false }) });
        if (whole) expect(compared.differences).toEqual([]);
        for (let { wanted } = compared; wanted !== undefined && !whole; ) {
          const { chunk, rest } = both("from", "copyRead", { wanted });
          written += both("to", "copyWrite", { chunk }).sessions;
          wanted = rest;
        }
        if (next === undefined) break;
        after = next;
      }
    }
    expect(written).toBe(both("from", "stats", { trash: "include" }).total);
    expect(native.close(a)).toBe(wasm.close(b));
  });

  it("makes the same requests to a JavaScript store from both builds, and returns the same results", () => {
    const a = handleOf(native.open("host:", "{}"));
    const b = handleOf(wasm.open("host:", "{}"));
    const dice = new Dice(seed * 7919);
    const heads = new Map<string, Record<string, unknown>>();
    const events = new Map<string, unknown[]>();
    for (const { name, params, now, entropy } of steps) {
      let answer = native.start(a, name, params, now, entropy);
      let other = wasm.start(b, name, params, now, entropy);
      for (let asked = 0; ; asked += 1) {
        expect(other, `${name} ${params}`).toBe(answer);
        const need = answer.startsWith('{"need"') ? JSON.parse(answer).need : undefined;
        if (need === undefined) break;
        const otherNeed = JSON.parse(other).need;
        if (asked > 20 || dice.once(30)) {
          answer = native.cancel(a, need.operation);
          other = wasm.cancel(b, otherNeed.operation);
          continue;
        }
        const reply = dice.once(15)
          ? dice.pick([
              "{}",
              '{"ok":7}',
              "nonsense",
              '{"error":{"message":"\\ud800"}}',
              '{"ok":null}',
            ])
          : `{"ok":${JSON.stringify(answerOf(need, heads, events))}}`;
        answer = native.resume(a, need.operation, reply);
        other = wasm.resume(b, otherNeed.operation, reply);
      }
    }
    expect(native.close(a)).toBe(wasm.close(b));
  });
});

/** The reply of a simple store. */
function answerOf(
  { method, params }: { method: string; params: never },
  heads: Map<string, Record<string, unknown>>,
  events: Map<string, unknown[]>,
): unknown {
  switch (method) {
    case "load": {
      const { id, history } = params as { id: string; history: { kind: string; count: number } };
      const head = heads.get(id);
      const all = events.get(id) ?? [];
      if (head === undefined) return null;
      if (history.kind === "last")
        return { head, events: history.count ? all.slice(-history.count) : [] };
      return { head, events: history.kind === "all" ? all : [] };
    }
    case "commit": {
      const { changes } = params as { changes: { sessions: never[] } };
      for (const change of changes.sessions) {
        const { id, write } = change as {
          id: string;
          write: {
            kind: string;
            head: Record<string, unknown>;
            events: unknown[];
            replaceHistory: boolean;
          };
        };
        if (write.kind === "delete") {
          heads.delete(id);
          events.delete(id);
        } else {
          heads.set(id, write.head);
          const before = write.replaceHistory ? [] : (events.get(id) ?? []);
          events.set(id, [...before, ...write.events]);
        }
      }
      return { kind: "applied" };
    }
    case "list":
      return { all: [...heads.values()] };
    case "scan":
      return [];
    default:
      return null;
  }
}
