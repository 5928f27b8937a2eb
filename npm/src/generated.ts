// Generated from the table of operations: `npm run build -- types` writes it. Do not edit.

import type { EventType, JsonObject, OverridesOf, SessionMetadata } from "./values/session-data.js";

/** New values for anything that a session has. */
export type Overrides = OverridesOf<Status, Phase>;

/**
 * A session to give up.
 */
export type AbandonParams = { 
/**
 * The session.
 */
id: string, 
/**
 * Why.
 */
reason?: string, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * An active session: a registered process and the virtual machine that it owns.
 */
export type ActiveSession = { 
/**
 * The id of the session.
 */
sessionId: string, 
/**
 * The PID of its process; `null` if it is no process.
 */
pid: number | null, 
/**
 * The host name of its machine; `null` if it is not known.
 */
hostname: string | null, 
/**
 * When it was registered.
 */
createdAt: string, 
/**
 * Whether it is the calling process.
 */
mine: boolean, 
/**
 * The virtual machine that it owns; `null` if it owns none.
 */
vm: VmView | null, };

/**
 * Which active sessions to list.
 */
export type ActiveSessionsParams = { 
/**
 * The greatest number of sessions: 1 to 10,000, 10,000 by default.
 */
limit?: number, 
/**
 * Only sessions whose ids sort after this one.
 */
after?: string, };

/**
 * An event to record.
 */
export type AddEventParams = { 
/**
 * The session.
 */
id: string, 
/**
 * The event's type. Lifecycle types have their lifecycle's effect.
 */
type: EventType, 
/**
 * What happened; `{}` by default.
 */
data?: JsonObject, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * Events to record in one step.
 */
export type AddEventsParams = { 
/**
 * The session.
 */
id: string, 
/**
 * The events in their order.
 */
events: Array<NewEvent>, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * Which agents to put into the trash.
 */
export type AgentCleanupParams = { 
/**
 * Those that have been idle this long and longer; 24 hours by default.
 */
maxIdle?: number | string, 
/**
 * Only say which they are.
 */
dryRun?: boolean, };

/**
 * A new agent.
 */
export type AgentCreateParams = { 
/**
 * The agent's name; the session's mode.
 */
agentName: string, 
/**
 * What it is for; the session's task.
 */
purpose?: string, 
/**
 * About its work.
 */
metadata?: SessionMetadata, 
/**
 * An id of the caller's own; by default one is made, `agent-<date>-<time>-<8 digits>`.
 */
id?: string, 
/**
 * Iterations allowed; 100 by default.
 */
maxIterations?: number, 
/**
 * Makes the call safe to repeat: a second call with this key returns the first's agent.
 */
idempotencyKey?: string, };

/**
 * An agent whose work ends.
 */
export type AgentFinalizeParams = { 
/**
 * The session.
 */
id: string, 
/**
 * How it ends.
 */
outcome: "completed" | "failed" | "abandoned", 
/**
 * What came of it.
 */
summary?: string, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * One agent.
 */
export type AgentGetParams = { 
/**
 * The agent's session.
 */
id: string, };

/**
 * Which agents to list.
 */
export type AgentListParams = { 
/**
 * Only those whose phase is not final.
 */
activeOnly?: boolean, 
/**
 * Only those that `shouldResume` would resume.
 */
resumable?: boolean, 
/**
 * Only those of this name.
 */
agentName?: string, 
/**
 * How many at most: 1 to 1,000, 50 by default.
 */
limit?: number, 
/**
 * Go on where the page ended that returned this cursor.
 */
cursor?: string, 
/**
 * With `resumable`: idle for less than this; 30 minutes by default.
 */
idle?: number | string, 
/**
 * With `resumable`: fewer errors than this; 3 by default.
 */
maxErrors?: number, };

/**
 * An agent as it stands.
 */
export type AgentState = { 
/**
 * The agent's session.
 */
agentId: string, 
/**
 * The agent's name.
 */
agentName: string, 
/**
 * What it is for.
 */
purpose: string, 
/**
 * When it was created.
 */
createdAt: string, 
/**
 * When it was last active.
 */
lastUpdated: string, 
/**
 * What it is doing; `null` for a session that never had a phase.
 */
phase: Phase | null, 
/**
 * About its work.
 */
metadata: SessionMetadata, 
/**
 * Whether it may be resumed.
 */
resumeReady: boolean, 
/**
 * The phases that it came through.
 */
history: Array<PhaseChange>, 
/**
 * How many errors it has met.
 */
errorCount: number, 
/**
 * The last of them.
 */
lastError: LastError | null, 
/**
 * When its work ended.
 */
finalizedAt: string | null, 
/**
 * How long its work took, to its end.
 */
durationSeconds: number | null, 
/**
 * What came of it.
 */
summary: string | null, };

/**
 * How agents have done. Those in the trash fill the store, and count no more otherwise.
 */
export type AgentStats = { 
/**
 * How many there are.
 */
total: number, 
/**
 * How many of them are in a phase that is not final.
 */
active: number, 
/**
 * How many were created a day, since the first was.
 */
createdPerDay: number, 
/**
 * How many there are by their names; of many names, the first 1,000.
 */
byAgent: Record<string, number>, 
/**
 * How many there are in each phase.
 */
byPhase: PhaseCounts, 
/**
 * How often it was decided whether to resume, within the time that is asked for.
 */
decisions: number, 
/**
 * How often it was decided to resume.
 */
resumed: number, 
/**
 * How many percent of the decisions were to resume.
 */
resumeRate: Metric, 
/**
 * How many percent of those that were resumed and have ended were completed.
 */
resumeSuccessRate: Metric, 
/**
 * How long those that have ended took, in milliseconds: half of them took no longer.
 */
medianDurationMs: Metric, 
/**
 * How long they took: 95 % of them took no longer.
 */
p95DurationMs: Metric, 
/**
 * How many percent have met errors, or failed.
 */
errorRate: Metric, 
/**
 * About how many bytes they fill, with those in the trash.
 */
storageBytes: Metric, 
/**
 * When a cleanup last ran to its end, if it was within that time.
 */
lastCleanup: string | null, };

/**
 * Whose numbers to show.
 */
export type AgentStatsParams = { 
/**
 * Only those of agents of this name.
 */
agentName?: string, 
/**
 * Whether to add up what their sessions fill, for which their histories are read; by default
 * it is.
 */
storage?: boolean, 
/**
 * Only decisions, ends and cleanups of so long ago and since, `"30d"` by default: the audit log
 * is read from there on.
 */
within?: number | string, };

/**
 * What an agent says of itself.
 */
export type AgentUpdateParams = { 
/**
 * The session.
 */
id: string, 
/**
 * The phase that it is in now. A final one ends its work.
 */
phase?: Phase, 
/**
 * Properties to merge into the metadata.
 */
metadata?: SessionMetadata, 
/**
 * An error that it has met.
 */
error?: string, 
/**
 * Whether it may be resumed, until it enters another phase.
 */
resumeReady?: boolean, 
/**
 * What came of its work.
 */
summary?: string, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * What appending events has come to: enough to go on with, at a cost that does not grow with the
 * session.
 */
export type Appended = { 
/**
 * The session.
 */
id: string, 
/**
 * The sequence number of the first event that the call wrote.
 */
firstSequence: number, 
/**
 * The sequence number of the last event that the call wrote.
 */
lastSequence: number, 
/**
 * The session's status now: a loop ends when it is no longer `active`.
 */
status: Status, 
/**
 * Iterations used.
 */
iterations: number, 
/**
 * Iterations allowed.
 */
maxIterations: number, 
/**
 * The session's version now.
 */
version: number, 
/**
 * When the session was last changed.
 */
updatedAt: string, 
/**
 * Whether the call was a repeat, by its idempotency key, and wrote nothing.
 */
replayed: boolean, };

/**
 * Somebody's answer to an agent that waits for approval.
 */
export type ApprovalParams = { 
/**
 * The session.
 */
id: string, 
/**
 * Who answers.
 */
by?: string, 
/**
 * Why.
 */
reason?: string, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * A part of the runs of a day, oldest first.
 */
export type AuditDay = { 
/**
 * The name of the file that such a day is kept in elsewhere: `session_audit_20260108.json`.
 */
file: string, 
/**
 * The runs, as that file lists them.
 */
items: Array<AuditRun>, 
/**
 * Where to go on, as `cursor`; absent at the end. A page may have fewer items than it could.
 */
nextCursor?: string, };

/**
 * A day of the audit log.
 */
export type AuditDayParams = { 
/**
 * The day, as `2026-01-08` or `20260108`, in UTC; today by default.
 */
date?: string, 
/**
 * How many runs at most: 1 to 1,000, 1,000 by default.
 */
limit?: number, 
/**
 * Go on where the page ended that returned this cursor.
 */
cursor?: string, };

/**
 * An entry of the audit log.
 */
export type AuditEntry = { 
/**
 * When it was entered.
 */
at: string, 
/**
 * What has happened, such as `agent.decision` or `dedup.run`.
 */
kind: string, 
/**
 * What it is about: a session, or the key of a run.
 */
subject: string | null, 
/**
 * Everything that it says.
 */
data: JsonObject, };

/**
 * Which entries of the audit log to list.
 */
export type AuditLogParams = { 
/**
 * Only those of this moment and later.
 */
after?: string, 
/**
 * Only those before this moment.
 */
before?: string, 
/**
 * Only those of this kind, such as `dedup.run`, or of this group of kinds, such as `dedup`.
 */
kind?: string, 
/**
 * Only those about this: a session, or the key of a run.
 */
subject?: string, 
/**
 * How many at most: 1 to 1,000, 50 by default.
 */
limit?: number, 
/**
 * Go on where the page ended that returned this cursor.
 */
cursor?: string, };

/**
 * A part of the audit log, oldest first.
 */
export type AuditPage = { 
/**
 * The entries.
 */
items: Array<AuditEntry>, 
/**
 * Where to go on, as `cursor`; absent at the end. A page may have fewer items than it could.
 */
nextCursor?: string, };

/**
 * Which entries of the audit log to remove.
 */
export type AuditPurgeParams = { 
/**
 * Those of this age and older.
 */
olderThan: number | string, 
/**
 * Only say how many would be removed.
 */
dryRun?: boolean, };

/**
 * Entries that were removed from the audit log.
 */
export type AuditPurged = { 
/**
 * How many.
 */
removed: number, 
/**
 * Whether they are still there, and were only counted.
 */
dryRun: boolean, };

/**
 * A run as the audit file of its day shows it.
 */
export type AuditRun = { 
/**
 * The key of the run.
 */
session_key: string, 
/**
 * When it was recorded, with microseconds.
 */
timestamp: string, 
/**
 * The event that triggered it.
 */
event_type: string, 
/**
 * The name of its workflow.
 */
workflow: string, 
/**
 * The id of the run.
 */
run_id: string, 
/**
 * The first characters of its commit.
 */
commit_sha: string, 
/**
 * Whether it was executed.
 */
executed: boolean, 
/**
 * The status of its job.
 */
job_status: string, 
/**
 * Whether it was a duplicate.
 */
duplicate_prevented: boolean, };

/**
 * What was done to many sessions.
 */
export type BulkResult = { 
/**
 * Those to which it was done, or that were so already.
 */
done: Array<string>, 
/**
 * Those to which it could not be done. After an error of the store nothing more is tried, and all
 * that were left are here.
 */
refused: Array<Refusal>, };

/**
 * What a store can do beyond the least.
 */
export type Capabilities = { 
/**
 * What was written is there when the store is opened again.
 */
persistent: boolean, 
/**
 * Several processes (or pages) may have the store open at once.
 */
shared: boolean, 
/**
 * White space between the tokens of user data may change. The tokens never do.
 */
reindents: boolean, };

/**
 * Nothing but the change itself.
 */
export type ChangeOnly = { 
/**
 * The session.
 */
id: string, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * All that one operation writes. It is applied as a whole or not at all. No session and no record
 * is named twice.
 */
export type Changes = { 
/**
 * Sessions to write or remove.
 */
sessions: Array<SessionChange>, 
/**
 * Records to write or remove.
 */
records: Array<RecordChange>, };

/**
 * The outcome of claiming an orphan.
 */
export type ClaimOutcome = "acquired" | "held" | "not_held";

/**
 * Which sessions to remove for their age.
 */
export type CleanupParams = { 
/**
 * Sessions of this age and older go.
 */
maxAge: number | string, 
/**
 * Whether age counts from the start (the default) or from the last change.
 */
measure?: Measure, 
/**
 * Only sessions of these statuses; by default all but active and paused ones.
 */
status?: Status | readonly Status[], 
/**
 * Remove for good instead of putting into the trash.
 */
permanent?: boolean, 
/**
 * Only say what would go.
 */
dryRun?: boolean, };

/**
 * What to remove beside sessions.
 */
export type CleanupRecordsParams = { 
/**
 * How long entries of the audit log are kept; `"365d"` by default.
 */
keepAudit?: number | string, 
/**
 * Only say what would go.
 */
dryRun?: boolean, };

/**
 * What a cleanup removed.
 */
export type CleanupResult = { 
/**
 * How many sessions were removed, or would be.
 */
removed: number, 
/**
 * The first 1,000 of them.
 */
ids: Array<string>, 
/**
 * Sessions that could not be removed, the first 1,000 of them. Those that somebody has just
 * changed, or runs, are not among them: they stay.
 */
failed: Array<Refusal>, 
/**
 * Whether nothing was removed because only a plan was asked for.
 */
dryRun: boolean, 
/**
 * Where to go on, as `cursor`, where the call ended because of its `limit`.
 */
nextCursor?: string, };

/**
 * How a commit ended.
 */
export type Commit = { "kind": "applied" } | { "kind": "sessionConflict", 
/**
 * The session.
 */
id: string, 
/**
 * The version that is there.
 */
current: number | null, } | { "kind": "recordConflict", 
/**
 * The record's kind.
 */
recordKind: string, 
/**
 * The record's key.
 */
key: string, 
/**
 * The version that is there.
 */
current: number | null, };

/**
 * A session that has reached its end.
 */
export type CompleteParams = { 
/**
 * The session.
 */
id: string, 
/**
 * What came out.
 */
result?: string, 
/**
 * What becomes of one that is finished: `"refuse"`, the default, or `"keep"`, which leaves
 * it as it is.
 */
ifFinished?: "refuse" | "keep", 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * Sessions and records on their way.
 */
export type CopyChunk = { 
/**
 * They, for `copyWrite`.
 */
chunk: string, 
/**
 * What did not fit, as `wanted`; absent when everything did.
 */
rest?: string, 
/**
 * Sessions that cannot be read. They hide no others.
 */
problems: Array<Problem>, 
/**
 * What is left alone.
 */
differences: Array<CopyDifference>, };

/**
 * What another store has.
 */
export type CopyCompareParams = { 
/**
 * The `page` of `copyPage` there.
 */
page: string, 
/**
 * Ask for what is not here, and where this is `true` also for what is newer or different
 * here. Without, nothing is asked for.
 */
overwrite?: boolean, };

/**
 * How what a store has compares with a page.
 */
export type CopyCompared = { 
/**
 * What is to be read, for `copyRead`; absent when there is nothing, or nothing was
 * to be asked for.
 */
wanted?: string, 
/**
 * How many sessions of the page are there already.
 */
same: number, 
/**
 * What else is not as it is there.
 */
differences: Array<CopyDifference>, };

/**
 * A session or record that is not the same in both stores.
 */
export type CopyDifference = { 
/**
 * `"session"`, or the kind of a record.
 */
what: string, 
/**
 * The session's id, or the record's key.
 */
key: string, 
/**
 * How it is in the store that was copied to.
 */
target: Difference, };

/**
 * A part of what a store has.
 */
export type CopyPage = { 
/**
 * What names it, for `copyCompare`.
 */
page: string, 
/**
 * How many sessions it names.
 */
sessions: number, 
/**
 * How many records it names.
 */
records: number, 
/**
 * Sessions that cannot be read. They hide no others.
 */
problems: Array<Problem>, 
/**
 * Where to go on, as `after`; absent at the end.
 */
next?: string, };

/**
 * Which part of a store to name.
 */
export type CopyPageParams = { 
/**
 * Go on where the page ended that returned this as `next`.
 */
after?: string, 
/**
 * Read histories too, so that the whole can be compared.
 */
whole?: boolean, };

/**
 * What another store asks for.
 */
export type CopyReadParams = { 
/**
 * The `wanted` of `copyCompare` there, or the `rest` of the call before.
 */
wanted: string, };

/**
 * What another store sends.
 */
export type CopyWriteParams = { 
/**
 * The `chunk` of `copyRead` there.
 */
chunk: string, };

/**
 * What was written of a chunk.
 */
export type CopyWritten = { 
/**
 * How many sessions.
 */
sessions: number, 
/**
 * How many records.
 */
records: number, 
/**
 * What was changed here by others meanwhile, and was left alone.
 */
differences: Array<CopyDifference>, };

/**
 * A run to check and register.
 */
export type DedupAdmitParams = { 
/**
 * The event that triggered the run, such as `push`.
 */
eventType: string, 
/**
 * The name of the workflow.
 */
workflow: string, 
/**
 * The id of the run.
 */
runId: string, 
/**
 * The attempt of the run; 1 by default.
 */
runAttempt?: number, 
/**
 * The commit of the run; `unknown` by default.
 */
commitSha?: string, 
/**
 * The key of the run; by default derived from workflow, event and commit.
 */
key?: string, 
/**
 * How long runs with the same key are duplicates, also after this one has ended: milliseconds
 * or text such as `"5m"`. 5 minutes by default.
 */
window?: number | string, 
/**
 * How long a pull request blocks pushes of its commit: milliseconds or text such as `"1h"`. 1
 * hour by default.
 */
prWindow?: number | string, 
/**
 * How long the run counts as active without a `dedupCleanup`: milliseconds or text such as
 * `"10m"`. 10 minutes by default.
 */
keep?: number | string, 
/**
 * Whether a push blocks pull requests of its commit, as pull requests block pushes; `false`
 * by default.
 */
symmetric?: boolean, };

/**
 * The result of a run, for the audit log.
 */
export type DedupAuditParams = { 
/**
 * The key of the run.
 */
key: string, 
/**
 * The event that triggered the run, such as `push`.
 */
eventType: string, 
/**
 * The name of the workflow.
 */
workflow: string, 
/**
 * The id of the run.
 */
runId: string, 
/**
 * The attempt of the run; 1 by default.
 */
runAttempt?: number, 
/**
 * The commit of the run; `unknown` by default.
 */
commitSha?: string, 
/**
 * Whether the run was executed; if not, it was a duplicate.
 */
executed: boolean, 
/**
 * The status of its job, such as `success`.
 */
jobStatus: string, };

/**
 * A run to check.
 */
export type DedupCheckParams = { 
/**
 * The event that triggered the run, such as `push`.
 */
eventType: string, 
/**
 * The name of the workflow.
 */
workflow: string, 
/**
 * The commit of the run; `unknown` by default.
 */
commitSha?: string, 
/**
 * The key of the run; by default derived from workflow, event and commit.
 */
key?: string, 
/**
 * Whether a push blocks pull requests of its commit, as pull requests block pushes; `false`
 * by default.
 */
symmetric?: boolean, };

/**
 * The result of ending a run.
 */
export type DedupCleaned = { 
/**
 * The outcome: `released`, `not_owner` if another run has the key, or `not_held` if none has.
 */
outcome: LeaseOutcomeKind, 
/**
 * When the window of the key ends; absent if it has ended.
 */
until?: string, };

/**
 * A run that has ended.
 */
export type DedupCleanupParams = { 
/**
 * The key of the run.
 */
key: string, 
/**
 * The id of the run.
 */
runId: string, 
/**
 * The attempt of the run; 1 by default.
 */
runAttempt?: number, };

/**
 * Which runs to remove.
 */
export type DedupClearParams = { 
/**
 * Only runs whose keys start with this prefix; by default all runs and the locks of commits.
 */
prefix?: string, 
/**
 * Only expired runs; `false` by default.
 */
ended?: boolean, };

/**
 * The result of removing runs.
 */
export type DedupCleared = { 
/**
 * The number of runs and locks of commits that were removed.
 */
removed: number, };

/**
 * Whether a run is skipped, and why.
 */
export type DedupDecision = { 
/**
 * The key of the run.
 */
key: string, 
/**
 * Whether the run is a duplicate and must be skipped.
 */
skip: boolean, 
/**
 * The reason: `new_session`, `already_registered`, or `store_unavailable` if the host could not
 * reach the store, for a run that is executed; `active_session`, `pull_request_lock` or
 * `push_lock` for one that is skipped.
 */
reason: DedupReason, 
/**
 * The reason as a message of one line.
 */
message: string, 
/**
 * The id of the run that blocks it.
 */
holder?: string, 
/**
 * When that run was registered.
 */
since?: string, 
/**
 * When that run stops blocking at the latest.
 */
until?: string, };

/**
 * Which runs to list.
 */
export type DedupListParams = { 
/**
 * Only runs whose keys start with this prefix.
 */
prefix?: string, 
/**
 * Whether expired runs are included; `false` by default.
 */
ended?: boolean, 
/**
 * The greatest number of runs in the page: 1 to 1,000, 50 by default.
 */
limit?: number, 
/**
 * The `nextCursor` of the previous page.
 */
cursor?: string, };

/**
 * Why a run is executed or skipped.
 */
export type DedupReason = "new_session" | "already_registered" | "active_session" | "pull_request_lock" | "push_lock" | "store_unavailable";

/**
 * A run to register.
 */
export type DedupRegisterParams = { 
/**
 * The key of the run: text of one line, 1 to 512 bytes.
 */
key: string, 
/**
 * The event that triggered the run, such as `push`.
 */
eventType: string, 
/**
 * The name of the workflow.
 */
workflow: string, 
/**
 * The id of the run.
 */
runId: string, 
/**
 * The attempt of the run; 1 by default.
 */
runAttempt?: number, 
/**
 * The commit of the run; `unknown` by default.
 */
commitSha?: string, 
/**
 * How long runs with the same key are duplicates: milliseconds or text such as `"5m"`. 5
 * minutes by default.
 */
window?: number | string, 
/**
 * How long a pull request blocks pushes of its commit: milliseconds or text such as `"1h"`. 1
 * hour by default.
 */
prWindow?: number | string, 
/**
 * Whether a push blocks pull requests of its commit, as pull requests block pushes; `false`
 * by default.
 */
symmetric?: boolean, };

/**
 * How a session or record that differs is in the store that was copied to.
 */
export type Difference = "missing" | "older" | "newer" | "different" | "unreadable";

/**
 * Which end of a list comes first.
 */
export type Direction = "desc" | "asc";

/**
 * A part of a history.
 */
export type EventPage = { 
/**
 * The events in their order.
 */
items: Array<SessionEvent>, 
/**
 * Where to go on, as `after`; absent at the end.
 */
nextAfter?: number, };

/**
 * A part of a history.
 */
export type EventsParams = { 
/**
 * The session.
 */
id: string, 
/**
 * Begin after this sequence number; 0, the default, begins with the first event.
 */
after?: number, 
/**
 * How many events at most: 1 to 1,000, 100 by default.
 */
limit?: number, };

/**
 * What must be there for a change to apply.
 */
export type Expect = { "kind": "absent" } | { "kind": "present" } | { "kind": "version", 
/**
 * The version.
 */
version: number, } | { "kind": "any" };

/**
 * A session that has failed.
 */
export type FailParams = { 
/**
 * The session.
 */
id: string, 
/**
 * What went wrong.
 */
error?: string, 
/**
 * What becomes of one that is finished: `"refuse"`, the default, or `"keep"`, which leaves
 * it as it is.
 */
ifFinished?: "refuse" | "keep", 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * What has become of a file.
 */
export type FileImport = { 
/**
 * What the file holds; absent for one that is not known.
 */
holds?: Holds, 
/**
 * How many of these were written.
 */
written: number, 
/**
 * How many were there already.
 */
unchanged: number, 
/**
 * How many are newer where they were to be written, and were left alone.
 */
newer: number, 
/**
 * What could not be read or written.
 */
problems: Array<FileProblem>, };

/**
 * Something in a file that could not be read or written.
 */
export type FileProblem = { 
/**
 * The code of the error.
 */
code: string, 
/**
 * What is wrong.
 */
message: string, };

/**
 * What a session must be like. Every property that is given must hold.
 */
export type Filter = { 
/**
 * Runs for this user.
 */
userId: string | null, 
/**
 * Was started in this channel.
 */
channelId: string | null, 
/**
 * Is of this mode.
 */
mode: string | null, 
/**
 * Has one of these statuses; an empty list matches nothing.
 */
status: Array<Status> | null, 
/**
 * Is an agent's, in one of these phases; an empty list matches nothing.
 */
phase: Array<Phase> | null, 
/**
 * Takes a slot of one of these tasks; an empty list matches nothing.
 */
taskIds: Array<string> | null, 
/**
 * Takes the slot of one of these phases; an empty list matches nothing.
 */
slotPhase: Array<SlotPhase> | null, 
/**
 * Takes a slot, and the model of this name works in it.
 */
model: string | null, 
/**
 * Was forked from this session.
 */
parentId: string | null, 
/**
 * Was created at this time or later.
 */
createdAfter: number | null, 
/**
 * Was created at this time or earlier.
 */
createdBefore: number | null, 
/**
 * Was last changed at this time or later.
 */
updatedAfter: number | null, 
/**
 * Was last changed at this time or earlier.
 */
updatedBefore: number | null, 
/**
 * Has this text in its task; A-Z and a-z are the same, other letters are not.
 */
text: string | null, 
/**
 * Whether sessions in the trash count.
 */
trash: Trash, };

/**
 * A new session with another's past.
 */
export type ForkParams = { 
/**
 * The session to fork.
 */
id: string, 
/**
 * The new session's id; by default one is made.
 */
newId?: string, 
/**
 * Copy the history up to this sequence number; by default all of it.
 */
atSequence?: number, 
/**
 * Another task.
 */
task?: string, 
/**
 * Another budget.
 */
maxIterations?: number, 
/**
 * Properties to merge into the copied context.
 */
context?: JsonObject, };

/**
 * A session and how much of its history.
 */
export type GetParams = { 
/**
 * The session.
 */
id: string, 
/**
 * `"all"`, `"none"`, or how many of the last events; 100 by default.
 */
history?: "all" | "none" | number, 
/**
 * Whether a session in the trash is there; `"include"` by default.
 */
trash?: Trash, };

/**
 * How much of a history to load.
 */
export type History = { "kind": "none" } | { "kind": "last", 
/**
 * How many.
 */
count: number, } | { "kind": "after", 
/**
 * The sequence number before the first event to load; 0 begins at the first.
 */
sequence: number, 
/**
 * How many at most.
 */
limit: number, } | { "kind": "all" };

/**
 * What a file holds.
 */
export type Holds = "sessions" | "leases" | "audit";

/**
 * A task that is about to be handed to an agent.
 */
export type HookPreDelegateParams = { 
/**
 * What the hook was given, as it came.
 */
input: string, 
/**
 * Not to be resumed when idle this long and longer; 30 minutes by default.
 */
idle?: number | string, 
/**
 * Not to be resumed after this many errors and more; 3 by default.
 */
maxErrors?: number, };

/**
 * What a hook answers.
 */
export type HookReply = { 
/**
 * What to exit with: 1 if the input was no JSON object, otherwise 0.
 */
exitCode: number, 
/**
 * What to print.
 */
output: JsonObject, };

/**
 * An agent that has stopped.
 */
export type HookSubagentStopParams = { 
/**
 * What the hook was given, as it came.
 */
input: string, };

/**
 * One session, and nothing else.
 */
export type IdParams = { 
/**
 * The session.
 */
id: string, 
/**
 * Whether a session in the trash is there; `"include"` by default.
 */
trash?: Trash, };

/**
 * A file.
 */
export type ImportFileParams = { 
/**
 * Where it is, with `/` or `\` between folders.
 */
path: string, 
/**
 * What it says.
 */
text: string, 
/**
 * When it was last written.
 */
modifiedAt?: string, 
/**
 * Only say what would be written.
 */
dryRun?: boolean, };

/**
 * A session as text.
 */
export type ImportParams = { 
/**
 * What `export` returned, or a `session.json` of the same shape.
 */
text: string, };

/**
 * A file or a folder.
 */
export type ImportWantedParams = { 
/**
 * Where it is, with `/` or `\` between folders; the path of a folder ends with one.
 */
path: string, };

/**
 * One more iteration.
 */
export type IncrementIterationParams = { 
/**
 * The session.
 */
id: string, 
/**
 * About it; by default its number.
 */
data?: JsonObject, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * An error that an agent met.
 */
export type LastError = { 
/**
 * What it said.
 */
message: string, 
/**
 * When it was met.
 */
timestamp: string, };

/**
 * A slot.
 */
export type LatestSessionParams = { 
/**
 * The id of the task.
 */
taskId: string, 
/**
 * The phase.
 */
phase: SlotPhase, };

/**
 * A lease to acquire.
 */
export type LeaseAcquireParams = { 
/**
 * The key of the lease: any text of 1 to 512 bytes.
 */
key: string, 
/**
 * The name of the holder; by default the calling process. A process holds the lease for as
 * long as it runs, any other holder until the lease expires.
 */
holder?: string, 
/**
 * The duration: milliseconds or text such as `"30s"`. By default 30 seconds, or the current
 * duration if the holder renews its own lease.
 */
leaseDurationMs?: number | string, 
/**
 * The holder's data, a JSON object; `{}` by default.
 */
data?: JsonObject, 
/**
 * Refuse the current holder too, instead of renewing its lease; `false` by default.
 */
once?: boolean, };

/**
 * Which leases to release, regardless of their holders.
 */
export type LeaseClearParams = { 
/**
 * Only leases whose keys start with this prefix; by default all.
 */
prefix?: string, };

/**
 * The result of releasing leases regardless of their holders.
 */
export type LeaseCleared = { 
/**
 * The number of leases that were released.
 */
released: number, };

/**
 * A lease to get.
 */
export type LeaseGetParams = { 
/**
 * The key of the lease.
 */
key: string, };

/**
 * Which leases to list.
 */
export type LeaseListParams = { 
/**
 * Only leases whose keys start with this prefix.
 */
prefix?: string, 
/**
 * Only leases in this state; by default all that were not released.
 */
state?: LeaseState, 
/**
 * The greatest number of leases in the page: 1 to 1,000, 50 by default.
 */
limit?: number, 
/**
 * The `nextCursor` of the previous page.
 */
cursor?: string, };

/**
 * The outcome of a request for a lease.
 */
export type LeaseOutcome = { 
/**
 * The outcome: `acquired`, `renewed`, or `held` by another holder; `lost` if the caller no longer
 * holds the lease; `released`, `not_owner` or `not_held`; `transferred`.
 */
outcome: LeaseOutcomeKind, 
/**
 * The current lease; `null` if there never was one.
 */
lease: LeaseView | null, };

/**
 * The outcome of a request for a lease.
 */
export type LeaseOutcomeKind = "acquired" | "renewed" | "held" | "lost" | "released" | "not_owner" | "not_held" | "transferred";

/**
 * A page of leases, in the order of their keys.
 */
export type LeasePage = { 
/**
 * The leases.
 */
items: Array<LeaseView>, 
/**
 * The `cursor` of the next page; absent on the last page. A page may have fewer items than
 * `limit`.
 */
nextCursor?: string, };

/**
 * A lease to release.
 */
export type LeaseReleaseParams = { 
/**
 * The key of the lease.
 */
key: string, 
/**
 * The name of the holder; by default the calling process.
 */
holder?: string, 
/**
 * The fencing token that `leaseAcquire` returned; by default the token is not compared.
 */
token?: number, };

/**
 * A lease to renew.
 */
export type LeaseRenewParams = { 
/**
 * The key of the lease.
 */
key: string, 
/**
 * The name of the holder; by default the calling process.
 */
holder?: string, 
/**
 * The fencing token that `leaseAcquire` returned.
 */
token: number, 
/**
 * The duration, counted from now: milliseconds or text such as `"30s"`. By default the
 * current duration.
 */
leaseDurationMs?: number | string, 
/**
 * The holder's new data, a JSON object; by default the current data.
 */
data?: JsonObject, };

/**
 * The state of a lease.
 */
export type LeaseState = "held" | "stale" | "released";

/**
 * A lease to transfer.
 */
export type LeaseTransferParams = { 
/**
 * The key of the lease.
 */
key: string, 
/**
 * The name of the current holder; by default the calling process.
 */
holder?: string, 
/**
 * The fencing token that `leaseAcquire` returned.
 */
token: number, 
/**
 * The new holder: the session id of a registered process, or any other name.
 */
to: string, 
/**
 * The duration, counted from now: milliseconds or text such as `"30s"`. By default the
 * current duration.
 */
leaseDurationMs?: number | string, };

/**
 * A lease and its state at the time of the call.
 */
export type LeaseView = { 
/**
 * The key of the lease.
 */
key: string, 
/**
 * The name of the holder, or of the last one.
 */
holder: string, 
/**
 * The holder's process; absent if the holder is no process.
 */
process?: Process, 
/**
 * Its state.
 */
state: LeaseState, 
/**
 * Whether the calling process holds it.
 */
mine: boolean, 
/**
 * The fencing token. It is greater with each holder; a guarded resource refuses a write that
 * carries a smaller one than it has seen.
 */
token: number, 
/**
 * When the holder acquired it.
 */
acquiredAt: string, 
/**
 * When the holder last renewed it.
 */
renewedAt: string, 
/**
 * When it expires, unless it is renewed or its holder is a running process; `null` for never.
 */
expiresAt: string | null, 
/**
 * The holder's data, a JSON object.
 */
data: JsonObject, };

/**
 * The largest inputs that are accepted.
 */
export type Limits = { 
/**
 * Bytes of one event's `data`.
 */
maxDataBytes: number, 
/**
 * Bytes of a session's `context`, and of its `metadata`.
 */
maxContextBytes: number, 
/**
 * Bytes of a task.
 */
maxTaskBytes: number, 
/**
 * Bytes of a result, an error, a reason.
 */
maxTextBytes: number, 
/**
 * Bytes of a name: user, channel, mode, workspace, event type, tool.
 */
maxLabelBytes: number, 
/**
 * Levels of nesting in JSON.
 */
maxDepth: number, 
/**
 * Events in one `addEvents`.
 */
maxBatch: number, };

/**
 * Which sessions to list, and how.
 */
export type ListParams = { 
/**
 * Runs for this user.
 */
userId?: string, 
/**
 * Was started in this channel.
 */
channelId?: string, 
/**
 * Is of this mode.
 */
mode?: string, 
/**
 * Has this status, or one of these.
 */
status?: Status | readonly Status[], 
/**
 * Is an agent's, in this phase or one of these.
 */
phase?: Phase | readonly Phase[], 
/**
 * Takes a slot of this task, or of one of these, 1,000 at most.
 */
taskIds?: string | readonly string[], 
/**
 * Takes the slot of this phase, or of one of these.
 */
slotPhase?: SlotPhase | readonly SlotPhase[], 
/**
 * Takes a slot, and the model of this name works in it.
 */
model?: string, 
/**
 * Was forked from this session.
 */
parentId?: string, 
/**
 * Was created at this time or later.
 */
createdAfter?: string, 
/**
 * Was created at this time or earlier.
 */
createdBefore?: string, 
/**
 * Was last changed at this time or later.
 */
updatedAfter?: string, 
/**
 * Was last changed at this time or earlier.
 */
updatedBefore?: string, 
/**
 * Has this text in its task; A-Z and a-z are the same.
 */
text?: string, 
/**
 * Whether sessions in the trash count; `"exclude"` by default.
 */
trash?: Trash, 
/**
 * The time that orders the list; `"createdAt"` by default.
 */
orderBy?: OrderBy, 
/**
 * Newest (`"desc"`, the default) or oldest first.
 */
direction?: Direction, 
/**
 * How many at most: 1 to 1,000, 50 by default.
 */
limit?: number, 
/**
 * Skip this many.
 */
offset?: number, 
/**
 * Go on where the page ended that returned this cursor.
 */
cursor?: string, };

/**
 * Which sessions to list.
 */
export type ListQuery = { 
/**
 * What they must be like.
 */
filter: Filter, 
/**
 * Their order.
 */
order: Order, 
/**
 * Begin after this position.
 */
after: Position | null, 
/**
 * Then skip this many.
 */
offset: number, 
/**
 * How many at most; at least 1.
 */
limit: number, 
/**
 * A store may end the page once its user data exceeds this many bytes.
 */
maxBytes: number, };

/**
 * A session as of one moment.
 */
export type Loaded = { 
/**
 * The head.
 */
head: StoredHead, 
/**
 * The events that were asked for, in their order.
 */
events: Array<StoredEvent>, };

/**
 * Many sessions.
 */
export type ManyParams = { 
/**
 * The sessions, 1,000 at most.
 */
ids: Array<string>, };

/**
 * The time from which a session's age counts.
 */
export type Measure = "created" | "updated";

/**
 * A number and what it should be.
 */
export type Metric = { 
/**
 * The number; `null` where there is nothing to make it from.
 */
value: number | null, 
/**
 * The bound that it should keep to.
 */
target: number, 
/**
 * On which side of it the number should be.
 */
wanted: Wanted, 
/**
 * Whether it is as it should be.
 */
met: boolean | null, };

/**
 * How a model differs from another.
 */
export type ModelChange = "minor" | "major";

/**
 * A model that is more than a name.
 */
export type ModelSpec = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its version: what comes before the first dot is the major one.
 */
version?: string, 
/**
 * What it is run with.
 */
params?: JsonObject, 
/**
 * The names of the parameters that make another model of it when they change; all of them,
 * without.
 */
significant?: Array<string>, };

/**
 * An event to record.
 */
export type NewEvent = { 
/**
 * The event's type. Lifecycle types have their lifecycle's effect.
 */
type: EventType, 
/**
 * What happened; `{}` by default.
 */
data?: JsonObject, };

/**
 * Whether a start supersedes an occupant with another model.
 */
export type OnModelChange = "confirm" | "replace" | "reject";

/**
 * The order of a list. Sessions of the same millisecond are ordered by their ids, byte by byte, in
 * the same direction, so that the order is total.
 */
export type Order = { 
/**
 * The time that orders.
 */
by: OrderBy, 
/**
 * Which end comes first.
 */
direction: Direction, };

/**
 * The time that orders a list.
 */
export type OrderBy = "createdAt" | "updatedAt";

/**
 * The result of claiming an orphan.
 */
export type OrphanClaim = { 
/**
 * The outcome.
 */
outcome: ClaimOutcome, 
/**
 * The fencing token for `orphanDone`; `null` unless the outcome is `acquired`.
 */
token: number | null, 
/**
 * The machine; `null` if there never was one.
 */
vm: VmView | null, };

/**
 * An orphan to claim.
 */
export type OrphanClaimParams = { 
/**
 * The id of the machine.
 */
vmId: string, 
/**
 * The name of the claimer; by default the calling process.
 */
holder?: string, 
/**
 * The duration of the claim, unless the claimer is a running process: milliseconds or text
 * such as `"5m"`. 5 minutes by default.
 */
leaseDurationMs?: number | string, };

/**
 * The result of ending a claim.
 */
export type OrphanDone = { 
/**
 * The outcome.
 */
outcome: OrphanOutcome, };

/**
 * The end of a claim.
 */
export type OrphanDoneParams = { 
/**
 * The id of the machine.
 */
vmId: string, 
/**
 * The fencing token that `orphanClaim` returned.
 */
token: number, 
/**
 * Whether the machine was removed. If not, it is an orphan again.
 */
success: boolean, };

/**
 * The outcome of ending a claim.
 */
export type OrphanOutcome = "released" | "orphaned" | "lost";

/**
 * Which orphans to list.
 */
export type OrphansParams = { 
/**
 * The greatest number of orphans: 1 to 1,000, 1,000 by default.
 */
limit?: number, 
/**
 * Only machines whose ids sort after this one.
 */
after?: string, };

/**
 * New values for anything that a session has. `null` clears a property that may be absent.
 */
export type OverrideParams = { 
/**
 * The session.
 */
id: string, 
/**
 * The properties to set; those of `context` and `metadata` are merged.
 */
updates: Overrides, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * A part of a list.
 */
export type Page = { 
/**
 * The sessions in their order.
 */
heads: Array<StoredHead>, 
/**
 * Whether more follow.
 */
more: boolean, 
/**
 * Sessions that could not be read. They hide no others.
 */
problems: Array<Problem>, };

/**
 * A session to pause.
 */
export type PauseParams = { 
/**
 * The session.
 */
id: string, 
/**
 * Why; kept in the context as `pauseReason`.
 */
reason?: string, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * What an agent is doing.
 */
export type Phase = "initializing" | "investigating" | "planning" | "approval" | "executing" | "validating" | "completed" | "failed" | "abandoned";

/**
 * A step from one phase to another.
 */
export type PhaseChange = { 
/**
 * The phase before.
 */
fromPhase: Phase, 
/**
 * The phase after.
 */
toPhase: Phase, 
/**
 * When.
 */
timestamp: string, };

/**
 * How many agents are in each phase.
 */
export type PhaseCounts = { 
/**
 * Just created.
 */
initializing: number, 
/**
 * Finding out.
 */
investigating: number, 
/**
 * Making a plan.
 */
planning: number, 
/**
 * Waiting for approval.
 */
approval: number, 
/**
 * Carrying the plan out.
 */
executing: number, 
/**
 * Checking what came of it.
 */
validating: number, 
/**
 * Ended well.
 */
completed: number, 
/**
 * Ended badly.
 */
failed: number, 
/**
 * Given up.
 */
abandoned: number, };

/**
 * A place in an ordered list: just after the session that stood here.
 */
export type Position = { 
/**
 * The ordering time of that session.
 */
at: number, 
/**
 * The id of that session.
 */
id: string, };

/**
 * A session that could not be read.
 */
export type Problem = { 
/**
 * Its id, as far as it is known.
 */
id: string, 
/**
 * What is wrong, and where it is kept.
 */
problem: string, };

/**
 * A process as it is told from all others: those of other machines, and those that had its number
 * before or have it after.
 */
export type Process = { 
/**
 * The name that it gave itself when it began: a UUID.
 */
session: string, 
/**
 * Its number.
 */
pid?: number, 
/**
 * When it began, in the unit of its host. A number is given again, and then this is another.
 */
startTime?: number, 
/**
 * Which start of the machine it belongs to.
 */
bootId?: string, 
/**
 * Among which processes of the machine its number counts.
 */
pidNamespace?: string, 
/**
 * The machine's name, for people.
 */
hostname?: string, };

/**
 * A process to register.
 */
export type ProcessRegisterParams = { 
/**
 * The name of the holder; by default the calling process.
 */
holder?: string, };

/**
 * Which sessions in the trash to remove for good.
 */
export type PurgeParams = { 
/**
 * Those that have been in the trash this long and longer.
 */
olderThan: number | string, 
/**
 * Of these only, 1,000 at most; one that is not among those that may go stays. `limit` and
 * `cursor` say nothing then.
 */
ids?: Array<string>, 
/**
 * How many at most, oldest first: 1 to 1,000; by default all.
 */
limit?: number, 
/**
 * Go on where the call ended that returned this cursor.
 */
cursor?: string, 
/**
 * Only say what would go.
 */
dryRun?: boolean, };

/**
 * A change to one record.
 */
export type RecordChange = { 
/**
 * The record's kind.
 */
kind: string, 
/**
 * The record's key.
 */
key: string, 
/**
 * What must be there for the change to apply.
 */
expect: Expect, 
/**
 * The record to write, of the same kind and key; `None` removes it.
 */
record: StoredRecord | null, };

/**
 * Something the agent learned.
 */
export type RecordLearningParams = { 
/**
 * The session.
 */
id: string, 
/**
 * What it learned.
 */
insight: string, 
/**
 * The file that keeps it.
 */
expertiseFile?: string, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * A call of a tool.
 */
export type RecordToolCallParams = { 
/**
 * The session.
 */
id: string, 
/**
 * The tool's name.
 */
tool: string, 
/**
 * What it was called with.
 */
args?: unknown, 
/**
 * What it returned.
 */
result?: unknown, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * What a step of the agent has used. It is added to the session's `metadata`.
 */
export type RecordUsageParams = { 
/**
 * The session.
 */
id: string, 
/**
 * Tokens.
 */
tokens?: TokensParam, 
/**
 * Cost in a unit of the user's own.
 */
cost?: number, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * What was removed beside sessions.
 */
export type RecordsCleaned = { 
/**
 * How many runs and locks of commits that had run out.
 */
runs: number, 
/**
 * How many entries of the audit log.
 */
entries: number, 
/**
 * Whether nothing was removed because only a plan was asked for.
 */
dryRun: boolean, };

/**
 * A session to which something could not be done, and why.
 */
export type Refusal = { 
/**
 * The session, as it was named.
 */
id: string, 
/**
 * The code of the error that the call for it alone would have ended with.
 */
code: CoreErrorCode, 
/**
 * What was wrong, and what to do.
 */
message: string, };

/**
 * Why an occupant is superseded.
 */
export type ReplaceReason = "model_change" | "rerun" | "failed" | "timeout" | "abandoned";

/**
 * An agent that needs somebody's approval.
 */
export type RequestApprovalParams = { 
/**
 * The session.
 */
id: string, 
/**
 * What for; kept in the context as `pauseReason`.
 */
reason?: string, 
/**
 * Properties to merge into the metadata.
 */
metadata?: SessionMetadata, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * Whether an agent should be resumed.
 */
export type ResumeDecision = { 
/**
 * Whether it should.
 */
resume: boolean, 
/**
 * Why, or why not.
 */
reason: ResumeReason, 
/**
 * What the decision was made from.
 */
details: ResumeDetails, };

/**
 * What a decision was made from. Properties of the session are absent where there is none.
 */
export type ResumeDetails = { 
/**
 * The reason, for people.
 */
message: string, 
/**
 * The session's status.
 */
status?: Status, 
/**
 * The agent's phase, if it has one.
 */
phase?: Phase, 
/**
 * Whether it says that it is ready.
 */
resumeReady?: boolean, 
/**
 * How many errors it has met.
 */
errorCount?: number, 
/**
 * How many are too many.
 */
maxErrors: number, 
/**
 * For how long it has been idle, in milliseconds.
 */
idleMs?: number, 
/**
 * How long is too long, in milliseconds.
 */
idleLimitMs: number, };

/**
 * A session to resume.
 */
export type ResumeParams = { 
/**
 * The session.
 */
id: string, 
/**
 * Iterations to add to the budget.
 */
addIterations?: number, 
/**
 * What becomes of one that is active: `"recover"`, the default, takes it up and says so in
 * an event; `"keep"` leaves it as it is.
 */
ifActive?: "recover" | "keep", 
/**
 * What becomes of one without iterations: `"refuse"`, the default, or `"timeout"`, which
 * it is as soon as it is resumed.
 */
ifExhausted?: "refuse" | "timeout", 
/**
 * Who takes it up, where it is held under a name: an active session that somebody else
 * holds is refused with `SESSION_HELD`.
 */
holder?: string, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * Why an agent should be resumed, or not.
 */
export type ResumeReason = "resumable" | "not_found" | "unreadable" | "finished" | "phase_not_resumable" | "not_ready" | "too_many_errors" | "idle_too_long";

/**
 * A session to keep as it is given.
 */
export type SaveParams = { 
/**
 * The whole session, in the shape that `export` returns.
 */
text: string, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version; 0 is that of one
 * that is not there.
 */
ifVersion?: number, };

/**
 * Which records to read.
 */
export type Scan = { 
/**
 * Their kind.
 */
kind: string, 
/**
 * Begin after this key.
 */
after: string | null, 
/**
 * How many at most; at least 1.
 */
limit: number, };

/**
 * A session with its history, or the part of it that was asked for.
 */
export type Session = { 
/**
 * Events in their order. `eventCount` says how many there are in all.
 */
history: Array<SessionEvent>, 
/**
 * The session's id.
 */
id: string, 
/**
 * The user it runs for.
 */
userId?: string, 
/**
 * The channel it was started in.
 */
channelId?: string, 
/**
 * The kind of agent, such as `developer`.
 */
mode: string, 
/**
 * What the agent is to do.
 */
task: string, 
/**
 * Where it works.
 */
workspace?: string, 
/**
 * Where it is in its life.
 */
status: Status, 
/**
 * When it was started.
 */
createdAt: string, 
/**
 * When it was last changed; never goes back.
 */
updatedAt: string, 
/**
 * Iterations used.
 */
iterations: number, 
/**
 * Iterations allowed; reaching them makes the session `timeout`.
 */
maxIterations: number, 
/**
 * The user's own state, which survives restarts.
 */
context: JsonObject, 
/**
 * What it ended with.
 */
result?: string, 
/**
 * What it failed with.
 */
error?: string, 
/**
 * About the run: model, tools used, tokens, cost.
 */
metadata?: SessionMetadata, 
/**
 * Counts the changes to the session, from 1; for `ifVersion`.
 */
version: number, 
/**
 * How many events its whole history has.
 */
eventCount: number, 
/**
 * When it ended for good.
 */
finalizedAt?: string, 
/**
 * The session it was forked from.
 */
parentId?: string, 
/**
 * When it was put into the trash, while it is there.
 */
deletedAt?: string, 
/**
 * The agent's name, if it is an agent's session: its mode.
 */
agentName?: string, 
/**
 * What the agent is for, if it is an agent's session: its task.
 */
purpose?: string, 
/**
 * What the agent is doing.
 */
phase?: Phase, 
/**
 * Whether the agent may be resumed.
 */
resumeReady?: boolean, 
/**
 * How many errors the agent has met.
 */
errorCount?: number, 
/**
 * The last error that the agent met.
 */
lastError?: LastError, 
/**
 * What came of the agent's work.
 */
summary?: string, 
/**
 * The slot that it takes, and the model that works in it.
 */
slot?: Slot, };

/**
 * A change to one session.
 */
export type SessionChange = { 
/**
 * The session.
 */
id: string, 
/**
 * What must be there for the change to apply.
 */
expect: Expect, 
/**
 * What to do.
 */
write: SessionWrite, };

/**
 * What an agent needs to go on with a session.
 */
export type SessionContext = { 
/**
 * The session.
 */
sessionId: string, 
/**
 * What the agent is to do.
 */
task: string, 
/**
 * The kind of agent.
 */
mode: string, 
/**
 * Where it works.
 */
workspace: string | null, 
/**
 * Where the session is in its life.
 */
status: Status, 
/**
 * Iterations used.
 */
iterations: number, 
/**
 * Iterations allowed.
 */
maxIterations: number, 
/**
 * The user's own state.
 */
context: JsonObject, 
/**
 * The last ten events.
 */
recentHistory: Array<SessionEvent>, };

/**
 * One entry of a session's history.
 */
export type SessionEvent = { 
/**
 * The place in the history, from 1. It orders events; timestamps do not.
 */
sequence: number, 
/**
 * When it was recorded.
 */
timestamp: string, 
/**
 * `start`, `iteration`, `tool_call`, `learning`, `pause`, `resume`, `complete`, `error`,
 * `timeout`, or a name of the user's own.
 */
type: EventType, 
/**
 * What happened.
 */
data: JsonObject, };

/**
 * A session without its history.
 */
export type SessionHead = { 
/**
 * The session's id.
 */
id: string, 
/**
 * The user it runs for.
 */
userId?: string, 
/**
 * The channel it was started in.
 */
channelId?: string, 
/**
 * The kind of agent, such as `developer`.
 */
mode: string, 
/**
 * What the agent is to do.
 */
task: string, 
/**
 * Where it works.
 */
workspace?: string, 
/**
 * Where it is in its life.
 */
status: Status, 
/**
 * When it was started.
 */
createdAt: string, 
/**
 * When it was last changed; never goes back.
 */
updatedAt: string, 
/**
 * Iterations used.
 */
iterations: number, 
/**
 * Iterations allowed; reaching them makes the session `timeout`.
 */
maxIterations: number, 
/**
 * The user's own state, which survives restarts.
 */
context: JsonObject, 
/**
 * What it ended with.
 */
result?: string, 
/**
 * What it failed with.
 */
error?: string, 
/**
 * About the run: model, tools used, tokens, cost.
 */
metadata?: SessionMetadata, 
/**
 * Counts the changes to the session, from 1; for `ifVersion`.
 */
version: number, 
/**
 * How many events its whole history has.
 */
eventCount: number, 
/**
 * When it ended for good.
 */
finalizedAt?: string, 
/**
 * The session it was forked from.
 */
parentId?: string, 
/**
 * When it was put into the trash, while it is there.
 */
deletedAt?: string, 
/**
 * The agent's name, if it is an agent's session: its mode.
 */
agentName?: string, 
/**
 * What the agent is for, if it is an agent's session: its task.
 */
purpose?: string, 
/**
 * What the agent is doing.
 */
phase?: Phase, 
/**
 * Whether the agent may be resumed.
 */
resumeReady?: boolean, 
/**
 * How many errors the agent has met.
 */
errorCount?: number, 
/**
 * The last error that the agent met.
 */
lastError?: LastError, 
/**
 * What came of the agent's work.
 */
summary?: string, 
/**
 * The slot that it takes, and the model that works in it.
 */
slot?: Slot, };

/**
 * A part of a list.
 */
export type SessionPage = { 
/**
 * The sessions in their order, without their histories.
 */
items: Array<SessionHead>, 
/**
 * Where to go on, as `cursor`; absent at the end.
 */
nextCursor?: string, 
/**
 * Sessions that could not be read; they hide no others.
 */
problems: Array<Problem>, };

/**
 * What to do to a session.
 */
export type SessionWrite = { "kind": "put", 
/**
 * The new head, with its new version.
 */
head: StoredHead, 
/**
 * Whether the events that are stored are removed first.
 */
replaceHistory: boolean, 
/**
 * New events, numbered on from the last that is kept.
 */
events: Array<StoredEvent>, } | { "kind": "delete" };

/**
 * An agent that might be resumed, and the policy.
 */
export type ShouldResumeParams = { 
/**
 * The agent's session.
 */
id: string, 
/**
 * Not when it has been idle this long and longer; 30 minutes by default.
 */
idle?: number | string, 
/**
 * Not when it has met this many errors and more; 3 by default.
 */
maxErrors?: number, };

/**
 * A slot, and the model that works in it.
 */
export type Slot = { 
/**
 * The task.
 */
taskId: string, 
/**
 * The phase of its work.
 */
phase: SlotPhase, 
/**
 * The model.
 */
model: string | ModelSpec, };

/**
 * The result of one start among several.
 */
export type SlotAnswer = SlotStart | SlotFailure;

/**
 * A superseded session that was active or paused.
 */
export type SlotCancelled = { 
/**
 * The id of the session. Its runner can no longer write to it.
 */
id: string, 
/**
 * The id of the session that superseded it.
 */
replacedBy: string, 
/**
 * The id of the slot's task.
 */
taskId: string, 
/**
 * The phase of the slot.
 */
phase: SlotPhase, 
/**
 * The reason for the replacement.
 */
reason: ReplaceReason, };

/**
 * The outcome of starting a session in a slot, in more detail.
 */
export type SlotCode = "SLOT_CREATED" | "SAME_MODEL_ACTIVE" | "SAME_MODEL_FINISHED" | "MODEL_CHANGED" | "SLOT_REPLACED" | "SESSION_CHANGED" | "SLOT_LOCKED" | "MODEL_REJECTED";

/**
 * The session that the user has agreed to replace.
 */
export type SlotConfirmation = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The version of the session that the user has seen.
 */
version: number, };

/**
 * The error that prevented a start.
 */
export type SlotFailure = { 
/**
 * Always `"failed"`.
 */
outcome: "failed", 
/**
 * The error's code.
 */
code: CoreErrorCode, 
/**
 * The message for users.
 */
message: string, 
/**
 * The error's own message: the problem, and what to do.
 */
problem: string, };

/**
 * The locking of a slot while a session is started in it. Either way the commit expects the version
 * of the slot that was read.
 */
export type SlotLocking = "optimistic" | "pessimistic";

/**
 * The outcome of starting a session in a slot.
 */
export type SlotOutcome = "created" | "existing" | "needs_confirmation" | "replaced" | "busy" | "rejected";

/**
 * A phase of the work on a task that has a slot.
 */
export type SlotPhase = "plan" | "run" | "verify" | "debug";

/**
 * The title of a session.
 */
export type SlotPhaseParams = { 
/**
 * The title, such as `Plan: the new parser`.
 */
title: string, };

/**
 * The session in a slot.
 */
export type SlotSession = { 
/**
 * The session.
 */
session: SessionHead, 
/**
 * Whether its model is not among the known models.
 */
modelMissing: boolean, 
/**
 * The message for users; absent unless the model is missing.
 */
message?: string, };

/**
 * The result of starting a session in a slot.
 */
export type SlotStart = { 
/**
 * The outcome.
 */
outcome: SlotOutcome, 
/**
 * The outcome in more detail.
 */
code: SlotCode, 
/**
 * The message for users.
 */
message: string, 
/**
 * The warning for users that a replacement loses unsaved progress; present if a confirmation is
 * needed. `message` contains it too; use this one in a prompt of your own.
 */
warning?: string, 
/**
 * The session that is in the slot now; absent if that is not known.
 */
session?: SessionHead, 
/**
 * The replaced session, which is in the trash now.
 */
replaced?: SessionHead, 
/**
 * The reason for the replacement.
 */
reason?: ReplaceReason, 
/**
 * The notification for the runner of the replaced session, if that was active or paused.
 */
cancelled?: SlotCancelled, 
/**
 * The text of the replaced session before the replacement, if `exportOld` is set.
 */
exported?: string, 
/**
 * Whether the session in the slot is completed.
 */
finished: boolean, 
/**
 * Whether the model of the session in the slot is not among the known models.
 */
modelMissing: boolean, 
/**
 * How the requested model differs from the model of the previous occupant.
 */
change?: ModelChange, 
/**
 * The number of retries because another call had changed the slot.
 */
conflicts: number, };

/**
 * The slots of tasks.
 */
export type SlotsParams = { 
/**
 * The id of a task, or a list of 1,000 at most.
 */
taskIds: string | readonly string[], };

/**
 * The result of a cleanup of the registry.
 */
export type StaleCleanup = { 
/**
 * The number of registrations that this call removed, or would remove.
 */
removed: number, 
/**
 * The ids of the first 1,000 removed sessions.
 */
sessions: Array<string>, 
/**
 * The number of orphaned virtual machines.
 */
orphans: number, };

/**
 * The cleanup of the registry.
 */
export type StaleCleanupParams = { 
/**
 * Report what would be removed, and remove nothing; `false` by default.
 */
dryRun?: boolean, };

/**
 * A session to start in a slot.
 */
export type StartInSlotParams = { 
/**
 * The id of the slot's task.
 */
taskId: string, 
/**
 * The phase of the slot.
 */
phase: SlotPhase, 
/**
 * The model of the session.
 */
model: string | ModelSpec, 
/**
 * The agent's task.
 */
task: string, 
/**
 * The kind of agent, such as `developer`.
 */
mode: string, 
/**
 * Whether an occupant with another model is replaced: `"confirm"` (the default) needs a
 * confirmation, `"replace"` does not, and `"reject"` leaves it.
 */
onModelChange?: OnModelChange, 
/**
 * The occupant that the user has agreed to replace, from the reply that needed the
 * confirmation.
 */
confirm?: SlotConfirmation, 
/**
 * Replace a completed occupant with the same model; `false` by default.
 */
rerun?: boolean, 
/**
 * Return the replaced session in `exported`, as the text that `export` returns; `false` by
 * default.
 */
exportOld?: boolean, 
/**
 * The locking of the slot; `"optimistic"` by default.
 */
locking?: SlotLocking, 
/**
 * The id of the session; generated by default.
 */
id?: string, 
/**
 * The id of the user that the session runs for.
 */
userId?: string, 
/**
 * The id of the channel that the session is started in.
 */
channelId?: string, 
/**
 * The workspace of the session, such as a directory.
 */
workspace?: string, 
/**
 * The number of iterations allowed; 100 by default.
 */
maxIterations?: number, 
/**
 * The user's state, a JSON object; `{}` by default.
 */
context?: JsonObject, 
/**
 * Metadata of the run, a JSON object.
 */
metadata?: SessionMetadata, 
/**
 * Start the session paused; `false` by default.
 */
paused?: boolean, 
/**
 * The reason for starting it paused.
 */
pauseReason?: string, };

/**
 * Sessions to start in slots.
 */
export type StartInSlotsParams = { 
/**
 * The sessions to start, in this order; 100 at most.
 */
starts: Array<StartInSlotParams>, };

/**
 * A new session.
 */
export type StartParams = { 
/**
 * What the agent is to do.
 */
task: string, 
/**
 * The kind of agent, such as `developer`.
 */
mode: string, 
/**
 * An id of the caller's own; by default one is made.
 */
id?: string, 
/**
 * The user it runs for.
 */
userId?: string, 
/**
 * The channel it is started in.
 */
channelId?: string, 
/**
 * Where it works.
 */
workspace?: string, 
/**
 * Iterations allowed; 100 by default.
 */
maxIterations?: number, 
/**
 * The user's own state.
 */
context?: JsonObject, 
/**
 * About the run.
 */
metadata?: SessionMetadata, 
/**
 * Start it paused.
 */
paused?: boolean, 
/**
 * Why it starts paused.
 */
pauseReason?: string, 
/**
 * Makes the call safe to repeat: a second call with this key returns the first's session.
 */
idempotencyKey?: string, };

/**
 * Statistics over sessions.
 */
export type Stats = { 
/**
 * How many sessions there are.
 */
total: number, 
/**
 * How many of each status, those of which there are none too.
 */
byStatus: StatusCounts, 
/**
 * How many of each mode.
 */
byMode: Record<string, number>, 
/**
 * Iterations a session, on average; 0 for no sessions.
 */
averageIterations: number, 
/**
 * Completed sessions of all, in per cent; 0 for no sessions.
 */
successRate: number, 
/**
 * Completed sessions of those that are completed, failed or abandoned, in per cent.
 */
finishedSuccessRate: number, 
/**
 * Tokens and cost in all.
 */
usage: UsageTotals, 
/**
 * Tokens and cost of each mode.
 */
usageByMode: Record<string, UsageTotals>, 
/**
 * Tokens and cost of each user: of the 1,000 with the most sessions.
 */
usageByUser: Record<string, UsageTotals>, 
/**
 * How many users `usageByUser` leaves out.
 */
usersOmitted: number, };

/**
 * Which sessions to count.
 */
export type StatsParams = { 
/**
 * Runs for this user.
 */
userId?: string, 
/**
 * Was started in this channel.
 */
channelId?: string, 
/**
 * Is of this mode.
 */
mode?: string, 
/**
 * Has this status, or one of these.
 */
status?: Status | readonly Status[], 
/**
 * Is an agent's, in this phase or one of these.
 */
phase?: Phase | readonly Phase[], 
/**
 * Takes a slot of this task, or of one of these, 1,000 at most.
 */
taskIds?: string | readonly string[], 
/**
 * Takes the slot of this phase, or of one of these.
 */
slotPhase?: SlotPhase | readonly SlotPhase[], 
/**
 * Takes a slot, and the model of this name works in it.
 */
model?: string, 
/**
 * Was forked from this session.
 */
parentId?: string, 
/**
 * Was created at this time or later.
 */
createdAfter?: string, 
/**
 * Was created at this time or earlier.
 */
createdBefore?: string, 
/**
 * Was last changed at this time or later.
 */
updatedAfter?: string, 
/**
 * Was last changed at this time or earlier.
 */
updatedBefore?: string, 
/**
 * Has this text in its task; A-Z and a-z are the same.
 */
text?: string, 
/**
 * Whether sessions in the trash count; `"exclude"` by default.
 */
trash?: Trash, };

/**
 * Where a session is in its life.
 */
export type Status = "active" | "paused" | "completed" | "failed" | "timeout" | "abandoned";

/**
 * How many sessions have each status.
 */
export type StatusCounts = { 
/**
 * Running.
 */
active: number, 
/**
 * Waiting to be resumed.
 */
paused: number, 
/**
 * Ended with a result.
 */
completed: number, 
/**
 * Ended with an error.
 */
failed: number, 
/**
 * Out of iterations.
 */
timeout: number, 
/**
 * Given up.
 */
abandoned: number, };

/**
 * What an agent's session has beyond any other, in the form that stores keep.
 */
export type StoredAgent = { 
/**
 * What it is doing.
 */
phase: Phase, 
/**
 * Whether it may be resumed. Each change of phase sets it; it may be taken back by hand.
 */
resumeReady: boolean, 
/**
 * How many errors it has met.
 */
errorCount: number, 
/**
 * The last of them.
 */
lastError: StoredError | null, 
/**
 * What came of it all, in a few words.
 */
summary: string | null, };

/**
 * An error that an agent met, in the form that stores keep.
 */
export type StoredError = { 
/**
 * What it said.
 */
message: string, 
/**
 * When it was met.
 */
timestamp: number, };

/**
 * One entry of a history, in the form that stores keep: its data is a JSON text.
 */
export type StoredEvent = { 
/**
 * The place in the history, from 1.
 */
sequence: number, 
/**
 * When it was recorded, by the clock of whoever recorded it.
 */
timestamp: number, 
/**
 * One of [`kind`] or a name of the user's own.
 */
type: string, 
/**
 * What happened, as the JSON text that the caller gave.
 */
data: string, };

/**
 * A session without its history, in the form that stores keep.
 */
export type StoredHead = { 
/**
 * The session's id.
 */
id: string, 
/**
 * Counts the commits that changed the session, from 1; guards every write.
 */
version: number, 
/**
 * The user it runs for.
 */
userId: string | null, 
/**
 * The channel it was started in.
 */
channelId: string | null, 
/**
 * The kind of agent.
 */
mode: string, 
/**
 * What the agent is to do.
 */
task: string, 
/**
 * Where it works.
 */
workspace: string | null, 
/**
 * Where it is in its life.
 */
status: Status, 
/**
 * When it was started.
 */
createdAt: number, 
/**
 * When it was last changed; never goes back.
 */
updatedAt: number, 
/**
 * Iterations used.
 */
iterations: number, 
/**
 * Iterations allowed.
 */
maxIterations: number, 
/**
 * The user's state: the text of a JSON object.
 */
context: string, 
/**
 * What it ended with.
 */
result: string | null, 
/**
 * What it failed with.
 */
error: string | null, 
/**
 * The text of a JSON object about the run: model, tools, tokens, cost.
 */
metadata: string | null, 
/**
 * How many events its history has; the last one's sequence number.
 */
eventCount: number, 
/**
 * What it has used, as `metadata` says, for statistics.
 */
usage: Usage, 
/**
 * When it was paused, while it is.
 */
pausedAt: number | null, 
/**
 * When it ended for good.
 */
finalizedAt: number | null, 
/**
 * The session it was forked from.
 */
parentId: string | null, 
/**
 * What it has because it is an agent's.
 */
agent: StoredAgent | null, 
/**
 * The slot that it takes, and the model that works in it.
 */
slot: StoredSlot | null, 
/**
 * When it was put into the trash, while it is there.
 */
deletedAt: number | null, };

/**
 * A keyed value of a feature's own: an idempotency key, a lease, a queue entry. Its `body` is text
 * that only its feature reads.
 */
export type StoredRecord = { 
/**
 * The feature's name for this sort of record.
 */
kind: string, 
/**
 * The key, unique within the kind.
 */
key: string, 
/**
 * Counts the writes of the record; for [`Expect::Version`].
 */
version: number, 
/**
 * When it ceases to count. Stores keep it until it is removed.
 */
expiresAt: number | null, 
/**
 * The session with which the record is removed.
 */
owner: string | null, 
/**
 * The value.
 */
body: string, };

/**
 * The slot of a session and the model that works in it, in the form that stores keep.
 */
export type StoredSlot = { 
/**
 * The task.
 */
taskId: string, 
/**
 * The phase of its work.
 */
phase: SlotPhase, 
/**
 * The model's name.
 */
model: string, 
/**
 * What else is known of the model: the text of a JSON object.
 */
details: string | null, };

/**
 * Tokens spent.
 */
export type TokenCounts = { 
/**
 * Read by the model.
 */
prompt: number, 
/**
 * Written by the model.
 */
completion: number, 
/**
 * Both.
 */
total: number, };

/**
 * Tokens that were used.
 */
export type TokensParam = { 
/**
 * Read by the model.
 */
prompt?: number, 
/**
 * Written by the model.
 */
completion?: number, };

/**
 * Whether sessions in the trash count.
 */
export type Trash = "exclude" | "only" | "include";

/**
 * State to keep.
 */
export type UpdateContextParams = { 
/**
 * The session.
 */
id: string, 
/**
 * Properties to merge into the context.
 */
context: JsonObject, 
/**
 * Replace the whole context instead.
 */
replace?: boolean, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * New values for what describes a session. `null` clears a property.
 */
export type UpdateParams = { 
/**
 * The session.
 */
id: string, 
/**
 * What the agent is to do.
 */
task?: string, 
/**
 * The kind of agent.
 */
mode?: string, 
/**
 * Where it works.
 */
workspace?: string | null, 
/**
 * The user it runs for.
 */
userId?: string | null, 
/**
 * The channel it belongs to.
 */
channelId?: string | null, 
/**
 * Iterations allowed; not below those used.
 */
maxIterations?: number, 
/**
 * Properties to merge into the context.
 */
context?: JsonObject, 
/**
 * Properties to merge into the metadata.
 */
metadata?: SessionMetadata, 
/**
 * Refuse with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * Makes the call safe to repeat: a second call with this key changes nothing.
 */
idempotencyKey?: string, };

/**
 * Tokens and money spent. Money is summed in whole billionths, so that sums are exact.
 */
export type Usage = { 
/**
 * Tokens read by the model.
 */
promptTokens: number, 
/**
 * Tokens written by the model.
 */
completionTokens: number, 
/**
 * Cost in billionths of the user's unit.
 */
costNanos: number, };

/**
 * Tokens and cost spent.
 */
export type UsageTotals = { 
/**
 * Tokens.
 */
tokens: TokenCounts, 
/**
 * Cost in the user's unit, summed exactly to a billionth.
 */
cost: number, };

/**
 * The owner of a virtual machine.
 */
export type VmMineParams = { 
/**
 * The name of the owner; by default the calling process.
 */
holder?: string, };

/**
 * A virtual machine to register.
 */
export type VmRegisterParams = { 
/**
 * The id of the machine: any text of 1 to 509 bytes.
 */
vmId: string, 
/**
 * The zone of the machine.
 */
zone: string, 
/**
 * The components that run on the machine.
 */
components: Array<string>, 
/**
 * Metadata of the machine, a JSON object; `{}` by default.
 */
metadata?: JsonObject, 
/**
 * The name of the owner; by default the calling process.
 */
holder?: string, };

/**
 * The status of a virtual machine.
 */
export type VmStatus = "active" | "orphaned" | "sweeping" | "released";

/**
 * A virtual machine to unregister.
 */
export type VmUnregisterParams = { 
/**
 * The id of the machine; by default the owner's machine.
 */
vmId?: string, 
/**
 * The name of the owner; by default the calling process.
 */
holder?: string, };

/**
 * A virtual machine and its owner.
 */
export type VmView = { 
/**
 * The id of the machine.
 */
vmId: string, 
/**
 * The zone of the machine.
 */
zone: string, 
/**
 * The components that run on the machine.
 */
components: Array<string>, 
/**
 * Metadata of the machine, a JSON object.
 */
metadata: JsonObject, 
/**
 * When its owner first registered it.
 */
registeredAt: string, 
/**
 * Its status.
 */
status: VmStatus, 
/**
 * The session id of its owner, or of its last one.
 */
holder: string, 
/**
 * The owner's process; absent if the owner is no process.
 */
process?: Process, 
/**
 * The fencing token: greater with each owner and each claim.
 */
token: number, };

/**
 * On which side of a target a number should be.
 */
export type Wanted = "above" | "below";

/**
 * The changes that are reported.
 */
export type WebhookEvent = "start" | "pause" | "resume" | "complete" | "error" | "timeout";

/**
 * The payload of a webhook.
 */
export type WebhookPayload = { 
/**
 * What happened.
 */
event: WebhookEvent, 
/**
 * To which session.
 */
session: WebhookSession, 
/**
 * When.
 */
timestamp: string, 
/**
 * The data of the history's event.
 */
data?: JsonObject, };

/**
 * The session that a webhook is about, as it was just after the change.
 */
export type WebhookSession = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its mode.
 */
mode: string, 
/**
 * Its status.
 */
status: Status, 
/**
 * Its task.
 */
task: string, 
/**
 * Its user.
 */
userId?: string, 
/**
 * Its channel.
 */
channelId?: string, };

/** The codes of errors that the core and its stores report. */
export type CoreErrorCode =
  | "INVALID_ARGUMENT"
  | "INVALID_ID"
  | "TOO_LARGE"
  | "TOO_DEEP"
  | "INVALID_CURSOR"
  | "UNKNOWN_OPERATION"
  | "SESSION_NOT_FOUND"
  | "SESSION_DELETED"
  | "SESSION_EXISTS"
  | "SESSION_FINISHED"
  | "INVALID_TRANSITION"
  | "INVALID_PHASE"
  | "BUDGET_EXHAUSTED"
  | "VERSION_CONFLICT"
  | "IDEMPOTENCY_MISMATCH"
  | "SESSION_HELD"
  | "SLOT_TAKEN"
  | "MODEL_MISSING"
  | "CORRUPT_SESSION"
  | "STORE_BUSY"
  | "STORE_UNAVAILABLE"
  | "STORAGE_FULL"
  | "SCHEMA_TOO_NEW"
  | "STORE_FAILED"
  | "STORE_MISBEHAVED"
  | "STORE_TIMEOUT"
  | "OUTCOME_UNKNOWN"
  | "STORE_IS_ASYNC"
  | "CLOSED"
  | "UNSUPPORTED_STORE"
  | "UNSUPPORTED_OPERATION"
  | "INTERNAL"
;

/** What people are told of errors about slots, by the errors' codes. */
export const FAILURE_MESSAGES: ReadonlyMap<string, string> = new Map([
  ["MODEL_MISSING", "The model of this session is no longer available. It can be viewed, exported, deleted or replaced."],
  ["STORE_BUSY", "This session is being changed right now. Wait a moment and try again."],
  ["SESSION_HELD", "This session is being changed right now. Wait a moment and try again."],
  ["SLOT_TAKEN", "Another session is in its place. Put that one into the trash first."],
  ["SESSION_DELETED", "This session was replaced or put into the trash. Open the one that is there now."],
  ["STORE_UNAVAILABLE", "Sessions cannot be reached right now. Try again in a few minutes."],
  ["STORE_TIMEOUT", "Sessions cannot be reached right now. Try again in a few minutes."],
  ["SCHEMA_TOO_NEW", "Sessions cannot be reached right now. Try again in a few minutes."],
  ["CLOSED", "Sessions cannot be reached right now. Try again in a few minutes."],
  ["BINDING_UNAVAILABLE", "Sessions cannot be reached right now. Try again in a few minutes."],
  ["WASM_NOT_READY", "Sessions cannot be reached right now. Try again in a few minutes."],
  ["STORE_FAILED", "The session could not be started. Try again later."],
  ["STORE_MISBEHAVED", "The session could not be started. Try again later."],
  ["STORAGE_FULL", "The session could not be started. Try again later."],
  ["OUTCOME_UNKNOWN", "The session could not be started. Try again later."],
  ["CORRUPT_SESSION", "The session could not be started. Try again later."],
]);

/** What people are told of any other error. */
export const UNEXPECTED_FAILURE = "Something went wrong that should not have. If it happens again, report it.";

/** Every operation: what it takes and what it answers. */
export interface Operations {
  /** Starts a session. Its first event is `start`. */
  start: { params: StartParams; result: Session };
  /** Sets what describes a session. It records no event. */
  update: { params: UpdateParams; result: SessionHead };
  /** Pauses a session: `pausedAt` and `pauseReason` appear in its context. */
  pause: { params: PauseParams; result: SessionHead };
  /** Resumes a paused session, or recovers an active one whose runner has ended. The event carries `pausedDuration` in milliseconds. */
  resume: { params: ResumeParams; result: SessionHead };
  /** Completes a session with a result. */
  complete: { params: CompleteParams; result: SessionHead };
  /** Fails a session with an error. */
  fail: { params: FailParams; result: SessionHead };
  /** Abandons a session. */
  abandon: { params: AbandonParams; result: SessionHead };
  /** Records an event. A lifecycle type has its lifecycle's effect. */
  addEvent: { params: AddEventParams; result: Appended };
  /** Records several events in one commit, all or none. */
  addEvents: { params: AddEventsParams; result: Appended };
  /** Counts an iteration. The last one of the budget makes the session `timeout`. */
  incrementIteration: { params: IncrementIterationParams; result: Appended };
  /** Records a call of a tool, and the tool among `metadata.toolsUsed`. */
  recordToolCall: { params: RecordToolCallParams; result: Appended };
  /** Records something that the agent learned. */
  recordLearning: { params: RecordLearningParams; result: Appended };
  /** Adds tokens and cost to `metadata.tokens` and `metadata.cost`; statistics sum them. */
  recordUsage: { params: RecordUsageParams; result: SessionHead };
  /** Merges properties into the context, or replaces it. */
  updateContext: { params: UpdateContextParams; result: SessionHead };
  /** Removes a session for good, also one that cannot be read. */
  delete: { params: IdParams; result: null };
  /** Puts a session into the trash: it leaves lists and statistics and takes no changes. */
  trash: { params: ChangeOnly; result: SessionHead };
  /** Takes a session out of the trash. */
  restore: { params: ChangeOnly; result: SessionHead };
  /** Writes a session that was exported, in place of one that has its id. */
  import: { params: ImportParams; result: SessionHead };
  /** Sets anything that a session has, as an administrator may: past the lifecycle, with no event and no webhook. The version still counts up. */
  override: { params: OverrideParams; result: SessionHead };
  /** Writes a session as it is given, with no event of its own and no webhook. Where it only continues the history that is stored, only the new events are written. */
  save: { params: SaveParams; result: SessionHead };
  /** Starts a new session with another's past. */
  fork: { params: ForkParams; result: Session };
  /** A session with the part of its history that is asked for, by default the last 100 events; `null` for an unknown id. */
  get: { params: GetParams; result: Session | null };
  /** What an agent needs to go on with a session; `null` for an unknown id. */
  context: { params: IdParams; result: SessionContext | null };
  /** A part of a history, oldest first. */
  events: { params: EventsParams; result: EventPage };
  /** A page of sessions, newest first. */
  list: { params: ListParams; result: SessionPage };
  /** Statistics over sessions. */
  stats: { params: StatsParams; result: Stats };
  /** A session with its whole history, as one JSON text. */
  export: { params: IdParams; result: string };
  /** Whether an agent may go on with a session: paused, or active with iterations left. */
  isResumable: { params: IdParams; result: boolean };
  /** How much of its budget a session has used, from 0 to 100; `null` for an unknown id. */
  progress: { params: IdParams; result: number | null };
  /** How long a session has run, in milliseconds; `null` for an unknown id. */
  duration: { params: IdParams; result: number | null };
  /** Puts many sessions into the trash, as many as possible in one commit. The reply names those that were refused. */
  trashMany: { params: ManyParams; result: BulkResult };
  /** Takes many sessions out of the trash, as many as possible in one commit. */
  restoreMany: { params: ManyParams; result: BulkResult };
  /** Removes many sessions for good, also those that cannot be read, as many as possible in one commit. */
  deleteMany: { params: ManyParams; result: BulkResult };
  /** Puts sessions that have reached an age into the trash, or removes them for good. Active and paused ones stay unless `status` names them. */
  cleanup: { params: CleanupParams; result: CleanupResult };
  /** Removes what has expired beside sessions: leases that nobody is to take again, such as those of runs, and entries of the audit log that are a year old, or as old as `keepAudit` says. Other leases stay, so that their tokens go on growing. */
  cleanupRecords: { params: CleanupRecordsParams; result: RecordsCleaned };
  /** Removes for good what has been in the trash for a time, oldest first; or only says what would go. What somebody runs stays. */
  purge: { params: PurgeParams; result: CleanupResult };
  /** Creates an agent: a session with a phase, `initializing` at first. */
  agentCreate: { params: AgentCreateParams; result: SessionHead };
  /** Records an agent's update, which counts as activity; `null` for an unknown id. A final phase finalizes the agent as `agentFinalize` does. */
  agentUpdate: { params: AgentUpdateParams; result: SessionHead | null };
  /** An agent as it stands, with the phases that it came through; `null` for an unknown id. */
  agentGet: { params: AgentGetParams; result: AgentState | null };
  /** Finalizes an agent; `null` for an unknown id. The same outcome again only fills in a summary that is missing. */
  agentFinalize: { params: AgentFinalizeParams; result: SessionHead | null };
  /** A page of agents, newest first. A page may have few items, or none, and go on all the same. */
  agentList: { params: AgentListParams; result: SessionPage };
  /** Whether an agent should be resumed, and the reason. */
  shouldResume: { params: ShouldResumeParams; result: ResumeDecision };
  /** Puts the agents that have been idle for a time into the trash, whatever their phase. Unfinished ones are abandoned; those that somebody runs stay. */
  agentCleanup: { params: AgentCleanupParams; result: CleanupResult };
  /** Statistics of agents, against their targets. It reads their histories, to say how much storage they use, unless `storage` is `false`. */
  agentStats: { params: AgentStatsParams; result: AgentStats };
  /** Requests approval: the agent's session is paused in the phase `approval`. */
  requestApproval: { params: RequestApprovalParams; result: SessionHead };
  /** Approves what an agent waits for, and resumes its session if that is paused. The phase stays until the agent enters another. */
  approve: { params: ApprovalParams; result: SessionHead };
  /** Denies what an agent waits for, which finalizes it as `abandoned`. */
  deny: { params: ApprovalParams; result: SessionHead };
  /** Acquires a lease, or renews the caller's own. The outcome is `acquired`, `renewed`, or `held` if another holder has it. A process holds a lease for as long as it runs, any other holder until the lease expires. */
  leaseAcquire: { params: LeaseAcquireParams; result: LeaseOutcome };
  /** Renews a lease. The outcome is `renewed`, or `lost` if the caller no longer holds it. */
  leaseRenew: { params: LeaseRenewParams; result: LeaseOutcome };
  /** Releases a lease. The outcome is `released`, `not_owner` or `not_held`. */
  leaseRelease: { params: LeaseReleaseParams; result: LeaseOutcome };
  /** Transfers a lease to another holder. The outcome is `transferred`, or `lost`. */
  leaseTransfer: { params: LeaseTransferParams; result: LeaseOutcome };
  /** The current lease of a key; `null` if there never was one. */
  leaseGet: { params: LeaseGetParams; result: LeaseView | null };
  /** A page of the leases, in the order of their keys. */
  leaseList: { params: LeaseListParams; result: LeasePage };
  /** Releases leases, regardless of their holders. */
  leaseClear: { params: LeaseClearParams; result: LeaseCleared };
  /** Starts a session in a slot. A task has a slot for each phase, and one session outside of the trash occupies it. The outcome is `created`; `existing` if one with this model is there; `needs_confirmation`, `replaced` or `rejected` if one with another model is; `busy` if another call is changing it. A session that has failed, timed out or was abandoned is replaced without confirmation. */
  startInSlot: { params: StartInSlotParams; result: SlotStart };
  /** Starts sessions in slots, 100 at most, as many as possible in one commit. Each reply is that of `startInSlot` for it alone, in the order of the call, or `failed` with the code of an error. */
  startInSlots: { params: StartInSlotsParams; result: Array<SlotAnswer> };
  /** The session in a slot, and whether its model is missing; `null` if the slot is free. */
  latestSession: { params: LatestSessionParams; result: SlotSession | null };
  /** The sessions in the slots of tasks, by task and phase. */
  slots: { params: SlotsParams; result: Array<SlotSession> };
  /** The phase of a slot that a session's title names before its colon; `null` if it names none. */
  slotPhase: { params: SlotPhaseParams; result: SlotPhase | null };
  /** A page of the audit log, oldest first: decisions about agents and runs, and what was removed. */
  auditLog: { params: AuditLogParams; result: AuditPage };
  /** Removes what has reached an age from the audit log. */
  auditPurge: { params: AuditPurgeParams; result: AuditPurged };
  /** Names a part of the sessions and records of a store that is copied. */
  copyPage: { params: CopyPageParams; result: CopyPage };
  /** Compares another store's page with what is here, and may ask for what is not. */
  copyCompare: { params: CopyCompareParams; result: CopyCompared };
  /** Reads what another store asks for, up to an amount. */
  copyRead: { params: CopyReadParams; result: CopyChunk };
  /** Writes what another store has sent, in one commit. */
  copyWrite: { params: CopyWriteParams; result: CopyWritten };
  /** Whether a file of another program can be imported, or a folder may hold such files. */
  importWanted: { params: ImportWantedParams; result: boolean };
  /** Imports a file of another program. */
  importFile: { params: ImportFileParams; result: FileImport };
  /** The reply of the hook before a task is handed to an agent: whether the task resumes a session, and which. Without the id of one it is the session of the same agent and the same `task_id` that was active last, if it can be resumed and is among the last 100 of the agent. */
  hookPreDelegate: { params: HookPreDelegateParams; result: HookReply };
  /** The reply of the hook after an agent has stopped: it is finalized, by its exit code. A paused session stays as it is if the agent stopped without an error, which it has done on purpose. */
  hookSubagentStop: { params: HookSubagentStopParams; result: HookReply };
  /** Registers the calling process, or renews its registration, and the lease of its machine with it. */
  processRegister: { params: ProcessRegisterParams; result: ActiveSession };
  /** Makes the calling process the owner of a virtual machine: `false` if it owns another one, or if this one has another owner. The owner may update what it says about the machine. */
  vmRegister: { params: VmRegisterParams; result: boolean };
  /** The virtual machine that the calling process owns, or `null`. */
  vmMine: { params: VmMineParams; result: VmView | null };
  /** Unregisters the virtual machine that the calling process owns: `false` if it owns none, or another than the one that is named. */
  vmUnregister: { params: VmUnregisterParams; result: boolean };
  /** The active sessions by id, with and without virtual machines. Those whose processes have ended are left out. */
  activeSessions: { params: ActiveSessionsParams; result: { [key in string]: ActiveSession } };
  /** Removes the registrations of processes that have ended. Their virtual machines are orphans until they are cleaned up. */
  staleCleanup: { params: StaleCleanupParams; result: StaleCleanup };
  /** The virtual machines whose owners have ended, also those that are claimed for cleanup. */
  orphans: { params: OrphansParams; result: Array<VmView> };
  /** Claims an orphan for the caller, who cleans it up; no other call can claim it until `orphanDone`. If the caller ends before, it is an orphan again. */
  orphanClaim: { params: OrphanClaimParams; result: OrphanClaim };
  /** Ends a claim: with success the machine has no owner, otherwise it is an orphan again. */
  orphanDone: { params: OrphanDoneParams; result: OrphanDone };
  /** Whether a run would be a duplicate now: the same run is active or was a short time ago, or a pull request has run its commit. Nothing is written; `dedupAdmit` checks and registers in one step. */
  dedupCheck: { params: DedupCheckParams; result: DedupDecision };
  /** Registers a run that was checked, unless it has become a duplicate meanwhile. That of a pull request locks its commit for pushes. Registering it again changes nothing. */
  dedupRegister: { params: DedupRegisterParams; result: DedupDecision };
  /** Checks a run and registers it, in one step: of all that ask for one key at once, one is to run. The others are duplicates until `dedupCleanup` or the time `keep`, and at least for its window. */
  dedupAdmit: { params: DedupAdmitParams; result: DedupDecision };
  /** Ends a run. Others are duplicates until the end of its window, and no longer. The outcome is `not_owner` if the run is another's, which is left alone. */
  dedupCleanup: { params: DedupCleanupParams; result: DedupCleaned };
  /** Enters into the audit log how a run went, whether it did its work or was a duplicate. */
  dedupAudit: { params: DedupAuditParams; result: AuditEntry };
  /** A page of the active runs and of the locks of commits, in the order of their keys. */
  dedupList: { params: DedupListParams; result: LeasePage };
  /** Removes runs and the locks of commits, regardless of their holders, or only the expired ones. */
  dedupClear: { params: DedupClearParams; result: DedupCleared };
  /** A page of the runs of a day in UTC, each with the nine properties of the daily audit files. */
  auditDay: { params: AuditDayParams; result: AuditDay };
}

/** Whether an operation only reads or may write. */
export const OPERATIONS = {
  start: "write",
  update: "write",
  pause: "write",
  resume: "write",
  complete: "write",
  fail: "write",
  abandon: "write",
  addEvent: "write",
  addEvents: "write",
  incrementIteration: "write",
  recordToolCall: "write",
  recordLearning: "write",
  recordUsage: "write",
  updateContext: "write",
  delete: "write",
  trash: "write",
  restore: "write",
  import: "write",
  override: "write",
  save: "write",
  fork: "write",
  get: "read",
  context: "read",
  events: "read",
  list: "read",
  stats: "read",
  export: "read",
  isResumable: "read",
  progress: "read",
  duration: "read",
  trashMany: "write",
  restoreMany: "write",
  deleteMany: "write",
  cleanup: "write",
  cleanupRecords: "write",
  purge: "write",
  agentCreate: "write",
  agentUpdate: "write",
  agentGet: "read",
  agentFinalize: "write",
  agentList: "read",
  shouldResume: "read",
  agentCleanup: "write",
  agentStats: "read",
  requestApproval: "write",
  approve: "write",
  deny: "write",
  leaseAcquire: "write",
  leaseRenew: "write",
  leaseRelease: "write",
  leaseTransfer: "write",
  leaseGet: "read",
  leaseList: "read",
  leaseClear: "write",
  startInSlot: "write",
  startInSlots: "write",
  latestSession: "read",
  slots: "read",
  slotPhase: "read",
  auditLog: "read",
  auditPurge: "write",
  copyPage: "read",
  copyCompare: "read",
  copyRead: "read",
  copyWrite: "write",
  importWanted: "read",
  importFile: "write",
  hookPreDelegate: "write",
  hookSubagentStop: "write",
  processRegister: "write",
  vmRegister: "write",
  vmMine: "read",
  vmUnregister: "write",
  activeSessions: "read",
  staleCleanup: "write",
  orphans: "read",
  orphanClaim: "write",
  orphanDone: "write",
  dedupCheck: "read",
  dedupRegister: "write",
  dedupAdmit: "write",
  dedupCleanup: "write",
  dedupAudit: "write",
  dedupList: "read",
  dedupClear: "write",
  auditDay: "read",
} as const satisfies Record<keyof Operations, "read" | "write">;
