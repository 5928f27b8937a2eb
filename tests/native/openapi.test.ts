// The description of the API: an outside validator accepts it, and what operations answer is as it says.

import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import { newFolder } from "../support/folders.js";
import { opening } from "../support/stores.js";

/** A JSON object. */
type Json = Readonly<Record<string, unknown>>;

/** A server over a store in memory. */
async function served(archive?: string) {
  const store = await opening("memory:");
  const { url, token } = await store.serve({ archive });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const ask = async (path: string, params?: Json): Promise<Json> => {
    const body = params === undefined ? {} : { method: "POST", body: JSON.stringify(params) };
    return (await fetch(`${url}v1/${path}`, { headers, ...body })).json();
  };
  return { ask, store, description: await ask("openapi.json") };
}

/** The same schemas, in which no object may have properties that are not described. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).map(([name, value]) => [name, closed(value)] as const);
  const isObject = "properties" in schema && "type" in schema && schema.type === "object";
  return { ...(isObject && { additionalProperties: false }), ...Object.fromEntries(entries) };
}

/** The results so far, of each operation the last one. */
type Results = ReadonlyMap<string, unknown>;
/** An operation, and its parameters or what makes them of the results before. */
type Call = readonly [name: string, params?: Json | ((results: Results) => Json)];

/** A property of the last result of an operation. */
const last = (results: Results, name: string, property: string): unknown =>
  (results.get(name) as Json)[property];

/** What one store asks of another when it copies a session, as text. */
const stamps = (key: string): string => {
  const there = { unreadable: false, events: 0, history: "", overwrite: false };
  const none = { history: null, owner: null, ownerHead: null };
  const stamp = { what: "session", key, version: 1, createdAt: 0, events: 1, head: "h", there };
  return JSON.stringify([{ ...stamp, ...none }]);
};

const start = { task: "t", mode: "m" };
const run = { eventType: "push", workflow: "w", runId: "1", commitSha: "0123456789" };
const machine = { vmId: "v", holder: "h" };
const portable = (id: string): Json => ({
  text: JSON.stringify({ id, mode: "m", task: "t", status: "active", createdAt: 0 }),
});
const slot = { ...start, taskId: "T", phase: "plan", model: "opus" };

const endpoint = { id: "e", url: "https://example.com/hooks" };

/** How the claimed deliveries have ended. */
function settled(results: Results, how: Json): Json {
  const claims = last(results, "webhookClaim", "claims") as readonly Json[];
  return { results: claims.map(({ key, claim }) => ({ key, claim, ...how })) };
}

/** Calls of all operations that succeed, in this order. */
const CALLS: readonly Call[] = [
  [
    "start",
    { ...start, id: "s", userId: "u", channelId: "c", workspace: "w", metadata: { model: "opus" } },
  ],
  ["traces", { id: "s" }],
  ["metrics"],
  ["start", { ...start, id: "paused", paused: true, pauseReason: "r", parentId: "s" }],
  ["addEvent", { id: "s", type: "note", data: { a: 1 } }],
  ["addEvents", { id: "s", events: [{ type: "note" }, { type: "own" }] }],
  ["incrementIteration", { id: "s" }],
  ["recordToolCall", { id: "s", tool: "t", args: [1], result: 2 }],
  ["startToolCall", { id: "s", tool: "t", args: { a: 1 }, callId: "open" }],
  ["startToolCall", { id: "s", tool: "t", callId: "c" }],
  ["finishToolCall", { id: "s", callId: "c", result: 2 }],
  ["recordLearning", { id: "s", insight: "i", expertiseFile: "f" }],
  ["recordUsage", { id: "s", tokens: { prompt: 1, completion: 2, cached: 1 }, cost: 0.1 }],
  ["updateContext", { id: "s", context: { a: 1 } }],
  ["update", { id: "s", task: "u", metadata: { b: 2 } }],
  ["pause", { id: "s", reason: "r" }],
  ["resume", { id: "s" }],
  ["get", { id: "s", history: "all" }],
  ["get", { id: "nobody" }],
  ["context", { id: "s" }],
  ["events", { id: "s", limit: 2 }],
  ["events", { id: "s", limit: 2, order: "desc" }],
  ["list", { limit: 1 }],
  ["stats", { trash: "include" }],
  ["distribution", { by: "model" }],
  ["distribution", { text: "nothing" }],
  ["export", { id: "s" }],
  ["exportPart", { id: "s" }],
  ["isResumable", { id: "s" }],
  ["progress", { id: "s" }],
  ["duration", { id: "s" }],
  ["duration", { id: "nobody" }],
  ["heads", { limit: 1 }],
  ["heads", { ids: ["s", "nobody"] }],
  ["hold", { id: "s", holder: "h", leaseDurationMs: 60_000 }],
  ["fork", { id: "s", newId: "f", atSequence: 2 }],
  ["complete", { id: "f", result: "r", resultData: { a: 1 } }],
  ["fail", { id: "paused", error: "e", stack: "s" }],
  ["import", portable("i")],
  ["save", portable("saved")],
  ["importFile", { path: "a/x/session.json", ...portable("x") }],
  ["importFile", { path: "a/y/session.json", text: "{" }],
  ["override", { id: "i", updates: { status: "failed", error: "e" } }],
  ["abandon", { id: "saved", reason: "r" }],
  ["trash", { id: "i" }],
  ["restore", { id: "i" }],
  ["trashMany", { ids: ["i", "nobody", "../x"] }],
  ["restoreMany", { ids: ["i", "nobody"] }],
  ["deleteMany", { ids: ["i", "nobody"] }],
  ["delete", { id: "x" }],
  ["agentCreate", { id: "agent", agentName: "a", purpose: "p" }],
  ["agentUpdate", { id: "agent", phase: "planning", error: "e" }],
  ["agentUpdate", { id: "nobody", phase: "planning" }],
  ["requestApproval", { id: "agent", reason: "r" }],
  ["agentGet", { id: "agent" }],
  ["approve", { id: "agent", by: "b" }],
  ["agentGet", { id: "agent" }],
  ["shouldResume", { id: "agent" }],
  ["shouldResume", { id: "nobody" }],
  ["agentList", { limit: 1 }],
  ["agentFinalize", { id: "agent", outcome: "failed", summary: "s" }],
  ["agentGet", { id: "agent" }],
  ["agentCreate", { id: "denied", agentName: "a" }],
  ["requestApproval", { id: "denied" }],
  ["deny", { id: "denied", by: "b", reason: "r" }],
  ["agentStats"],
  ["startInSlot", slot],
  ["startInSlot", slot],
  ["startInSlot", { ...slot, model: "haiku" }],
  ["startInSlot", { ...slot, model: "haiku", onModelChange: "replace", exportOld: true }],
  [
    "startInSlots",
    {
      starts: [
        { ...slot, taskId: "U", model: { name: "opus", version: "1", params: { a: 1 } } },
        { ...slot, taskId: "" },
      ],
    },
  ],
  ["latestSession", { taskId: "T", phase: "plan" }],
  ["slots", { taskIds: ["T", "U"] }],
  ["slotPhase", { title: "Plan: t" }],
  ["slotPhase", { title: "t" }],
  ["list", { trash: "include" }],
  ["leaseAcquire", { key: "k", holder: "h", leaseDurationMs: 60_000, data: { a: 1 } }],
  ["leaseAcquire", { key: "k", holder: "other" }],
  ["leaseRenew", { key: "k", holder: "h", token: 1 }],
  ["leaseTransfer", { key: "k", holder: "h", token: 1, to: "i" }],
  ["leaseRelease", { key: "k", holder: "i", token: 2 }],
  ["leaseGet", { key: "k" }],
  ["leaseGet", { key: "nothing" }],
  ["leaseList", { limit: 1 }],
  ["changesSince"],
  ["changesSince", { position: 0, limit: 1000 }],
  ["processRegister", { holder: "h" }],
  ["vmRegister", { ...machine, zone: "z", components: ["c"] }],
  ["vmMine", { holder: "h" }],
  ["vmMine", { holder: "nobody" }],
  ["vmCommand", { command: ["delete-vm", "{vmId}", "{zone}"], vmId: "v", zone: "z", session: "s" }],
  ["activeSessions"],
  ["orphans"],
  ["orphanClaim", { ...machine, holder: "i" }],
  ["orphanDone", { vmId: "v", token: 1, success: true }],
  ["staleCleanup"],
  ["vmUnregister", machine],
  ["dedupCheck", { eventType: "push", workflow: "w", commitSha: "0123456789" }],
  ["dedupAdmit", run],
  ["dedupAdmit", { ...run, runId: "2" }],
  ["dedupRegister", { ...run, runId: "3", key: "own" }],
  ["dedupList", { limit: 1 }],
  [
    "dedupAudit",
    (results) => ({
      ...run,
      key: last(results, "dedupAdmit", "key"),
      executed: true,
      jobStatus: "success",
    }),
  ],
  ["dedupStats"],
  ["dedupCleanup", { key: "own", runId: "3" }],
  ["dedupClear", { prefix: "own" }],
  ["auditDay", { limit: 1 }],
  ["auditLog", { limit: 2 }],
  ["hookPreDelegate", { input: JSON.stringify({ agent_id: "agent" }) }],
  ["hookSubagentStop", { input: JSON.stringify({ agent_id: "agent", exit_code: 0 }) }],
  ["hookEvent", { input: JSON.stringify({ hook_event_name: "SessionStart", session_id: "h" }) }],
  ["copyPage"],
  ["copyCompare", (results) => ({ page: last(results, "copyPage", "page") })],
  ["copyCompare", { page: stamps("s") }],
  ["copyCompare", { page: stamps("elsewhere") }],
  ["copyRead", { wanted: stamps("elsewhere") }],
  ["copyRead", { wanted: stamps("s") }],
  ["copyWrite", (results) => ({ chunk: last(results, "copyRead", "chunk") })],
  ["leaseClear", { prefix: "k" }],
  [
    "webhookAdd",
    { ...endpoint, events: ["start"], modes: ["m"], users: ["u"], headers: { a: "b" } },
  ],
  ["start", { ...start, userId: "u" }],
  ["webhookList"],
  ["webhookClaim", { limit: 8, maxBytes: 1 }],
  ["webhookSettle", (results) => settled(results, { status: 500, answer: "no room" })],
  ["webhookList"],
  ["webhookRedeliver", { endpoint: "e", waiting: true }],
  ["webhookClaim", { limit: 8, maxBytes: 1 }],
  ["webhookSettle", (results) => settled(results, { status: 410 })],
  ["webhookClaim", { limit: 8, maxBytes: 1 }],
  ["webhookList", { id: "e" }],
  ["webhookFailed", { limit: 1 }],
  ["webhookUpdate", { id: "e", enabled: true }],
  ["webhookUpdate", { id: "nobody" }],
  ["webhookRedeliver", { endpoint: "e" }],
  ["webhookSample", { id: "e" }],
  ["webhookSample", { id: "nobody" }],
  ["webhookRotate", { id: "e" }],
  ["webhookRotate", { id: "nobody" }],
  ["webhookAddresses", { addresses: ["1.1.1.1", "127.0.0.1"] }],
  ["webhookRemove", { id: "e" }],
  ["jobClaim", { job: "archive", at: "0 * * * *" }],
  ["jobClaim", { job: "archive", now: true }],
  ["jobClaim", { job: "archive", now: true }],
  ["jobList"],
  ["deadLetterAdd", { job: "archive", ids: ["s"], codes: ["C"], messages: ["m"], attempts: 4 }],
  ["deadLetterAmong", { job: "archive", ids: ["s", "other"] }],
  ["deadLetterList", { job: "archive", limit: 1 }],
  ["deadLetterRemove", { job: "archive", id: "s" }],
  ["jobClaim", { job: "other", now: true }],
  [
    "jobEnd",
    (results) => ({ job: "other", token: last(results, "jobClaim", "token"), report: { a: 1 } }),
  ],
  ["jobList", { job: "other" }],
  ["cleanup", { maxAge: 0, status: ["completed"] }],
  ["cleanup", { maxAge: 0, dryRun: true }],
  ["purge", { olderThan: 0 }],
  ["agentCleanup", { maxIdle: 0, purgeAfter: "7d" }],
  ["auditPurge", { olderThan: "30d" }],
  ["cleanupRecords"],
];

it("is valid OpenAPI", async () => {
  const { description } = await served();
  const { valid, errors } = await new Validator().validate(description);
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  expect((await new Validator().validate({ ...description, paths: { x: 1 } })).valid).toBe(false);
});

it("describes the archive", async () => {
  const archive = `file:${newFolder()}`;
  const { ask, store, description } = await served(archive);
  for (const id of ["a", "b"]) {
    await store.start({ ...start, id });
    await store.trash(id);
  }
  await store.purge({ olderThan: 0 }, { archive: { url: archive, compress: true } });
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema(closed(description) as Json, "api");
  for (const [path, asked] of [
    ["/v1/archive", "archive"],
    ["/v1/archive", "archive?limit=1"],
    ["/v1/archive/{id}", "archive/a"],
  ] as const) {
    const pointer = path.replaceAll("/", "~1").replace("{", "%7B").replace("}", "%7D");
    const answer = `api#/paths/${pointer}/get/responses/200/content/application~1json/schema`;
    const replied = await ask(asked);
    expect(replied).toHaveProperty("ok");
    // What a session has is in the description of `export`.
    const checked = path.endsWith("}") ? { ok: {} } : replied;
    expect(ajv.validate(answer, checked), JSON.stringify(ajv.errors)).toBe(true);
    expect(ajv.validate(answer, { ok: Symbol() })).toBe(false);
  }
});

it("describes what every operation answers", async () => {
  const { ask, description } = await served();
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema(closed(description) as Json, "api");
  const answer = (path: string): string =>
    `api#/paths/${path.replaceAll("/", "~1")}/post/responses/200/content/application~1json/schema`;
  const results = new Map<string, unknown>();
  const wrong: unknown[] = [];
  for (const [name, given = {}] of CALLS) {
    const params = typeof given === "function" ? given(results) : given;
    const replied = await ask(name, params);
    if (!ajv.validate(answer(`/v1/${name}`), replied)) {
      wrong.push({ name, params, replied, errors: ajv.errors });
    }
    results.set(name, replied.ok);
  }
  expect(wrong).toEqual([]);
  const described = Object.entries(description.paths as Record<string, Json>);
  const operations = described.filter(([, { post }]) => post !== undefined);
  expect([...results.keys()].map((name) => `/v1/${name}`).sort()).toEqual(
    operations.map(([path]) => path).sort(),
  );
  // A schema that accepts anything would accept this, too.
  for (const name of results.keys()) {
    expect(ajv.validate(answer(`/v1/${name}`), { ok: Symbol() }), name).toBe(false);
  }
});
