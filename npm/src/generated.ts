// Generated from the table of operations: `npm run build -- types` writes it. Do not edit.

import type { DriverErrorCode } from "./values/error-code.js";
import type { EventType, JsonObject, OverridesOf, SessionMetadata, UnfinishedToolCall } from "./values/session-data.js";

/** New values for anything that a session has. */
export type Overrides = OverridesOf<Status, Phase>;

/**
 * A session to abandon.
 */
export type AbandonParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The reason.
 */
reason?: string, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

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
 * The id of the session.
 */
id: string, 
/**
 * The type of the event. A lifecycle type also has the effect of its operation; `start` and
 * `context_change` are refused.
 */
type: EventType, 
/**
 * The data of the event, a JSON object; `{}` by default.
 */
data?: JsonObject, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * Events to record in one commit.
 */
export type AddEventsParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The events in their order.
 */
events: Array<NewEvent>, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * Which agents to put into the trash, and which to delete from it.
 */
export type AgentCleanupParams = { 
/**
 * The idle time from which agents are removed: milliseconds or text such as `"24h"`. 24 hours
 * by default.
 */
maxIdle?: number | string, 
/**
 * How long agents stay in the trash until they are deleted: milliseconds or text such as
 * `"7d"`. 7 days by default.
 */
purgeAfter?: number | string, 
/**
 * Report what would be removed, and remove nothing; `false` by default.
 */
dryRun?: boolean, };

/**
 * A new agent.
 */
export type AgentCreateParams = { 
/**
 * The name of the agent, which is the session's mode.
 */
agentName: string, 
/**
 * The purpose of the agent, which is the session's task.
 */
purpose?: string, 
/**
 * Metadata of its work, a JSON object.
 */
metadata?: SessionMetadata, 
/**
 * The id of the session; by default `agent-<date>-<time>-<8 digits>` is generated.
 */
id?: string, 
/**
 * The number of iterations allowed; 100 by default.
 */
maxIterations?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key returns the agent
 * that the first one created.
 */
idempotencyKey?: string, };

/**
 * An agent to finalize.
 */
export type AgentFinalizeParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The final phase.
 */
outcome: "completed" | "failed" | "abandoned", 
/**
 * A summary of the agent's work.
 */
summary?: string, 
/**
 * Complete the agent although it waits for an approval, which withdraws the request. The audit
 * log names it. `false` by default.
 */
override?: boolean, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * An agent.
 */
export type AgentGetParams = { 
/**
 * The id of the agent's session.
 */
id: string, };

/**
 * Which agents to list.
 */
export type AgentListParams = { 
/**
 * Only agents whose phase is not final; `false` by default.
 */
activeOnly?: boolean, 
/**
 * Only agents that `shouldResume` would resume; `false` by default.
 */
resumable?: boolean, 
/**
 * Only agents of this name.
 */
agentName?: string, 
/**
 * The greatest number of agents in the page: 1 to 1,000, 50 by default.
 */
limit?: number, 
/**
 * The `nextCursor` of the previous page.
 */
cursor?: string, 
/**
 * With `resumable`, the idle time from which an agent is not resumable: milliseconds or text
 * such as `"30m"`. 30 minutes by default.
 */
idle?: number | string, 
/**
 * With `resumable`, the number of errors from which an agent is not resumable; 3 by default.
 */
maxErrors?: number, };

/**
 * The state of an agent.
 */
export type AgentState = { 
/**
 * The id of the agent's session.
 */
agentId: string, 
/**
 * The name of the agent.
 */
agentName: string, 
/**
 * The purpose of the agent.
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
 * Its phase; `null` for a session that never had one.
 */
phase: Phase | null, 
/**
 * Metadata of its work, a JSON object.
 */
metadata: SessionMetadata, 
/**
 * Whether it may be resumed.
 */
resumeReady: boolean, 
/**
 * Its changes of phase.
 */
history: Array<PhaseChange>, 
/**
 * The number of errors that it has met.
 */
errorCount: number, 
/**
 * The last error; `null` if it has met none.
 */
lastError: LastError | null, 
/**
 * When its work ended; `null` before.
 */
finalizedAt: string | null, 
/**
 * The duration of its work in seconds; `null` before its end.
 */
durationSeconds: number | null, 
/**
 * A summary of its work.
 */
summary: string | null, 
/**
 * When it was put into the trash; absent if it is not there.
 */
deletedAt?: string, 
/**
 * The approval that it has requested last, and the decision; `null` if it has requested none.
 */
approval: Approval | null, };

/**
 * How agents have done. Those in the trash fill the store, and count no more otherwise.
 */
export type AgentStats = { 
/**
 * The number of agents.
 */
total: number, 
/**
 * The number of agents whose phase is not final.
 */
active: number, 
/**
 * The number of agents created per day, since the first one.
 */
createdPerDay: number, 
/**
 * The number of agents by name, for the first 1,000 names.
 */
byAgent: Record<string, number>, 
/**
 * The number of agents by phase.
 */
byPhase: PhaseCounts, 
/**
 * The number of decisions whether to resume an agent, within the period.
 */
decisions: number, 
/**
 * The number of decisions to resume an agent, within the period.
 */
resumed: number, 
/**
 * The share of decisions to resume, in percent.
 */
resumeRate: Metric, 
/**
 * The share of completed agents among those that were resumed and have ended, in percent.
 */
resumeSuccessRate: Metric, 
/**
 * The median of the durations of ended agents, in milliseconds.
 */
medianDurationMs: Metric, 
/**
 * The 95th percentile of the durations of ended agents, in milliseconds.
 */
p95DurationMs: Metric, 
/**
 * The share of agents that have met errors or failed, in percent.
 */
errorRate: Metric, 
/**
 * The storage in bytes: the given size on disk, or else that of the texts of the sessions,
 * including those in the trash.
 */
storageBytes: Metric, 
/**
 * The size of the texts of the sessions in bytes, including those in the trash; `null` without
 * sessions, and where it was not asked for.
 */
textBytes: number | null, 
/**
 * When the last cleanup ended; `null` if none ended within the period.
 */
lastCleanup: string | null, };

/**
 * Which statistics to compute.
 */
export type AgentStatsParams = { 
/**
 * Only agents of this name.
 */
agentName?: string, 
/**
 * Whether to add up the storage of the sessions, which reads their histories; `true` by
 * default.
 */
storage?: boolean, 
/**
 * The size of the store on disk in bytes, which `storageBytes` then compares with its target.
 */
diskBytes?: number, 
/**
 * The period of the audit log to read, up to now, for decisions, ends and cleanups:
 * milliseconds or text such as `"30d"`. 30 days by default.
 */
within?: number | string, };

/**
 * An update of an agent.
 */
export type AgentUpdateParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The new phase. A final phase ends the agent's work.
 */
phase?: Phase, 
/**
 * Properties to merge into the metadata.
 */
metadata?: SessionMetadata, 
/**
 * An error that the agent has met.
 */
error?: string, 
/**
 * Whether the agent may be resumed, until it enters another phase.
 */
resumeReady?: boolean, 
/**
 * A summary of the agent's work.
 */
summary?: string, 
/**
 * Change the phase although the agent waits for an approval, which withdraws the request. The
 * audit log names it. `false` by default.
 */
override?: boolean, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * The result of appending events. Its size does not grow with the session.
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
 * Whether the call repeated an earlier one with the same idempotency key, and wrote nothing.
 */
replayed: boolean, 
/**
 * The id of the tool call, of `startToolCall` alone.
 */
callId?: string, };

/**
 * The approval of an agent's work.
 */
export type Approval = { 
/**
 * Its state: `pending` until a person approves or denies it, which is final; `withdrawn` if the
 * agent's work ended before that.
 */
state: ApprovalState, 
/**
 * When it was requested, or decided if it was not requested.
 */
requestedAt: string, 
/**
 * The name of the person who decided, if it was given.
 */
by?: string, 
/**
 * When it was decided; absent while it is pending.
 */
decidedAt?: string, };

/**
 * The approval or denial of a request.
 */
export type ApprovalParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The name of the user who approves or denies.
 */
by?: string, 
/**
 * The reason.
 */
reason?: string, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * The state of an approval.
 */
export type ApprovalState = "pending" | "approved" | "denied" | "withdrawn";

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
 * The time of the entry.
 */
at: string, 
/**
 * The kind, such as `agent.decision` or `dedup.run`.
 */
kind: string, 
/**
 * The subject: the id of a session, or the key of a run or lease; `null` if it has none.
 */
subject: string | null, 
/**
 * The data of the entry, a JSON object.
 */
data: JsonObject, };

/**
 * Which entries of the audit log to list.
 */
export type AuditLogParams = { 
/**
 * Only entries of this time or later.
 */
after?: string, 
/**
 * Only entries before this time.
 */
before?: string, 
/**
 * Only entries of this kind, such as `dedup.run`, or of this group of kinds, such as `dedup`.
 */
kind?: string, 
/**
 * Only entries with this subject: the id of a session, or the key of a run or lease.
 */
subject?: string, 
/**
 * The order: `"asc"` (the default) begins with the oldest entry, `"desc"` with the newest.
 */
order?: Direction, 
/**
 * The greatest number of entries in the page: 1 to 1,000, 50 by default.
 */
limit?: number, 
/**
 * The `nextCursor` of a page. In the other order the entries on its other side follow.
 */
cursor?: string, };

/**
 * A page of the audit log.
 */
export type AuditPage = { 
/**
 * The entries.
 */
items: Array<AuditEntry>, 
/**
 * The `cursor` of the next page; absent on the last page. A page may have fewer items than
 * `limit`.
 */
nextCursor?: string, };

/**
 * Which entries of the audit log to remove.
 */
export type AuditPurgeParams = { 
/**
 * The age from which entries are removed: milliseconds or text such as `"365d"`.
 */
olderThan: number | string, 
/**
 * Report how many would be removed, and remove nothing; `false` by default.
 */
dryRun?: boolean, };

/**
 * The result of removing entries of the audit log.
 */
export type AuditPurged = { 
/**
 * The number of entries that were removed, or would be removed.
 */
removed: number, 
/**
 * Whether the call was a dry run and removed nothing.
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
 * The result of a bulk operation.
 */
export type BulkResult = { 
/**
 * The sessions that are in the requested state now.
 */
done: Array<string>, 
/**
 * The refused sessions. After an error of the store all remaining sessions are refused.
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
 * It keeps a feed of its changes.
 */
feed: boolean, 
/**
 * White space between the tokens of user data may change. The tokens never do.
 */
reindents: boolean, };

/**
 * A change of a session, of a lease or of the audit log.
 */
export type Change = { 
/**
 * Its position: greater than that of every earlier change.
 */
position: number, 
/**
 * What it did: to a session, or `lease` or `audit`.
 */
kind: ChangeKind, 
/**
 * The id of the session, the key of the lease, or the key of the entry.
 */
id: string, 
/**
 * The session as it is now, which may be later than the change; absent if it was deleted since.
 */
session?: SessionHead, 
/**
 * The events that the change appended; absent if there are none, or their history was removed or
 * replaced since.
 */
events?: Array<SessionEvent>, 
/**
 * Where `events` does not have all that the change appended, since they are large: the `after` with which
 * the operation `events` returns the rest.
 */
nextAfter?: number, 
/**
 * The lease as it is now; absent if it was removed since.
 */
lease?: LeaseView, 
/**
 * The entry of the audit log; absent if it was removed since.
 */
audit?: AuditEntry, };

/**
 * What a change did.
 */
export type ChangeKind = "created" | "updated" | "trashed" | "restored" | "deleted" | "lease" | "audit";

/**
 * A session to change.
 */
export type ChangeOnly = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * A part of the feed.
 */
export type ChangePage = { 
/**
 * The changes, in the order of the commits.
 */
items: Array<Change>, 
/**
 * The position from which to go on.
 */
position: number, 
/**
 * Whether there were further changes.
 */
more: boolean, };

/**
 * All changes of one operation. A store applies them completely or not at all. No session and no
 * record is named twice.
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
 * Which changes to read. With a property of a filter, only changes of sessions that the filter selects as
 * they are now, and those of deleted sessions.
 */
export type ChangesSinceParams = { 
/**
 * Only sessions of this user.
 */
userId?: string, 
/**
 * Only sessions of this channel.
 */
channelId?: string, 
/**
 * Only sessions of this mode.
 */
mode?: string, 
/**
 * Only sessions with this status, or with one of these.
 */
status?: Status | readonly Status[], 
/**
 * Only sessions of agents in this phase, or in one of these.
 */
phase?: Phase | readonly Phase[], 
/**
 * Only sessions in slots of this task, or of one of these; 1,000 at most.
 */
taskIds?: string | readonly string[], 
/**
 * Only sessions in slots of this phase, or of one of these.
 */
slotPhase?: SlotPhase | readonly SlotPhase[], 
/**
 * Only sessions with this model: that of the slot, or without a slot `metadata.model`.
 */
model?: string, 
/**
 * Only forks of the session with this id.
 */
parentId?: string, 
/**
 * Only sessions created at this time or later.
 */
createdAfter?: string, 
/**
 * Only sessions created at this time or earlier.
 */
createdBefore?: string, 
/**
 * Only sessions last changed at this time or later.
 */
updatedAfter?: string, 
/**
 * Only sessions last changed at this time or earlier.
 */
updatedBefore?: string, 
/**
 * Only sessions that have used this many iterations or more.
 */
minIterations?: number, 
/**
 * Only sessions that have used this many iterations or fewer.
 */
maxIterations?: number, 
/**
 * Only sessions whose tasks contain this text; A-Z and a-z are the same.
 */
text?: string, 
/**
 * Whether sessions in the trash are included; `"exclude"` by default.
 */
trash?: Trash, 
/**
 * The position after which to begin: the `position` of a change or of an earlier page. Without it no
 * change is read, only the position of the newest one.
 */
position?: number, 
/**
 * The greatest number of changes in the page: 1 to 1,000, 100 by default.
 */
limit?: number, };

/**
 * The outcome of claiming an orphan.
 */
export type ClaimOutcome = "acquired" | "held" | "not_held";

/**
 * Which sessions to remove by their age.
 */
export type CleanupParams = { 
/**
 * The age from which sessions are removed: milliseconds or text such as `"30d"`.
 */
maxAge: number | string, 
/**
 * Whether the age counts from the start of the session (the default) or from its last change.
 */
measure?: Measure, 
/**
 * Only sessions with one of these statuses; by default all but active and paused ones.
 */
status?: Status | readonly Status[], 
/**
 * Delete the sessions instead of putting them into the trash; `false` by default.
 */
permanent?: boolean, 
/**
 * Report what would be removed, and remove nothing; `false` by default.
 */
dryRun?: boolean, };

/**
 * Which expired records to remove.
 */
export type CleanupRecordsParams = { 
/**
 * How long entries of the audit log are retained: milliseconds or text such as `"30d"`. 365
 * days by default.
 */
keepAudit?: number | string, 
/**
 * Report what would be removed, and remove nothing; `false` by default.
 */
dryRun?: boolean, };

/**
 * The result of a cleanup of sessions.
 */
export type CleanupResult = { 
/**
 * The number of sessions that were removed, or would be removed.
 */
removed: number, 
/**
 * The ids of the first 1,000 removed sessions.
 */
ids: Array<string>, 
/**
 * The number of agents that were deleted from the trash, or would be; only of `agentCleanup`.
 */
deleted?: number, 
/**
 * The first 1,000 sessions that could not be removed. Sessions that have just changed, or that a
 * runner holds, are not among them: they stay. Sessions that cannot be read are; a store that cannot
 * tell whether they would be removed names all of them.
 */
failed: Array<Refusal>, 
/**
 * Whether the call was a dry run and removed nothing.
 */
dryRun: boolean, 
/**
 * The `cursor` of the next call; present if this one ended because of its `limit`.
 */
nextCursor?: string, };

/**
 * The outcome of a commit.
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
 * A session to complete.
 */
export type CompleteParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The result of the session.
 */
result?: string, 
/**
 * The result as JSON, of any type, for programs that read it.
 */
resultData?: unknown, 
/**
 * The effect on a finished session: `"refuse"` (the default) fails, `"keep"` leaves it
 * unchanged.
 */
ifFinished?: "refuse" | "keep", 
/**
 * Complete the session although its agent waits for an approval, which withdraws the request.
 * The audit log names it. `false` by default.
 */
override?: boolean, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * A session to continue.
 */
export type ContextParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The number of last events: at most 1,000, 10 by default.
 */
recent?: number, 
/**
 * Whether a session in the trash is found; `"include"` by default.
 */
trash?: Trash, };

/**
 * Sessions and records in transfer.
 */
export type CopyChunk = { 
/**
 * The sessions and records, for `copyWrite`.
 */
chunk: string, 
/**
 * The `wanted` of the next `copyRead`; absent if the chunk contains everything.
 */
rest?: string, 
/**
 * Sessions that could not be read. They do not affect the others.
 */
problems: Array<Problem>, 
/**
 * The sessions and records that are not copied.
 */
differences: Array<CopyDifference>, };

/**
 * A page of the source to compare.
 */
export type CopyCompareParams = { 
/**
 * The `page` that `copyPage` returned at the source.
 */
page: string, 
/**
 * Request what is missing in the target, and with `true` also what is newer or different
 * there. By default nothing is requested.
 */
overwrite?: boolean, };

/**
 * The comparison of a page of the source with the target.
 */
export type CopyCompared = { 
/**
 * The request for `copyRead`; absent if nothing is requested.
 */
wanted?: string, 
/**
 * The number of sessions that are the same in both stores.
 */
same: number, 
/**
 * The sessions and records that differ and are not requested.
 */
differences: Array<CopyDifference>, };

/**
 * A session or record that differs between the stores.
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
 * Its state in the target.
 */
target: Difference, };

/**
 * A page of stamps.
 */
export type CopyPage = { 
/**
 * The stamps, for `copyCompare`.
 */
page: string, 
/**
 * The number of sessions in the page.
 */
sessions: number, 
/**
 * The number of records in the page.
 */
records: number, 
/**
 * Sessions that could not be read. They do not affect the others.
 */
problems: Array<Problem>, 
/**
 * The `after` of the next page; absent on the last page.
 */
next?: string, };

/**
 * The page of the source to stamp.
 */
export type CopyPageParams = { 
/**
 * The `next` of the previous page.
 */
after?: string, 
/**
 * Stamp the histories too, which reads them; `false` by default.
 */
whole?: boolean, };

/**
 * How to copy.
 */
export type CopyParams = { 
/**
 * The URL of the source, if it is known.
 */
from?: string, 
/**
 * The URL of the target, if it is known.
 */
to?: string, 
/**
 * Replace sessions that are newer or different in the target; `false` by default.
 */
overwrite?: boolean, 
/**
 * Compare all data at the end; `true` by default.
 */
verify?: boolean, 
/**
 * Report the progress after each step; `false` by default.
 */
progress?: boolean, };

/**
 * A phase of a copy.
 */
export type CopyPhase = "copy" | "verify";

/**
 * The progress of a copy.
 */
export type CopyProgress = { 
/**
 * The phase: copying, or verifying the copied data.
 */
phase: CopyPhase, 
/**
 * The sessions that were processed in this phase.
 */
sessions: number, 
/**
 * The total number of sessions; approximate if the source changes meanwhile.
 */
of: number, 
/**
 * The records that were processed in this phase.
 */
records: number, 
/**
 * The size of the transferred data so far, in bytes of JSON text.
 */
bytes: number, };

/**
 * The sessions and records to read from the source.
 */
export type CopyReadParams = { 
/**
 * The `wanted` that `copyCompare` returned at the target, or the `rest` of the previous call.
 */
wanted: string, };

/**
 * The result of a copy.
 */
export type CopyResult = { 
/**
 * The number of written sessions.
 */
sessions: number, 
/**
 * The number of written records, such as idempotency keys.
 */
records: number, 
/**
 * The number of sessions that existed in the target already.
 */
same: number, 
/**
 * The size of the transferred data, in bytes of JSON text.
 */
bytes: number, 
/**
 * The number of sessions and records of the source that differ in the target at the end.
 */
differing: number, 
/**
 * The first 1,000 of these differences. A record whose session differs is not listed in addition.
 */
differences: Array<CopyDifference>, 
/**
 * The first 1,000 sessions of the source that cannot be read. Other sessions are not affected.
 */
problems: Array<Problem>, };

/**
 * The sessions and records to write to the target.
 */
export type CopyWriteParams = { 
/**
 * The `chunk` that `copyRead` returned at the source.
 */
chunk: string, };

/**
 * The result of writing a chunk.
 */
export type CopyWritten = { 
/**
 * The number of sessions written.
 */
sessions: number, 
/**
 * The number of records written.
 */
records: number, 
/**
 * The sessions and records that other writers have changed meanwhile, which stay.
 */
differences: Array<CopyDifference>, };

/**
 * A session that a job could not process at any attempt, until a person has it retried.
 */
export type DeadLetter = { 
/**
 * The job.
 */
job: string, 
/**
 * The id of the session.
 */
id: string, 
/**
 * The code of the last error.
 */
code: string, 
/**
 * The message of the last error.
 */
message: string, 
/**
 * The number of attempts.
 */
attempts: number, 
/**
 * When it failed for the last time.
 */
failedAt: string, };

/**
 * Sessions that a job could not process.
 */
export type DeadLetterAddParams = { 
/**
 * The name of the job.
 */
job: string, 
/**
 * The ids of the sessions.
 */
ids: Array<string>, 
/**
 * The code of the last error of each.
 */
codes: Array<string>, 
/**
 * The message of the last error of each.
 */
messages: Array<string>, 
/**
 * The number of attempts.
 */
attempts: number, };

/**
 * Sessions of which some may be dead letters.
 */
export type DeadLetterAmongParams = { 
/**
 * The name of the job.
 */
job: string, 
/**
 * The ids of the sessions.
 */
ids: Array<string>, };

/**
 * Which dead letters to list.
 */
export type DeadLetterListParams = { 
/**
 * Only those of this job.
 */
job?: string, 
/**
 * The greatest number of dead letters in the page: 1 to 1,000, 50 by default.
 */
limit?: number, 
/**
 * The `nextCursor` of the previous page.
 */
cursor?: string, };

/**
 * A page of dead letters, in the order of jobs and ids.
 */
export type DeadLetterPage = { 
/**
 * The dead letters.
 */
items: Array<DeadLetter>, 
/**
 * The `cursor` of the next page; absent on the last page.
 */
nextCursor?: string, };

/**
 * A dead letter to remove, so that the next run takes the session again.
 */
export type DeadLetterRemoveParams = { 
/**
 * The name of the job.
 */
job: string, 
/**
 * The id of the session.
 */
id: string, };

/**
 * The result of adding dead letters.
 */
export type DeadLettersAdded = { 
/**
 * The number of dead letters.
 */
added: number, };

/**
 * The ids of the sessions that are dead letters.
 */
export type DeadLettersAmong = { 
/**
 * The ids.
 */
ids: Array<string>, };

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
 * The full name of the branch or tag of the run, such as `refs/tags/v1.0`; for a pull request its
 * head branch.
 */
gitRef?: string, 
/**
 * Which runs of a commit are the same: those of one `ref`, or all of them, `commit`. By default
 * tags are distinguished, and branches are not.
 */
by?: DedupBy, 
/**
 * The key of the run; by default derived from workflow, event, commit and, where refs are
 * distinguished, the ref.
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
 * Which runs of a commit are the same.
 */
export type DedupBy = "commit" | "ref";

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
 * The full name of the branch or tag of the run, such as `refs/tags/v1.0`; for a pull request its
 * head branch.
 */
gitRef?: string, 
/**
 * Which runs of a commit are the same: those of one `ref`, or all of them, `commit`. By default
 * tags are distinguished, and branches are not.
 */
by?: DedupBy, 
/**
 * The key of the run; by default derived from workflow, event, commit and, where refs are
 * distinguished, the ref.
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
 * The id of the run. Without one a person frees the key: whichever run has it no longer blocks
 * others, and its window ends.
 */
runId?: string, 
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
 * The runs on a day.
 */
export type DedupDay = { 
/**
 * The day in UTC, as `2026-01-08`.
 */
date: string, 
/**
 * The number of runs that have ended on this day.
 */
runs: number, 
/**
 * The number of those that were prevented as duplicates.
 */
duplicatesPrevented: number, };

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
 * The full name of the branch or tag of the run, such as `refs/tags/v1.0`; for a pull request its
 * head branch.
 */
gitRef?: string, 
/**
 * Whether the locks of commits hold for one `ref`, or for all refs of the `commit`. By default a
 * tag has no part in them, and a branch has.
 */
by?: DedupBy, 
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
 * Runs on some days.
 */
export type DedupStats = { 
/**
 * The number of runs that have ended on these days.
 */
runs: number, 
/**
 * The number of those that were prevented as duplicates.
 */
duplicatesPrevented: number, 
/**
 * Each day, the first first; days without runs are among them.
 */
days: Array<DedupDay>, };

/**
 * The days whose runs to count.
 */
export type DedupStatsParams = { 
/**
 * The first day, as `2026-01-02` or `20260102`, in UTC; by default the sixth before the last, so that
 * the days are a week.
 */
from?: string, 
/**
 * The last day; today by default. At most 366 days are counted.
 */
to?: string, };

/**
 * A session to delete.
 */
export type DeleteParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * Whether a session in the trash is found; `"include"` by default.
 */
trash?: Trash, 
/**
 * The fencing token of the session's lease, if it is held.
 */
token?: number, };

/**
 * How agents have done. Ratios are from 0 to 1, and `null` without data.
 */
export type DerivedAgentMetrics = { 
/**
 * The number of agents by phase.
 */
phases: Record<string, number>, 
/**
 * The agents created per day, since the first one.
 */
createdPerDay: number, 
/**
 * The decisions whether to resume an agent, of the last 30 days.
 */
decisions: number, 
/**
 * The decisions to resume, of the last 30 days.
 */
resumed: number, 
/**
 * The share of decisions to resume.
 */
resumeRatio: number | null, 
/**
 * The share of completed agents among those that were resumed and have ended.
 */
resumeSuccessRatio: number | null, 
/**
 * The median of the durations of ended agents, in seconds.
 */
durationMedianSeconds: number | null, 
/**
 * The 95th percentile of the durations of ended agents, in seconds.
 */
durationP95Seconds: number | null, 
/**
 * The share of agents that have met errors or failed.
 */
errorRatio: number | null, 
/**
 * When the last cleanup ended, in seconds since 1970; `null` if none ended in the last 30 days.
 */
lastCleanupSeconds: number | null, };

/**
 * The metrics that follow from what is stored.
 */
export type DerivedMetrics = { 
/**
 * The number of sessions by status.
 */
sessions: Record<string, number>, 
/**
 * The tokens of the prompts of all sessions.
 */
promptTokens: number, 
/**
 * The tokens of the completions of all sessions.
 */
completionTokens: number, 
/**
 * The cost of all sessions, in the user's unit.
 */
cost: number, 
/**
 * How agents have done.
 */
agents: DerivedAgentMetrics, };

/**
 * The state of a session or record in the target that differs from the source.
 */
export type Difference = "missing" | "older" | "newer" | "different" | "unreadable" | "held";

/**
 * Which end of a list comes first.
 */
export type Direction = "desc" | "asc";

/**
 * How durations, costs, tokens and iterations are distributed among sessions. Percentiles are exact: the
 * nearest rank, which is a value of one of the sessions.
 */
export type Distribution = { 
/**
 * The number of sessions.
 */
total: number, 
/**
 * The histogram of used iterations: the number of sessions that have used 0, 1 to 5, up to 10, 20, 50,
 * 100 and 200, and more. Parts without sessions are among them.
 */
iterations: Array<IterationCount>, 
/**
 * The durations of the sessions that have ended for good, from their creation to their end, in
 * milliseconds; `null` if none has.
 */
durationMs: Percentiles | null, 
/**
 * The costs of the sessions, 0 for one without; `null` without sessions.
 */
cost: Percentiles | null, 
/**
 * The tokens of the sessions, 0 for one without; `null` without sessions.
 */
tokens: Percentiles | null, 
/**
 * The groups with the most sessions: as many as `groups` asks for. Of groups with as many the first names
 * come first. Empty without `by`.
 */
groups: Array<GroupDistribution>, 
/**
 * The number of groups that `groups` omits.
 */
groupsOmitted: number, };

/**
 * Of which sessions to compute the distribution.
 */
export type DistributionParams = { 
/**
 * Only sessions of this user.
 */
userId?: string, 
/**
 * Only sessions of this channel.
 */
channelId?: string, 
/**
 * Only sessions of this mode.
 */
mode?: string, 
/**
 * Only sessions with this status, or with one of these.
 */
status?: Status | readonly Status[], 
/**
 * Only sessions of agents in this phase, or in one of these.
 */
phase?: Phase | readonly Phase[], 
/**
 * Only sessions in slots of this task, or of one of these; 1,000 at most.
 */
taskIds?: string | readonly string[], 
/**
 * Only sessions in slots of this phase, or of one of these.
 */
slotPhase?: SlotPhase | readonly SlotPhase[], 
/**
 * Only sessions with this model: that of the slot, or without a slot `metadata.model`.
 */
model?: string, 
/**
 * Only forks of the session with this id.
 */
parentId?: string, 
/**
 * Only sessions created at this time or later.
 */
createdAfter?: string, 
/**
 * Only sessions created at this time or earlier.
 */
createdBefore?: string, 
/**
 * Only sessions last changed at this time or later.
 */
updatedAfter?: string, 
/**
 * Only sessions last changed at this time or earlier.
 */
updatedBefore?: string, 
/**
 * Only sessions that have used this many iterations or more.
 */
minIterations?: number, 
/**
 * Only sessions that have used this many iterations or fewer.
 */
maxIterations?: number, 
/**
 * Only sessions whose tasks contain this text; A-Z and a-z are the same.
 */
text?: string, 
/**
 * Whether sessions in the trash are included; `"exclude"` by default.
 */
trash?: Trash, 
/**
 * By what the sessions are grouped; by default they are not.
 */
by?: GroupBy, 
/**
 * The number of groups, those with the most sessions: 0 to 1,000, 10 by default. Only with `by`.
 */
groups?: number, };

/**
 * A page of a history.
 */
export type EventPage = { 
/**
 * The events in their order.
 */
items: Array<SessionEvent>, 
/**
 * The `after` of the next page; absent on the last page, and in the order `"desc"`. A page may have
 * fewer events than `limit`.
 */
nextAfter?: number, 
/**
 * The `before` of the next page in the order `"desc"`; absent on the last page.
 */
nextBefore?: number, };

/**
 * The sequence numbers of events, both ends included.
 */
export type EventRange = { 
/**
 * The first sequence number.
 */
first: number, 
/**
 * The last sequence number.
 */
last: number, };

/**
 * A part of a history.
 */
export type EventsParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * Only events of this type, or of one of these.
 */
type?: EventType | readonly EventType[], 
/**
 * The order: `"asc"` (the default) begins with the oldest event, `"desc"` with the newest.
 */
order?: Direction, 
/**
 * Only events after this sequence number.
 */
after?: number, 
/**
 * Only events before this sequence number.
 */
before?: number, 
/**
 * The greatest number of events: 1 to 1,000, 100 by default.
 */
limit?: number, };

/**
 * The precondition of a change: the version of the stored session or record.
 */
export type Expect = { "kind": "absent" } | { "kind": "present" } | { "kind": "version", 
/**
 * The version.
 */
version: number, } | { "kind": "any" };

/**
 * A part of a session's text.
 */
export type ExportPart = { 
/**
 * The text, which may be empty. The text of the session is that of all parts.
 */
text: string, 
/**
 * The version of the exported session.
 */
version: number, 
/**
 * What an archive lists of the session: its user, mode, status, slot, model, times and number of events; with the first part.
 */
about?: JsonObject, 
/**
 * The `after` of the next part; absent on the last part.
 */
next?: string, };

/**
 * The part of a session's text to export.
 */
export type ExportPartParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * Whether the session may be in the trash; `include` by default.
 */
trash?: Trash, 
/**
 * The `next` of the previous part; the first part by default.
 */
after?: string, };

/**
 * A session that has failed.
 */
export type FailParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The error of the session.
 */
error?: string, 
/**
 * The stack of the error, which the event keeps.
 */
stack?: string, 
/**
 * The effect on a finished session: `"refuse"` (the default) fails, `"keep"` leaves it
 * unchanged.
 */
ifFinished?: "refuse" | "keep", 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * A change with its position.
 */
export type FedChange = { 
/**
 * Its position: greater than that of every earlier change.
 */
position: number, 
/**
 * What it did.
 */
kind: ChangeKind, 
/**
 * The id of the session, or the key of the lease's or the entry's record.
 */
key: string, 
/**
 * The events that it appended. Without those of a history that was removed or replaced since.
 */
events?: EventRange, };

/**
 * A part of a feed, and what there is of it.
 */
export type FeedPage = { 
/**
 * The changes, in the order of their positions.
 */
changes: Array<FedChange>, 
/**
 * The position after which every change is kept.
 */
keptAfter: number, 
/**
 * The position of the newest change; 0 if nothing was changed yet.
 */
newest: number, };

/**
 * Which part of a feed to read.
 */
export type FeedQuery = { 
/**
 * Begin after this position; `null` reads no changes, only where the feed begins and ends.
 */
after: number | null, 
/**
 * How many changes at most; at least 1.
 */
limit: number, };

/**
 * The result of importing a file.
 */
export type FileImport = { 
/**
 * The kind of the file's items; absent for an unknown layout.
 */
holds?: Holds, 
/**
 * The number of items that were written, or would be written.
 */
written: number, 
/**
 * The number of items that the store has already.
 */
unchanged: number, 
/**
 * The number of items that are newer in the store, which stay.
 */
newer: number, 
/**
 * The items that could not be read or written.
 */
problems: Array<FileProblem>, };

/**
 * An item of a file that could not be read or written.
 */
export type FileProblem = { 
/**
 * The code of the error.
 */
code: string, 
/**
 * The message of the error.
 */
message: string, };

/**
 * The conditions on a session. All given conditions must hold.
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
 * The model of this name works on it: in its slot, or without a slot by its metadata.
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
 * Has used this many iterations or more.
 */
minIterations: number | null, 
/**
 * Has used this many iterations or fewer.
 */
maxIterations: number | null, 
/**
 * Has this text in its task; A-Z and a-z are the same, other letters are not.
 */
text: string | null, 
/**
 * Whether sessions in the trash count.
 */
trash: Trash, };

/**
 * When an agent that has stopped without an error is finalized.
 */
export type FinalizePolicy = "auto" | "always";

/**
 * A tool call that has ended.
 */
export type FinishToolCallParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The id of the call.
 */
callId: string, 
/**
 * The result of the call.
 */
result?: unknown, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * A new session with a copy of another one's history.
 */
export type ForkParams = { 
/**
 * The id of the session to fork.
 */
id: string, 
/**
 * The id of the new session; generated by default.
 */
newId?: string, 
/**
 * Copy the history up to this sequence number; by default all of it.
 */
atSequence?: number, 
/**
 * The task of the new session; by default that of the forked one.
 */
task?: string, 
/**
 * The number of iterations allowed; by default that of the forked session.
 */
maxIterations?: number, 
/**
 * Properties to merge into the copied context.
 */
context?: JsonObject, };

/**
 * A session and the part of its history to return.
 */
export type GetParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * `"all"`, `"none"`, or the number of last events; 100 by default.
 */
history?: "all" | "none" | number, 
/**
 * Whether a session in the trash is found; `"include"` by default.
 */
trash?: Trash, };

/**
 * By what sessions are grouped.
 */
export type GroupBy = "mode" | "model" | "user";

/**
 * How durations, costs and tokens are distributed among the sessions of one mode, model or user.
 */
export type GroupDistribution = { 
/**
 * The mode, the model or the user; `null` for the sessions without one.
 */
name: string | null, 
/**
 * The number of sessions.
 */
sessions: number, 
/**
 * The durations of the sessions that have ended for good, in milliseconds; `null` if none has.
 */
durationMs: Percentiles | null, 
/**
 * The costs of the sessions.
 */
cost: Percentiles | null, 
/**
 * The tokens of the sessions.
 */
tokens: Percentiles | null, };

/**
 * Heads of sessions as bytes.
 */
export type HeadsPage = { 
/**
 * The bytes, in base 64. Of the sessions that were named, those that are not there are noted in them.
 */
bytes: string, 
/**
 * The number of heads.
 */
count: number, 
/**
 * The `cursor` of the next page; absent on the last page.
 */
nextCursor?: string, 
/**
 * The ids of the sessions that have to be asked for again, since the page is large enough without them.
 */
unread: Array<string>, 
/**
 * The position in the feed from before the heads were read; absent over a store without a feed. The
 * changes after it are those that the heads may lack.
 */
position?: number, 
/**
 * Sessions that could not be read. They do not affect the others.
 */
problems: Array<Problem>, };

/**
 * Which heads to read.
 */
export type HeadsParams = { 
/**
 * The ids of the sessions, at most 1,000; all sessions by default.
 */
ids?: Array<string>, 
/**
 * The greatest number of heads: 1 to 10,000, 5,000 by default.
 */
limit?: number, 
/**
 * The `nextCursor` of the previous page of all sessions.
 */
cursor?: string, };

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
 * A session to hold.
 */
export type HoldParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The name of the holder; by default the calling process. A process holds the session for as
 * long as it runs, any other holder until the lease expires.
 */
holder?: string, 
/**
 * The duration of the lease in milliseconds; 30,000 by default.
 */
leaseDurationMs?: number, 
/**
 * The holder's data, a JSON object; `{}` by default.
 */
data?: JsonObject, };

/**
 * The kind of a file's items.
 */
export type Holds = "sessions" | "leases" | "audit";

/**
 * An event of a host.
 */
export type HookEventParams = { 
/**
 * The input of the hook: the text of a JSON object that names its event, `hook_event_name`.
 */
input: string, 
/**
 * The idle time from which an agent is not resumable: milliseconds or text such as `"30m"`. 30
 * minutes by default.
 */
idle?: number | string, 
/**
 * The number of errors from which an agent is not resumable; 3 by default.
 */
maxErrors?: number, 
/**
 * When an agent that stopped is finalized: `auto`, unless it is paused or can be resumed, or
 * `always`. `auto` by default.
 */
finalize?: FinalizePolicy, };

/**
 * A task that is about to be handed to an agent.
 */
export type HookPreDelegateParams = { 
/**
 * The input of the hook: the text of a JSON object.
 */
input: string, 
/**
 * The idle time from which an agent is not resumable: milliseconds or text such as `"30m"`. 30
 * minutes by default.
 */
idle?: number | string, 
/**
 * The number of errors from which an agent is not resumable; 3 by default.
 */
maxErrors?: number, };

/**
 * The reply of a hook.
 */
export type HookReply = { 
/**
 * The exit code of the hook: 1 if the input is no JSON object, otherwise 0.
 */
exitCode: number, 
/**
 * The JSON object that the hook prints.
 */
output: JsonObject, };

/**
 * An agent that has stopped.
 */
export type HookSubagentStopParams = { 
/**
 * The input of the hook: the text of a JSON object.
 */
input: string, 
/**
 * When an agent that stopped without an error is finalized: `auto`, unless it is paused or can
 * be resumed, or `always`. `auto` by default.
 */
finalize?: FinalizePolicy, };

/**
 * A session.
 */
export type IdParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * Whether a session in the trash is found; `"include"` by default.
 */
trash?: Trash, };

/**
 * The numbers of imported sessions, leases or entries of the audit log.
 */
export type ImportCounts = { 
/**
 * The number that was written, or would be with `dryRun`.
 */
written: number, 
/**
 * The number that existed already.
 */
unchanged: number, 
/**
 * The number that is newer in the target, and was not changed.
 */
newer: number, };

/**
 * What to import.
 */
export type ImportDirectoryParams = { 
/**
 * The path of the folder, or of one file, with `/` or `\` as separator.
 */
path: string, 
/**
 * Whether the path is that of a file; `false` by default.
 */
isFile?: boolean, 
/**
 * Only report what would be written; `false` by default.
 */
dryRun?: boolean, 
/**
 * The fencing token of the leases of the sessions in their place, if those are held.
 */
token?: number, };

/**
 * The result of an import.
 */
export type ImportDirectoryResult = { 
/**
 * The sessions.
 */
sessions: ImportCounts, 
/**
 * The leases.
 */
leases: ImportCounts, 
/**
 * The entries of the audit log.
 */
audit: ImportCounts, 
/**
 * The number of files with a known format.
 */
files: number, 
/**
 * The number of problems.
 */
failed: number, 
/**
 * The first 1,000 problems.
 */
problems: Array<ImportProblem>, 
/**
 * Whether the call was a dry run and wrote nothing.
 */
dryRun: boolean, };

/**
 * A file to import.
 */
export type ImportFileParams = { 
/**
 * The path of the file, with `/` or `\` as separator.
 */
path: string, 
/**
 * The content of the file.
 */
text: string, 
/**
 * When the file was last written.
 */
modifiedAt?: string, 
/**
 * Report what would be written, and write nothing; `false` by default.
 */
dryRun?: boolean, 
/**
 * The fencing token of the leases of the sessions in their place, if those are held.
 */
token?: number, };

/**
 * A session as text.
 */
export type ImportParams = { 
/**
 * The text that `export` returned, or a `session.json` of the same shape.
 */
text: string, 
/**
 * Replace a session that has its id; `true` by default. With `false`, `SESSION_EXISTS`.
 */
replace?: boolean, 
/**
 * The fencing token of the lease of the session in its place, if that is held.
 */
token?: number, };

/**
 * A file that could not be read, or an item that could not be written. Others are not affected.
 */
export type ImportProblem = { 
/**
 * The file or folder, relative to the folder of the import.
 */
path: string, 
/**
 * The code of the error.
 */
code: string, 
/**
 * The error message.
 */
message: string, };

/**
 * The progress of an import.
 */
export type ImportProgress = { 
/**
 * The last processed file, relative to the folder.
 */
path: string, 
/**
 * The number of processed files.
 */
files: number, };

/**
 * An iteration to count.
 */
export type IncrementIterationParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The data of the event, a JSON object; by default the number of the iteration.
 */
data?: JsonObject, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * A part of the histogram of used iterations.
 */
export type IterationCount = { 
/**
 * The smallest number of iterations in this part.
 */
from: number, 
/**
 * The greatest number of iterations in this part; `null` in the last part, which has no end.
 */
to: number | null, 
/**
 * The number of sessions.
 */
sessions: number, };

/**
 * Something that a person should know of.
 */
export type JobAlert = { 
/**
 * The job.
 */
job: string, 
/**
 * `slow`: the run takes longer than it should; `errors`: too many sessions could not be processed; `failed`: no attempt has succeeded.
 */
reason: string, 
/**
 * The details, as a sentence.
 */
message: string, };

/**
 * The reply to a claim.
 */
export type JobClaim = { 
/**
 * The outcome.
 */
outcome: JobClaimOutcome, 
/**
 * The time after which to claim again, in milliseconds.
 */
waitMs: number, 
/**
 * The name of the instance that runs the job.
 */
holder?: string, 
/**
 * The fencing token of the run.
 */
token?: number, 
/**
 * The occurrence of the schedule that is run.
 */
scheduledAt?: string, 
/**
 * The number of occurrences before it that were not run.
 */
missed: number, 
/**
 * Whether it is run later than 5 minutes after its time.
 */
isLate: boolean, 
/**
 * The attempt, from 1. With `wait`, the last attempt of a run that was abandoned with this claim, or 0.
 */
attempt: number, 
/**
 * Whether the process of the attempt before has ended while it ran.
 */
resumes: boolean, };

/**
 * The outcome of a claim.
 */
export type JobClaimOutcome = "wait" | "held" | "run";

/**
 * A job to claim, with its schedule.
 */
export type JobClaimParams = { 
/**
 * The name of the job.
 */
job: string, 
/**
 * When it runs: a time of day in UTC, which is `"03:00"` by default, or a cron expression of five fields, in UTC.
 */
at?: string, 
/**
 * Claim a run now, whether or not the job is due; `false` by default.
 */
now?: boolean, };

/**
 * The end of a run.
 */
export type JobEndParams = { 
/**
 * The name of the job.
 */
job: string, 
/**
 * The fencing token that `jobClaim` returned.
 */
token: number, 
/**
 * The report of the run, a JSON object.
 */
report: JsonObject, 
/**
 * Retry the run after this time, in milliseconds; by default it has ended.
 */
retryAfterMs?: number, 
/**
 * Whether the run was stopped, so that its attempt does not count; `false` by default.
 */
stopped?: boolean, };

/**
 * Which jobs to list.
 */
export type JobListParams = { 
/**
 * Only the job of this name.
 */
job?: string, };

/**
 * Where a job is.
 */
export type JobPhase = "idle" | "running" | "waiting";

/**
 * The report of a run.
 */
export type JobReport = { 
/**
 * The job.
 */
job: string, 
/**
 * `done`, `failed`, `stopped`, `lost` (another instance has the lease), `held` (another instance runs it) or `waits`.
 */
outcome: string, 
/**
 * The holder of the lease, if another instance runs the job.
 */
holder: string | null, 
/**
 * The occurrence of the schedule.
 */
scheduledAt: string | null, 
/**
 * The number of occurrences before it that were not run.
 */
missed: number, 
/**
 * Whether it began later than 5 minutes after its time.
 */
isLate: boolean, 
/**
 * Whether the process of the attempt before has ended while it ran.
 */
resumes: boolean, 
/**
 * The attempt, from 1.
 */
attempt: number, 
/**
 * The number of sessions that were looked at. One that is moved to the trash and removed by the same run counts twice.
 */
sessions: number, 
/**
 * The number of sessions that were moved to the trash.
 */
trashed: number, 
/**
 * The number of sessions that were archived and verified.
 */
archived: number, 
/**
 * The number of sessions that were removed.
 */
removed: number, 
/**
 * The number of sessions that could not be processed.
 */
errors: number, 
/**
 * The first 100 of these that cannot be read, with what is wrong. A run does not try them again.
 */
unreadable: Array<NotPurged>, 
/**
 * The number of these that became dead letters.
 */
deadLetters: number, 
/**
 * The number of sessions that were left alone, because they are dead letters of earlier runs.
 */
leftAlone: number, 
/**
 * The number of sessions that were removed from the archive.
 */
thinned: number, 
/**
 * The size of what was archived, in bytes.
 */
bytes: number, 
/**
 * The duration of the run, in milliseconds.
 */
durationMs: number, 
/**
 * The code and the message of the error that ended it.
 */
error: string | null, };

/**
 * Sessions that could not be processed, and are tried again.
 */
export type JobRetry = { 
/**
 * The number of sessions.
 */
sessions: number, 
/**
 * The time until then, in milliseconds.
 */
afterMs: number, 
/**
 * The id of the first of them.
 */
id: string, 
/**
 * The code of the error of the first of them.
 */
code: string, 
/**
 * The message of that error.
 */
message: string, };

/**
 * A job.
 */
export type JobView = { 
/**
 * Its name.
 */
job: string, 
/**
 * Where it is.
 */
phase: JobPhase, 
/**
 * The occurrence of its schedule that was run last; before the first run, when it was first seen.
 */
last: string, 
/**
 * The attempt of that occurrence, from 1.
 */
attempt: number, 
/**
 * When the last run began; `null` before the first.
 */
startedAt: string | null, 
/**
 * When the last run ended; `null` before the first.
 */
endedAt: string | null, 
/**
 * The report of the last run; `null` before the first.
 */
report: JsonObject | null, };

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
 * The duration in milliseconds. By default 30,000, or the current duration if the holder renews
 * its own lease.
 */
leaseDurationMs?: number, 
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
 * The loss of a lease to another holder.
 */
export type LeaseLoss = { 
/**
 * The reason.
 */
problem: string, };

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
 * The duration in milliseconds, counted from now. By default the current duration.
 */
leaseDurationMs?: number, 
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
 * The duration in milliseconds, counted from now. By default the current duration.
 */
leaseDurationMs?: number, };

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
 * The limits of inputs.
 */
export type Limits = { 
/**
 * The greatest size of an event's `data`, in bytes; 1 MiB by default.
 */
maxDataBytes: number, 
/**
 * The greatest size of a session's `context`, and of its `metadata`, in bytes; 1 MiB by default.
 */
maxContextBytes: number, 
/**
 * The greatest size of a task, in bytes; 64 KiB by default.
 */
maxTaskBytes: number, 
/**
 * The greatest size of a result, an error or a reason, in bytes; 1 MiB by default.
 */
maxTextBytes: number, 
/**
 * The greatest size of a name (user, channel, mode, workspace, event type, tool), in bytes; 4 KiB
 * by default.
 */
maxLabelBytes: number, 
/**
 * The greatest number of nested levels in JSON; 128 by default.
 */
maxDepth: number, 
/**
 * The greatest number of events in one `addEvents`; 1,000 by default.
 */
maxBatch: number, };

/**
 * Which sessions to list, and how.
 */
export type ListParams = { 
/**
 * Only sessions of this user.
 */
userId?: string, 
/**
 * Only sessions of this channel.
 */
channelId?: string, 
/**
 * Only sessions of this mode.
 */
mode?: string, 
/**
 * Only sessions with this status, or with one of these.
 */
status?: Status | readonly Status[], 
/**
 * Only sessions of agents in this phase, or in one of these.
 */
phase?: Phase | readonly Phase[], 
/**
 * Only sessions in slots of this task, or of one of these; 1,000 at most.
 */
taskIds?: string | readonly string[], 
/**
 * Only sessions in slots of this phase, or of one of these.
 */
slotPhase?: SlotPhase | readonly SlotPhase[], 
/**
 * Only sessions with this model: that of the slot, or without a slot `metadata.model`.
 */
model?: string, 
/**
 * Only forks of the session with this id.
 */
parentId?: string, 
/**
 * Only sessions created at this time or later.
 */
createdAfter?: string, 
/**
 * Only sessions created at this time or earlier.
 */
createdBefore?: string, 
/**
 * Only sessions last changed at this time or later.
 */
updatedAfter?: string, 
/**
 * Only sessions last changed at this time or earlier.
 */
updatedBefore?: string, 
/**
 * Only sessions that have used this many iterations or more.
 */
minIterations?: number, 
/**
 * Only sessions that have used this many iterations or fewer.
 */
maxIterations?: number, 
/**
 * Only sessions whose tasks contain this text; A-Z and a-z are the same.
 */
text?: string, 
/**
 * Whether sessions in the trash are included; `"exclude"` by default.
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
 * The greatest number of sessions in the page: 1 to 1,000, 50 by default.
 */
limit?: number, 
/**
 * The number of sessions to skip; 0 by default.
 */
offset?: number, 
/**
 * The `nextCursor` of the previous page.
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
 * The sessions of a bulk operation.
 */
export type ManyParams = { 
/**
 * The ids of the sessions, 1,000 at most.
 */
ids: Array<string>, 
/**
 * The fencing token of the leases of these sessions, if they are held.
 */
token?: number, };

/**
 * The start of a session's age.
 */
export type Measure = "created" | "updated";

/**
 * A value against its target.
 */
export type Metric = { 
/**
 * The value; `null` without data.
 */
value: number | null, 
/**
 * The target.
 */
target: number, 
/**
 * Whether the value should be above or below the target.
 */
wanted: Wanted, 
/**
 * Whether the value meets the target; `null` without data.
 */
met: boolean | null, };

/**
 * The metrics of a store.
 */
export type Metrics = { 
/**
 * What all handles have counted that record it, and the one that asks.
 */
counts: MetricsCounts, 
/**
 * What the processes use whose handles record, and that of the handle that asks; each once.
 */
processes: Array<MetricsProcess>, 
/**
 * The number of handles that are counted in.
 */
handles: number, 
/**
 * The size of the store on disk in bytes, as the handle that asks knows it, or else another; `null` where
 * none does.
 */
storeBytes: number | null, 
/**
 * Whether there were more records than are read, or some that only a newer version can read. The counts are too
 * small then.
 */
isIncomplete: boolean, 
/**
 * What follows from the sessions and the audit log; `null` if it was not asked for, and for a store without
 * sessions.
 */
derived: DerivedMetrics | null, };

/**
 * What was counted.
 */
export type MetricsCounts = { 
/**
 * The counters, by family and labels.
 */
counters: Record<string, Record<string, number>>, 
/**
 * The histograms, by family and labels.
 */
histograms: Record<string, Record<string, MetricsHistogram>>, };

/**
 * Which records to add to the total.
 */
export type MetricsFoldParams = { 
/**
 * How many at most: 1 to 100, 100 by default.
 */
limit?: number, };

/**
 * The result of adding records to the total.
 */
export type MetricsFolded = { 
/**
 * The number of records that were added to the total.
 */
folded: number, };

/**
 * A histogram of durations.
 */
export type MetricsHistogram = { 
/**
 * The number of measurements in each bucket, and in the last one those above all bounds. Empty buckets at the
 * end are left out.
 */
counts: Array<number>, 
/**
 * The sum of all durations, in microseconds.
 */
sumUs: number, };

/**
 * The outcome of recording.
 */
export type MetricsOutcome = "recorded" | "folded";

/**
 * Which metrics to read.
 */
export type MetricsParams = { 
/**
 * The handle that asks, as in `metricsRecord`. What it says itself is counted instead of its record.
 */
instance?: string, 
/**
 * What the handle that asks has counted, a JSON object.
 */
own?: JsonObject, 
/**
 * What its record has, in the same form. If the record is gone, the total has it, and it is not counted again.
 */
recorded?: JsonObject, 
/**
 * Whether to compute what follows from the sessions and the audit log, which may read all heads of
 * agents; `true` by default.
 */
derive?: boolean, };

/**
 * The connections of a handle.
 */
export type MetricsPool = { 
/**
 * The greatest number of connections.
 */
max: number, 
/**
 * The connections in use.
 */
active: number, 
/**
 * The connections that are open and not in use.
 */
idle: number, 
/**
 * The calls that wait for a connection.
 */
waiting: number, 
/**
 * How many times a connection could not be opened, or was not free in time.
 */
failures: number, 
/**
 * How long calls have waited for a connection that they got.
 */
waits: MetricsHistogram, };

/**
 * What a process uses. Several handles of a process say the same, but for the pool.
 */
export type MetricsProcess = { 
/**
 * Its name: the name of its machine and its PID, such as `bot-1:4711`.
 */
name: string, 
/**
 * The CPU time that it has used, in microseconds; `null` where the system does not say it.
 */
cpuUs: number | null, 
/**
 * The memory that it has resident, in bytes; `null` where the system does not say it.
 */
residentBytes: number | null, 
/**
 * The connections of the handle to a database; `null` for a store without connections.
 */
pool: MetricsPool | null, };

/**
 * What a handle records.
 */
export type MetricsRecordParams = { 
/**
 * Identifies the handle among those of all processes: text of its own, of 64 characters at most.
 */
instance: string, 
/**
 * What it has counted in total, a JSON object.
 */
own: JsonObject, 
/**
 * Whether it has recorded before. If its record is gone then, nothing is written: the record was added to
 * the total.
 */
known?: boolean, 
/**
 * Whether the handle is being closed. What it has counted is added to the total, and its record removed.
 */
ended?: boolean, 
/**
 * Whether other handles of the process record. What the connections of the handle have counted is kept for them
 * when it is closed.
 */
others?: boolean, };

/**
 * The result of recording.
 */
export type MetricsRecorded = { 
/**
 * The outcome.
 */
outcome: MetricsOutcome, 
/**
 * The time until the next record, in milliseconds.
 */
nextMs: number, 
/**
 * Whether to call `metricsFold` now. One call among many is asked to.
 */
folds: boolean, };

/**
 * How a model differs from another.
 */
export type ModelChange = "minor" | "major";

/**
 * A model with a version or parameters.
 */
export type ModelSpec = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its version; the part before the first dot is the major version.
 */
version?: string, 
/**
 * Its parameters, a JSON object; `{}` by default.
 */
params?: JsonObject, 
/**
 * The names of the significant parameters: a change of one is a major change. By default all
 * parameters are significant.
 */
significant?: Array<string>, };

/**
 * An event to record.
 */
export type NewEvent = { 
/**
 * The type of the event. A lifecycle type also has the effect of its operation.
 */
type: EventType, 
/**
 * The data of the event, a JSON object; `{}` by default.
 */
data?: JsonObject, };

/**
 * A session that was not purged.
 */
export type NotPurged = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The code of the error; `ARCHIVE_FAILED` if the archive failed without one.
 */
code: CoreErrorCode | DriverErrorCode, 
/**
 * The message of the error.
 */
message: string, };

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
 * The duration of the claim in milliseconds, unless the claimer is a running process; 300,000 by
 * default.
 */
leaseDurationMs?: number, };

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
 * New values for any properties of a session. `null` clears an optional property.
 */
export type OverrideParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The properties to set; `context` and `metadata` are merged.
 */
updates: Overrides, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

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
 * The id of the session.
 */
id: string, 
/**
 * The reason, which is stored in the context as `pauseReason`.
 */
reason?: string, 
/**
 * The data of the event, a JSON object; by default the reason.
 */
data?: JsonObject, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * Percentiles of a measure.
 */
export type Percentiles = { 
/**
 * The least value that half of the sessions do not exceed.
 */
median: number, 
/**
 * The least value that 95 percent of the sessions do not exceed.
 */
p95: number, };

/**
 * The phase of an agent's work.
 */
export type Phase = "initializing" | "investigating" | "planning" | "approval" | "executing" | "validating" | "completed" | "failed" | "abandoned";

/**
 * A change of an agent's phase.
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
 * When the agent entered it.
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
 * Investigating.
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
 * Executing the plan.
 */
executing: number, 
/**
 * Validating the result.
 */
validating: number, 
/**
 * Ended with success.
 */
completed: number, 
/**
 * Ended with a failure.
 */
failed: number, 
/**
 * Abandoned.
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
 * The identity of a process. It differs from that of every other process, also on other machines and
 * of earlier or later processes with the same PID.
 */
export type Process = { 
/**
 * The id of its session: a UUID that it generates when it starts.
 */
session: string, 
/**
 * Its PID.
 */
pid?: number, 
/**
 * When it started, in the unit of its host. It distinguishes processes with the same PID.
 */
startTime?: number, 
/**
 * The boot ID of its machine.
 */
bootId?: string, 
/**
 * The namespace of its PID.
 */
pidNamespace?: string, 
/**
 * The host name of its machine, for display.
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
 * Which sessions in the trash to delete, and how.
 */
export type PurgeJobParams = { 
/**
 * The time in the trash from which sessions are deleted: milliseconds or text such as `"30d"`.
 */
olderThan: number | string, 
/**
 * Only these sessions; one that has not been in the trash for that time stays.
 */
ids?: Array<string>, 
/**
 * The greatest number of sessions, oldest first; by default all.
 */
limit?: number, 
/**
 * The `nextCursor` of the previous call.
 */
cursor?: string, 
/**
 * Report what would be deleted, and delete nothing; `false` by default.
 */
dryRun?: boolean, 
/**
 * Archive each session before it is deleted; `false` by default.
 */
archive?: boolean, 
/**
 * The number of sessions in a batch: 1 to 1,000.
 */
batch?: number, };

/**
 * Which sessions in the trash to delete.
 */
export type PurgeParams = { 
/**
 * The time in the trash from which sessions are deleted: milliseconds or text such as `"30d"`.
 */
olderThan: number | string, 
/**
 * Only these sessions, 1,000 at most; one that has not been in the trash for that time stays.
 * It is refused with `limit` and `cursor`.
 */
ids?: Array<string>, 
/**
 * The version of each of `ids`. A session at another version stays, and is listed in `failed`
 * with `VERSION_CONFLICT`. By default the versions are not compared.
 */
versions?: Array<number>, 
/**
 * The greatest number of sessions, oldest first: 1 to 1,000; by default all.
 */
limit?: number, 
/**
 * The `nextCursor` of the previous call.
 */
cursor?: string, 
/**
 * Report what would be deleted, and delete nothing; `false` by default.
 */
dryRun?: boolean, };

/**
 * The progress of a purge.
 */
export type PurgeProgress = { 
/**
 * The number of sessions that were deleted.
 */
removed: number, 
/**
 * The number of sessions that were archived, and are not deleted yet.
 */
archived: number, };

/**
 * The result of a purge.
 */
export type PurgeResult = { 
/**
 * The number of sessions that were deleted, or would be deleted.
 */
removed: number, 
/**
 * The ids of the first 1,000 deleted sessions.
 */
ids: Array<string>, 
/**
 * The first 1,000 sessions that were not purged, with the reason.
 */
failed: Array<NotPurged>, 
/**
 * The first 1,000 of the given sessions that are not due: they are not in the trash, have not been
 * there for long enough, or a runner holds them. Absent if there are none.
 */
notDue?: Array<string>, 
/**
 * Whether the call was a dry run and deleted nothing.
 */
dryRun: boolean, 
/**
 * The `cursor` of the next call; present if this one ended because of its `limit`.
 */
nextCursor?: string, };

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
 * The precondition of the change.
 */
expect: Expect, 
/**
 * The record to write, of the same kind and key; `None` removes it.
 */
record: StoredRecord | null, };

/**
 * A learning of the agent to record.
 */
export type RecordLearningParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * What the agent learned.
 */
insight: string, 
/**
 * The path of the file that stores it.
 */
expertiseFile?: string, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * A tool call to record.
 */
export type RecordToolCallParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The name of the tool.
 */
tool: string, 
/**
 * The arguments of the call.
 */
args?: unknown, 
/**
 * The result of the call.
 */
result?: unknown, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * Usage to add to the session's `metadata`.
 */
export type RecordUsageParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The tokens used.
 */
tokens?: TokensParam, 
/**
 * The cost, in a unit of the caller's choice.
 */
cost?: number, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * The result of removing expired records.
 */
export type RecordsCleaned = { 
/**
 * The number of expired runs and locks of commits.
 */
runs: number, 
/**
 * The number of entries of the audit log.
 */
entries: number, 
/**
 * Whether the call was a dry run and removed nothing.
 */
dryRun: boolean, };

/**
 * A session that an operation refused, and the error.
 */
export type Refusal = { 
/**
 * The id of the session, as the caller passed it.
 */
id: string, 
/**
 * The code of the error.
 */
code: CoreErrorCode, 
/**
 * The message of the error.
 */
message: string, };

/**
 * The lease to renew.
 */
export type RenewalParams = { 
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
 * The duration of the lease, in milliseconds.
 */
durationMs: number, 
/**
 * The time since the lease was requested, in milliseconds.
 */
ageMs: number, };

/**
 * Why an occupant is superseded.
 */
export type ReplaceReason = "model_change" | "user_request" | "rerun" | "failed" | "timeout" | "abandoned";

/**
 * A request for approval.
 */
export type RequestApprovalParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The reason, which is stored in the context as `pauseReason`.
 */
reason?: string, 
/**
 * Properties to merge into the metadata.
 */
metadata?: SessionMetadata, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * Whether an agent should be resumed.
 */
export type ResumeDecision = { 
/**
 * Whether it should be resumed.
 */
resume: boolean, 
/**
 * The reason.
 */
reason: ResumeReason, 
/**
 * The values that the decision was made from.
 */
details: ResumeDetails, };

/**
 * The values that a decision was made from. Those of the session are absent if there is none.
 */
export type ResumeDetails = { 
/**
 * The reason as a message.
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
 * Whether it is marked as ready to be resumed.
 */
resumeReady?: boolean, 
/**
 * The number of errors that it has met.
 */
errorCount?: number, 
/**
 * The number of errors from which it is not resumable.
 */
maxErrors: number, 
/**
 * The time that it has been idle, in milliseconds.
 */
idleMs?: number, 
/**
 * The idle time from which it is not resumable, in milliseconds.
 */
idleLimitMs: number, };

/**
 * A session to resume.
 */
export type ResumeParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The number of iterations to add to the budget; 0 by default.
 */
addIterations?: number, 
/**
 * The effect on an active session: `"recover"` (the default) recovers it and records an
 * event, `"keep"` leaves it unchanged.
 */
ifActive?: "recover" | "keep", 
/**
 * The effect on a session without iterations left: `"refuse"` (the default) fails,
 * `"timeout"` resumes a paused one and times it out at once.
 */
ifExhausted?: "refuse" | "timeout", 
/**
 * Resume the session although its agent waits for an approval, which withdraws the request. The
 * audit log names it. `false` by default.
 */
override?: boolean, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * Why an agent should be resumed, or not.
 */
export type ResumeReason = "resumable" | "not_found" | "unreadable" | "finished" | "awaiting_approval" | "phase_not_resumable" | "not_ready" | "too_many_errors" | "idle_too_long" | "model_missing";

/**
 * Which sessions retention removes, and how often.
 */
export type RetentionParams = { 
/**
 * The age at which sessions move to the trash, unless they are active or paused, in milliseconds.
 */
maxAgeMs: number, 
/**
 * The interval between two passes, in milliseconds. The first pass runs within a minute.
 */
everyMs: number, 
/**
 * The time after which sessions in the trash are purged, in milliseconds.
 */
purgeAfterMs: number, 
/**
 * The time for which entries of the audit log are retained, in milliseconds.
 */
keepAuditMs: number, 
/**
 * Archive each session before it is purged; `false` by default.
 */
archive?: boolean, };

/**
 * The result of a pass of retention, and whether it is retried.
 */
export type RetentionProgress = { 
/**
 * The duration of the pass, in milliseconds.
 */
durationMs: number, 
/**
 * The number of operations that looked for sessions.
 */
batches: number, 
/**
 * The number of sessions that were moved to the trash or purged.
 */
removed: number, 
/**
 * Sessions that could not be removed, with the reason; at most 1,000.
 */
failed: Array<NotPurged>, 
/**
 * The code of the error that ended the pass early; `null` if it completed.
 */
error: CoreErrorCode | DriverErrorCode | null, 
/**
 * Whether the pass failed and will not be retried before the next interval.
 */
isFinalFailure: boolean, };

/**
 * A session to store as it is given.
 */
export type SaveParams = { 
/**
 * The complete session, in the shape that `export` returns.
 */
text: string, 
/**
 * Fail with `VERSION_CONFLICT` unless the stored session is at this version; 0 expects that
 * there is none.
 */
ifVersion?: number, 
/**
 * The fencing token of the session's lease, if it is held.
 */
token?: number, };

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
 * A job, its schedule and its limits.
 */
export type ScheduledParams = { 
/**
 * The name of the job.
 */
job: string, 
/**
 * When it runs: a time of day in UTC, which is `"03:00"` by default, or a cron expression of five fields, in UTC.
 */
at?: string, 
/**
 * Run once, now, and end; `false` by default.
 */
once?: boolean, 
/**
 * The age at which sessions move to the trash, unless they are active or paused; by default none do.
 */
maxAge?: number | string, 
/**
 * The time after which sessions in the trash are removed; `maxAge` by default.
 */
purgeAfter?: number | string, 
/**
 * How long entries of the audit log are kept; `"365d"` by default.
 */
keepAudit?: number | string, 
/**
 * Archive each session before it is removed; `false` by default.
 */
archive?: boolean, 
/**
 * How long archived sessions are kept; `"365d"` by default.
 */
keepArchive?: number | string, 
/**
 * The sessions of a batch: 1 to 1,000, which is the default.
 */
batch?: number, 
/**
 * The share of the time in which the job may work, in percent; 100 by default.
 */
cpuPercent?: number, 
/**
 * The duration of a run from which an alert is given; `"6h"` by default.
 */
slowAfter?: number | string, 
/**
 * The share of errors above which an alert is given, in percent; 5 by default.
 */
alertErrors?: number, };

/**
 * A session with the requested part of its history.
 */
export type Session = { 
/**
 * Events in their order. `eventCount` is their total number.
 */
history: Array<SessionEvent>, 
/**
 * The id of the session.
 */
id: string, 
/**
 * The id of the user that the session runs for.
 */
userId?: string, 
/**
 * The id of the channel that the session was started in.
 */
channelId?: string, 
/**
 * The kind of agent, such as `developer`.
 */
mode: string, 
/**
 * The agent's task.
 */
task: string, 
/**
 * The workspace of the session, such as a directory.
 */
workspace?: string, 
/**
 * The status of the session.
 */
status: Status, 
/**
 * When it was started.
 */
createdAt: string, 
/**
 * When it was last changed; it never decreases.
 */
updatedAt: string, 
/**
 * The number of iterations used.
 */
iterations: number, 
/**
 * The number of iterations allowed; the last one makes the session `timeout`.
 */
maxIterations: number, 
/**
 * The user's state, a JSON object, which survives restarts.
 */
context: JsonObject, 
/**
 * The result of a completed session.
 */
result?: string, 
/**
 * The result of a completed session as JSON, of any type.
 */
resultData?: unknown, 
/**
 * The error of a failed session.
 */
error?: string, 
/**
 * Metadata of the run, a JSON object: model, tools used, tokens, cost.
 */
metadata?: SessionMetadata, 
/**
 * The version, for `ifVersion`: the number of changes to the session, from 1.
 */
version: number, 
/**
 * The number of events in the complete history.
 */
eventCount: number, 
/**
 * When it reached a final status.
 */
finalizedAt?: string, 
/**
 * The id of the session that it was forked from.
 */
parentId?: string, 
/**
 * When it was put into the trash; absent outside of the trash.
 */
deletedAt?: string, 
/**
 * The agent's name, which is the mode; present for an agent's session.
 */
agentName?: string, 
/**
 * The agent's purpose, which is the task; present for an agent's session.
 */
purpose?: string, 
/**
 * The agent's phase.
 */
phase?: Phase, 
/**
 * Whether the agent may be resumed.
 */
resumeReady?: boolean, 
/**
 * The number of errors that the agent has met.
 */
errorCount?: number, 
/**
 * The last error that the agent met.
 */
lastError?: LastError, 
/**
 * A summary of the agent's work.
 */
summary?: string, 
/**
 * The approval that the agent has requested last, and the decision.
 */
approval?: Approval, 
/**
 * The slot of the session, and its model.
 */
slot?: Slot, 
/**
 * In replies of `get` and `list`: `true` if its model is not among the known models; otherwise
 * absent.
 */
modelMissing?: boolean, 
/**
 * The message for users; present if the model is missing.
 */
message?: string, };

/**
 * A change to one session.
 */
export type SessionChange = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The precondition of the change.
 */
expect: Expect, 
/**
 * The change.
 */
write: SessionWrite, };

/**
 * The context that an agent needs to continue a session.
 */
export type SessionContext = { 
/**
 * The id of the session.
 */
sessionId: string, 
/**
 * The agent's task.
 */
task: string, 
/**
 * The kind of agent.
 */
mode: string, 
/**
 * The workspace of the session, such as a directory; `null` if it has none.
 */
workspace: string | null, 
/**
 * The status of the session.
 */
status: Status, 
/**
 * The number of iterations used.
 */
iterations: number, 
/**
 * The number of iterations allowed.
 */
maxIterations: number, 
/**
 * The user's state, a JSON object.
 */
context: JsonObject, 
/**
 * The last events, ten by default.
 */
recentHistory: Array<SessionEvent>, 
/**
 * The tool calls that were started and not finished. After a crash it is in doubt whether they were
 * carried out. Absent if there are none.
 */
unfinishedToolCalls?: Array<UnfinishedToolCall>, };

/**
 * An event of a session's history.
 */
export type SessionEvent = { 
/**
 * The sequence number, from 1. It orders events; timestamps do not.
 */
sequence: number, 
/**
 * When it was recorded.
 */
timestamp: string, 
/**
 * `start`, `iteration`, `tool_call`, `learning`, `pause`, `resume`, `complete`, `error`,
 * `timeout`, or a custom name.
 */
type: EventType, 
/**
 * The data of the event, a JSON object.
 */
data: JsonObject, };

/**
 * A session without its history.
 */
export type SessionHead = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The id of the user that the session runs for.
 */
userId?: string, 
/**
 * The id of the channel that the session was started in.
 */
channelId?: string, 
/**
 * The kind of agent, such as `developer`.
 */
mode: string, 
/**
 * The agent's task.
 */
task: string, 
/**
 * The workspace of the session, such as a directory.
 */
workspace?: string, 
/**
 * The status of the session.
 */
status: Status, 
/**
 * When it was started.
 */
createdAt: string, 
/**
 * When it was last changed; it never decreases.
 */
updatedAt: string, 
/**
 * The number of iterations used.
 */
iterations: number, 
/**
 * The number of iterations allowed; the last one makes the session `timeout`.
 */
maxIterations: number, 
/**
 * The user's state, a JSON object, which survives restarts.
 */
context: JsonObject, 
/**
 * The result of a completed session.
 */
result?: string, 
/**
 * The result of a completed session as JSON, of any type.
 */
resultData?: unknown, 
/**
 * The error of a failed session.
 */
error?: string, 
/**
 * Metadata of the run, a JSON object: model, tools used, tokens, cost.
 */
metadata?: SessionMetadata, 
/**
 * The version, for `ifVersion`: the number of changes to the session, from 1.
 */
version: number, 
/**
 * The number of events in the complete history.
 */
eventCount: number, 
/**
 * When it reached a final status.
 */
finalizedAt?: string, 
/**
 * The id of the session that it was forked from.
 */
parentId?: string, 
/**
 * When it was put into the trash; absent outside of the trash.
 */
deletedAt?: string, 
/**
 * The agent's name, which is the mode; present for an agent's session.
 */
agentName?: string, 
/**
 * The agent's purpose, which is the task; present for an agent's session.
 */
purpose?: string, 
/**
 * The agent's phase.
 */
phase?: Phase, 
/**
 * Whether the agent may be resumed.
 */
resumeReady?: boolean, 
/**
 * The number of errors that the agent has met.
 */
errorCount?: number, 
/**
 * The last error that the agent met.
 */
lastError?: LastError, 
/**
 * A summary of the agent's work.
 */
summary?: string, 
/**
 * The approval that the agent has requested last, and the decision.
 */
approval?: Approval, 
/**
 * The slot of the session, and its model.
 */
slot?: Slot, 
/**
 * In replies of `get` and `list`: `true` if its model is not among the known models; otherwise
 * absent.
 */
modelMissing?: boolean, 
/**
 * The message for users; present if the model is missing.
 */
message?: string, };

/**
 * A page of sessions.
 */
export type SessionPage = { 
/**
 * The sessions in their order, without their histories.
 */
items: Array<SessionHead>, 
/**
 * The `cursor` of the next page; absent on the last page.
 */
nextCursor?: string, 
/**
 * Sessions that could not be read. They do not affect the others.
 */
problems: Array<Problem>, };

/**
 * The change to a session.
 */
export type SessionWrite = { "kind": "put", 
/**
 * The new head, with its new version.
 */
head: StoredHead, 
/**
 * What the feed says that the write does.
 */
change: ChangeKind, 
/**
 * Whether the stored events are removed first.
 */
replaceHistory: boolean, 
/**
 * New events, whose sequence numbers follow that of the last stored event.
 */
events: Array<StoredEvent>, } | { "kind": "delete" };

/**
 * An agent, and the policy to decide by.
 */
export type ShouldResumeParams = { 
/**
 * The id of the agent's session.
 */
id: string, 
/**
 * The idle time from which it is not resumable: milliseconds or text such as `"30m"`. 30
 * minutes by default.
 */
idle?: number | string, 
/**
 * The number of errors from which it is not resumable; 3 by default.
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
export type SlotCode = "SLOT_CREATED" | "SAME_MODEL_ACTIVE" | "SAME_MODEL_FINISHED" | "MODEL_CHANGED" | "REPLACEMENT_REQUESTED" | "SLOT_REPLACED" | "SESSION_CHANGED" | "SLOT_LOCKED" | "MODEL_REJECTED";

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
 * How often to retry.
 */
export type SlotWaitParams = { 
/**
 * The number of retries.
 */
retries: number, };

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
 * Replace an occupant with the same model, also one that is running, once the user has confirmed
 * it; `false` by default.
 */
replace?: boolean, 
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
 * The agent's task.
 */
task: string, 
/**
 * The kind of agent, such as `developer`.
 */
mode: string, 
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
pauseReason?: string, 
/**
 * The id of the session that this one belongs to, such as that of the agent that delegated the
 * task. Whether there is one is not checked.
 */
parentId?: string, 
/**
 * A key that makes the call safe to repeat: a second call with this key returns the session
 * that the first one started.
 */
idempotencyKey?: string, };

/**
 * A tool call that starts.
 */
export type StartToolCallParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The name of the tool.
 */
tool: string, 
/**
 * The arguments of the call; `{}` by default.
 */
args?: unknown, 
/**
 * The id of the call, such as the model's; by default one is generated.
 */
callId?: string, 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * Statistics over sessions.
 */
export type Stats = { 
/**
 * The number of sessions.
 */
total: number, 
/**
 * The number of sessions by status.
 */
byStatus: StatusCounts, 
/**
 * The number of sessions by mode.
 */
byMode: Record<string, number>, 
/**
 * The number of sessions by model: the one of the slot, or without a slot the one in the metadata.
 */
byModel: Record<string, number>, 
/**
 * The average number of iterations used; 0 without sessions.
 */
averageIterations: number, 
/**
 * The share of completed sessions among all, in percent; 0 without sessions.
 */
successRate: number, 
/**
 * The share of completed sessions among those that are completed, failed or abandoned, in percent.
 */
finishedSuccessRate: number, 
/**
 * The total usage.
 */
usage: UsageTotals, 
/**
 * The usage by mode.
 */
usageByMode: Record<string, UsageTotals>, 
/**
 * The usage by model.
 */
usageByModel: Record<string, UsageTotals>, 
/**
 * The usage by user, of the users with the most sessions: as many as `users` asks for.
 */
usageByUser: Record<string, UsageTotals>, 
/**
 * The number of users that `usageByUser` omits.
 */
usersOmitted: number, };

/**
 * Which sessions to count.
 */
export type StatsParams = { 
/**
 * Only sessions of this user.
 */
userId?: string, 
/**
 * Only sessions of this channel.
 */
channelId?: string, 
/**
 * Only sessions of this mode.
 */
mode?: string, 
/**
 * Only sessions with this status, or with one of these.
 */
status?: Status | readonly Status[], 
/**
 * Only sessions of agents in this phase, or in one of these.
 */
phase?: Phase | readonly Phase[], 
/**
 * Only sessions in slots of this task, or of one of these; 1,000 at most.
 */
taskIds?: string | readonly string[], 
/**
 * Only sessions in slots of this phase, or of one of these.
 */
slotPhase?: SlotPhase | readonly SlotPhase[], 
/**
 * Only sessions with this model: that of the slot, or without a slot `metadata.model`.
 */
model?: string, 
/**
 * Only forks of the session with this id.
 */
parentId?: string, 
/**
 * Only sessions created at this time or later.
 */
createdAfter?: string, 
/**
 * Only sessions created at this time or earlier.
 */
createdBefore?: string, 
/**
 * Only sessions last changed at this time or later.
 */
updatedAfter?: string, 
/**
 * Only sessions last changed at this time or earlier.
 */
updatedBefore?: string, 
/**
 * Only sessions that have used this many iterations or more.
 */
minIterations?: number, 
/**
 * Only sessions that have used this many iterations or fewer.
 */
maxIterations?: number, 
/**
 * Only sessions whose tasks contain this text; A-Z and a-z are the same.
 */
text?: string, 
/**
 * Whether sessions in the trash are included; `"exclude"` by default.
 */
trash?: Trash, 
/**
 * The number of users that `usageByUser` lists, those with the most sessions: 0 to 1,000, 10 by
 * default.
 */
users?: number, };

/**
 * The status of a session.
 */
export type Status = "active" | "paused" | "completed" | "failed" | "timeout" | "abandoned";

/**
 * The number of sessions by status.
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
 * Without iterations left.
 */
timeout: number, 
/**
 * Abandoned.
 */
abandoned: number, };

/**
 * The additional properties of an agent's session, as stores keep them.
 */
export type StoredAgent = { 
/**
 * Its phase.
 */
phase: Phase, 
/**
 * Whether it may be resumed. Each change of phase sets it; an update may override it.
 */
resumeReady: boolean, 
/**
 * The number of errors that it has met.
 */
errorCount: number, 
/**
 * The last error.
 */
lastError: StoredError | null, 
/**
 * A summary of its work.
 */
summary: string | null, 
/**
 * The approval that it has requested last; `None` if it has requested none, or if the request was
 * overridden.
 */
approval: StoredApproval | null, };

/**
 * An approval, as stores keep it.
 */
export type StoredApproval = { 
/**
 * Its state.
 */
state: ApprovalState, 
/**
 * When it was requested.
 */
requestedAt: number, 
/**
 * Who decided.
 */
by: string | null, 
/**
 * When it was decided.
 */
decidedAt: number | null, };

/**
 * One change of a commit, before its store has given it a position.
 */
export type StoredChange = { 
/**
 * What it did.
 */
kind: ChangeKind, 
/**
 * The id of the session, or the key of the lease's or the entry's record.
 */
key: string, 
/**
 * The events that it appended.
 */
events?: EventRange, 
/**
 * Whether the events that the session had before it are gone.
 */
endsHistory: boolean, };

/**
 * An error that an agent met, as stores keep it.
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
 * An event as stores keep it: its data is a JSON text.
 */
export type StoredEvent = { 
/**
 * The sequence number, from 1.
 */
sequence: number, 
/**
 * When it was recorded, by the clock of the writer.
 */
timestamp: number, 
/**
 * The type: one of [`kind`] or a custom name.
 */
type: string, 
/**
 * The data, as the JSON text that the caller passed.
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
 * The text of the JSON that it ended with.
 */
resultData: string | null, 
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
 * The slot of a session and its model, as stores keep it.
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
 * The other properties of the model, a JSON object.
 */
details: string | null, };

/**
 * Numbers of tokens.
 */
export type TokenCounts = { 
/**
 * Tokens of the prompts.
 */
prompt: number, 
/**
 * Tokens of the completions.
 */
completion: number, 
/**
 * The sum of both.
 */
total: number, };

/**
 * Numbers of tokens used.
 */
export type TokensParam = { 
/**
 * Tokens of the prompts; 0 by default.
 */
prompt?: number, 
/**
 * Tokens of the completions; 0 by default.
 */
completion?: number, 
/**
 * Those of the prompts that came from a cache; 0 by default.
 */
cached?: number, 
/**
 * Those of the completions that the model spent on reasoning; 0 by default.
 */
reasoning?: number, };

/**
 * A call that has appended events.
 */
export type Trace = { 
/**
 * Its position, as the header `traceparent` of W3C Trace Context.
 */
traceparent: string, 
/**
 * The sequence number of the first event that it has appended.
 */
first: number, 
/**
 * That of the last one.
 */
last: number, };

/**
 * A page of traces.
 */
export type TracePage = { 
/**
 * The calls.
 */
items: Array<Trace>, };

/**
 * Which traces to read.
 */
export type TracesParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * Only of events after this sequence number.
 */
after?: number, 
/**
 * How many calls at most: 1 to 1,000, 100 by default.
 */
limit?: number, };

/**
 * Whether sessions in the trash count.
 */
export type Trash = "exclude" | "only" | "include";

/**
 * A change of the context.
 */
export type UpdateContextParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * Properties to merge into the context. A property that is an object replaces the one in its
 * place: only the outermost properties are merged.
 */
context: JsonObject, 
/**
 * The names of properties to remove from the context before that, 1,000 at most; not with
 * `replace`.
 */
unset?: Array<string>, 
/**
 * Replace the context instead of merging; `false` by default.
 */
replace?: boolean, 
/**
 * What the event `context_change` records: `"small"` (the default) values of up to 4 KiB of JSON
 * and the names of others, `"all"` all values, `"none"` appends no event. A fork from before a
 * change takes it back as far as it is recorded.
 */
record?: "small" | "all" | "none", 
/**
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

/**
 * New values for the description of a session. `null` clears a property.
 */
export type UpdateParams = { 
/**
 * The id of the session.
 */
id: string, 
/**
 * The agent's task.
 */
task?: string, 
/**
 * The kind of agent.
 */
mode?: string, 
/**
 * The workspace of the session, such as a directory.
 */
workspace?: string | null, 
/**
 * The id of the user that the session runs for.
 */
userId?: string | null, 
/**
 * The id of the session's channel.
 */
channelId?: string | null, 
/**
 * The number of iterations allowed; not below those used.
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
 * Fail with `VERSION_CONFLICT` unless the session is at this version.
 */
ifVersion?: number, 
/**
 * A key that makes the call safe to repeat: a second call with this key changes
 * nothing.
 */
idempotencyKey?: string, 
/**
 * The fencing token of the session's lease, as `hold` returned it. Without it, a
 * session that is held does not change its status, iterations or phase
 * (`SESSION_HELD`); with one that is not current, the call fails with `LEASE_LOST`.
 */
token?: number, };

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
 * Tokens and cost.
 */
export type UsageTotals = { 
/**
 * Tokens.
 */
tokens: TokenCounts, 
/**
 * The cost in the user's unit, summed exactly to a billionth.
 */
cost: number, };

/**
 * The command that removes a virtual machine.
 */
export type VmCommandParams = { 
/**
 * The program and its arguments, with the placeholders `{vmId}`, `{zone}` and `{session}`.
 */
command: Array<string>, 
/**
 * The id of the machine.
 */
vmId: string, 
/**
 * The zone of the machine.
 */
zone: string, 
/**
 * The session id of its owner, or of its last one.
 */
session: string, };

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
 * The side of a target on which a value should be.
 */
export type Wanted = "above" | "below";

/**
 * An endpoint to add.
 */
export type WebhookAddParams = { 
/**
 * Its id: 1 to 64 letters, digits, `.`, `_` or `-`. By default one is made.
 */
id?: string, 
/**
 * The URL that deliveries are posted to, `https:` or `http:`.
 */
url: string, 
/**
 * Only these events: `"start"`, `"pause"`, `"resume"`, `"complete"`, `"error"`, `"timeout"` or
 * `"abandoned"`. By default all.
 */
events?: Array<string>, 
/**
 * Only sessions of these modes; by default all.
 */
modes?: Array<string>, 
/**
 * Only sessions of these users; by default all.
 */
users?: Array<string>, 
/**
 * Additional headers: an object of names and values. No list shows their values.
 */
headers?: JsonObject, 
/**
 * The secret that signs deliveries: `whsec_` and 24 to 64 bytes in base64. By default one is
 * made, and returned.
 */
secret?: string, 
/**
 * Deliver the changes of a session in order, the next one when the one before has arrived or has
 * failed for good; `true` by default. It cannot be changed later.
 */
ordered?: boolean, 
/**
 * The timeout of an attempt, in milliseconds: 1 to 60,000; 10,000 by default.
 */
timeoutMs?: number, 
/**
 * Deliver the event `abandoned` as an `error` with the reason `"abandoned"`; `false` by default.
 */
abandonedAsError?: boolean, 
/**
 * Change the endpoint if there is one with this id, instead of failing; `false` by default. Its
 * secret stays as it is, unless a `secret` is given, and so does its order. If it is disabled, it stays so,
 * unless its URL changes.
 */
replace?: boolean, };

/**
 * An endpoint that was added.
 */
export type WebhookAdded = { 
/**
 * The endpoint.
 */
endpoint: WebhookEndpoint, 
/**
 * Its secret, if it is new. It is not shown again.
 */
secret?: string, };

/**
 * The addresses to which may be posted.
 */
export type WebhookAddresses = { 
/**
 * Those of the given ones that are public.
 */
allowed: Array<string>, 
/**
 * What to say where none is.
 */
problem: string, };

/**
 * Addresses to which the name of a host leads.
 */
export type WebhookAddressesParams = { 
/**
 * The addresses.
 */
addresses: Array<string>, };

/**
 * A delivery that was claimed, ready to be posted.
 */
export type WebhookClaim = { 
/**
 * The key of the delivery.
 */
key: string, 
/**
 * The claim, with which it is settled.
 */
claim: string, 
/**
 * The id of the endpoint.
 */
endpoint: string, 
/**
 * The URL to post to.
 */
url: string, 
/**
 * The headers, with the signatures.
 */
headers: Array<WebhookHeader>, 
/**
 * The text to post.
 */
body: string, 
/**
 * The timeout of the attempt, in milliseconds.
 */
timeoutMs: number, };

/**
 * What to claim.
 */
export type WebhookClaimParams = { 
/**
 * The greatest number of deliveries: 1 to 64.
 */
limit: number, 
/**
 * Claim no further delivery once the payloads of those that are claimed have this many bytes.
 */
maxBytes: number, 
/**
 * Only deliveries to this endpoint; by default to all.
 */
endpoint?: string, 
/**
 * No deliveries to these endpoints: their share is in flight.
 */
skip?: Array<string>, 
/**
 * One delivery to each of these endpoints, at most: they did not answer the last time.
 */
silent?: Array<string>, };

/**
 * The deliveries that were claimed.
 */
export type WebhookClaims = { 
/**
 * They are the caller's until their timeouts have passed, and half a minute more.
 */
claims: Array<WebhookClaim>, 
/**
 * Whether there may be more now.
 */
more: boolean, 
/**
 * The time until the next delivery may be claimed, in milliseconds; absent if none waits.
 */
nextInMs?: number, };

/**
 * How to deliver.
 */
export type WebhookDeliverParams = { 
/**
 * End when nothing is due; by default it goes on until its driver stops it.
 */
once?: boolean, 
/**
 * Only to this endpoint; by default to all.
 */
endpoint?: string, 
/**
 * Whether addresses of private networks and of this machine are allowed; `false` by default.
 */
allowPrivate?: boolean, 
/**
 * The greatest number of posts in flight: 1 to 64; 8 by default.
 */
concurrency?: number, 
/**
 * The size of what is in flight, in bytes, beyond which no further post is started; 8 MiB by
 * default.
 */
maxBytes?: number, 
/**
 * How often to look for what other processes have queued, in milliseconds; 2,000 by default.
 */
pollMs?: number, };

/**
 * What was delivered since the job began.
 */
export type WebhookDelivered = { 
/**
 * The number of deliveries that have arrived.
 */
delivered: number, 
/**
 * The number of attempts that have failed and are repeated.
 */
retried: number, 
/**
 * The number of deliveries that have failed for good.
 */
failed: number, 
/**
 * The endpoints that were disabled, because they have answered 410.
 */
disabled: Array<string>, 
/**
 * The endpoints whose last attempt has failed, and why.
 */
failing: Array<WebhookFailing>, 
/**
 * The error of the store that is retried; `null` if there is none.
 */
error: CoreErrorCode | DriverErrorCode | null, 
/**
 * Its message.
 */
problem: string | null, };

/**
 * An endpoint, without its secrets.
 */
export type WebhookEndpoint = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its URL, without a query.
 */
url: string, 
/**
 * Its events; absent for all.
 */
events?: Array<string>, 
/**
 * Its modes; absent for all.
 */
modes?: Array<string>, 
/**
 * Its users; absent for all.
 */
users?: Array<string>, 
/**
 * The names of its additional headers.
 */
headers: Array<string>, 
/**
 * Whether the deliveries of a session are in order.
 */
ordered: boolean, 
/**
 * The timeout of an attempt, in milliseconds.
 */
timeoutMs: number, 
/**
 * When it was added.
 */
createdAt: string, 
/**
 * When it was disabled; absent if it is enabled.
 */
disabledAt?: string, 
/**
 * Why it was disabled.
 */
disabledBecause?: string, 
/**
 * When the oldest delivery that waits may be attempted next; absent if none waits.
 */
nextAttemptAt?: string, 
/**
 * In a list, the number of deliveries that have not arrived yet, up to 1,000.
 */
waiting?: number, 
/**
 * `true` if there are more than 1,000.
 */
moreWaiting?: boolean, 
/**
 * In a list, why the last attempt of what waits has failed.
 */
lastProblem?: string, };

/**
 * The endpoints of a store.
 */
export type WebhookEndpoints = { 
/**
 * All of them, in the order of their ids.
 */
items: Array<WebhookEndpoint>, };

/**
 * The events that webhooks report.
 */
export type WebhookEvent = "start" | "pause" | "resume" | "complete" | "error" | "timeout" | "abandoned";

/**
 * Which failed deliveries to list.
 */
export type WebhookFailedParams = { 
/**
 * Only deliveries to this endpoint; by default to all.
 */
endpoint?: string, 
/**
 * The greatest number in the page: 1 to 100, 50 by default.
 */
limit?: number, 
/**
 * The `nextCursor` of the previous page.
 */
cursor?: string, };

/**
 * An endpoint whose last attempt has failed.
 */
export type WebhookFailing = { 
/**
 * The id of the endpoint.
 */
endpoint: string, 
/**
 * Why it has failed: the status with the beginning of the answer, or why there was none.
 */
problem: string, };

/**
 * A delivery that has failed for good.
 */
export type WebhookFailure = { 
/**
 * Its key.
 */
key: string, 
/**
 * The id of the message.
 */
message: string, 
/**
 * The id of the endpoint.
 */
endpoint: string, 
/**
 * The id of the session.
 */
session: string, 
/**
 * The event.
 */
event: string, 
/**
 * When the change was made.
 */
createdAt: string, 
/**
 * When the last attempt failed.
 */
failedAt?: string, 
/**
 * How many attempts there were.
 */
attempts: number, 
/**
 * The status of the last response.
 */
status?: number, 
/**
 * Why the last attempt failed: the status with the beginning of the answer, or why there was none.
 */
problem?: string, 
/**
 * When it is removed.
 */
keptUntil?: string, };

/**
 * A page of deliveries that have failed for good.
 */
export type WebhookFailures = { 
/**
 * The deliveries, by endpoint and then by time.
 */
items: Array<WebhookFailure>, 
/**
 * The `cursor` of the next page; absent on the last page.
 */
nextCursor?: string, };

/**
 * A header.
 */
export type WebhookHeader = { 
/**
 * Its name, in lower case.
 */
name: string, 
/**
 * Its value.
 */
value: string, };

/**
 * Which endpoints to list.
 */
export type WebhookListParams = { 
/**
 * Only the endpoint of this id; by default all.
 */
id?: string, };

/**
 * An endpoint.
 */
export type WebhookParams = { 
/**
 * Its id.
 */
id: string, };

/**
 * The payload of a webhook.
 */
export type WebhookPayload = { 
/**
 * The event.
 */
event: WebhookEvent, 
/**
 * The session.
 */
session: WebhookSession, 
/**
 * The time of the event.
 */
timestamp: string, 
/**
 * The data of the event in the session's history; of `start`, the workspace and the number of
 * iterations allowed.
 */
data?: JsonObject, };

/**
 * Which failed deliveries to attempt again, or to drop: those of the keys, or all of an endpoint. With `waiting`, which to attempt at
 * once. Without `drop`, a disabled endpoint is refused.
 */
export type WebhookRedeliverParams = { 
/**
 * The `key` of each delivery.
 */
keys?: Array<string>, 
/**
 * Only those that have failed at this endpoint; without `keys` all of them.
 */
endpoint?: string, 
/**
 * Drop them, and do not attempt them again; `false` by default.
 */
drop?: boolean, 
/**
 * Instead of what has failed for good, attempt at once what waits at the `endpoint` for its next attempt, beginning
 * with the first attempt again; `false` by default.
 */
waiting?: boolean, };

/**
 * The number of deliveries that are attempted again or at once, or were dropped.
 */
export type WebhookRedelivered = { 
/**
 * The number.
 */
deliveries: number, };

/**
 * An endpoint that was removed.
 */
export type WebhookRemoved = { 
/**
 * Whether there was one.
 */
removed: boolean, 
/**
 * The number of deliveries to it that were dropped.
 */
dropped: number, };

/**
 * How one claimed delivery has ended: with a status, or a problem.
 */
export type WebhookResult = { 
/**
 * The `key` of the claim.
 */
key: string, 
/**
 * The `claim` of the claim.
 */
claim: string, 
/**
 * The status of the response.
 */
status?: number, 
/**
 * The header `retry-after` of the response.
 */
retryAfter?: string, 
/**
 * The beginning of the response's body, if it was no delivery.
 */
answer?: string, 
/**
 * Why there was no response.
 */
problem?: string, };

/**
 * An endpoint whose secret is replaced.
 */
export type WebhookRotateParams = { 
/**
 * Its id.
 */
id: string, 
/**
 * The new secret; by default one is made, and returned.
 */
secret?: string, 
/**
 * How long deliveries are signed by the former secret, too: milliseconds or text such as
 * `"24h"`; `"24h"` by default.
 */
keepFor?: number | string, };

/**
 * The session of a webhook, just after the change.
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

/**
 * How claimed deliveries have ended.
 */
export type WebhookSettleParams = { 
/**
 * One for each delivery; at most 64.
 */
results: Array<WebhookResult>, };

/**
 * What has become of deliveries.
 */
export type WebhookSettled = { 
/**
 * The number that have arrived.
 */
delivered: number, 
/**
 * The number that are attempted again.
 */
retried: number, 
/**
 * The number that have failed for good.
 */
failed: number, 
/**
 * The endpoints that were disabled, because they have answered 410.
 */
disabled: Array<string>, };

/**
 * An endpoint to test.
 */
export type WebhookTestParams = { 
/**
 * Its id.
 */
id: string, 
/**
 * Whether addresses of private networks and of this machine are allowed; `false` by default.
 */
allowPrivate?: boolean, };

/**
 * How the test of an endpoint has ended.
 */
export type WebhookTested = { 
/**
 * Whether the endpoint has taken the example: with a status of 200 to 299.
 */
delivered: boolean, 
/**
 * The status of the response.
 */
status?: number, 
/**
 * Why it has failed: the status with the beginning of the answer, or why there was none.
 */
problem?: string, 
/**
 * How long it took, in milliseconds.
 */
durationMs: number, };

/**
 * What to change of an endpoint. What is left out stays as it is.
 */
export type WebhookUpdateParams = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its new URL.
 */
url?: string, 
/**
 * Its events; `null` for all.
 */
events?: Array<string> | null, 
/**
 * Its modes; `null` for all.
 */
modes?: Array<string> | null, 
/**
 * Its users; `null` for all.
 */
users?: Array<string> | null, 
/**
 * Its additional headers, in place of all of them.
 */
headers?: JsonObject, 
/**
 * The timeout of an attempt, in milliseconds.
 */
timeoutMs?: number, 
/**
 * Enable it, or disable it. What is queued for a disabled endpoint waits; further changes are not
 * queued.
 */
enabled?: boolean, };

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
  | "POSITION_EXPIRED"
  | "NO_FEED"
  | "SESSION_EXISTS"
  | "SESSION_FINISHED"
  | "INVALID_TRANSITION"
  | "INVALID_PHASE"
  | "APPROVAL_PENDING"
  | "APPROVAL_DECIDED"
  | "BUDGET_EXHAUSTED"
  | "VERSION_CONFLICT"
  | "IDEMPOTENCY_MISMATCH"
  | "SESSION_HELD"
  | "LEASE_LOST"
  | "SLOT_TAKEN"
  | "MODEL_MISSING"
  | "CORRUPT_SESSION"
  | "STORE_BUSY"
  | "STORE_UNAVAILABLE"
  | "ARCHIVE_FAILED"
  | "ARCHIVE_DAMAGED"
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

/** The messages for users about errors of slots, by error code. */
export const FAILURE_MESSAGES: ReadonlyMap<string, string> = new Map([
  ["MODEL_MISSING", "The model is not available. Choose another one. A session of this model can be viewed, exported, deleted or replaced."],
  ["STORE_BUSY", "This session is being changed right now. Wait a moment and try again."],
  ["SESSION_HELD", "This session is being changed right now. Wait a moment and try again."],
  ["VERSION_CONFLICT", "This session has changed meanwhile. Open it again before you go on."],
  ["IDEMPOTENCY_MISMATCH", "This session has changed meanwhile. Open it again before you go on."],
  ["SLOT_TAKEN", "Another session is in its place. Put that one into the trash first."],
  ["SESSION_DELETED", "This session was replaced or put into the trash. Open the one that is there now."],
  ["SESSION_NOT_FOUND", "There is no such session. It may have been deleted."],
  ["SESSION_EXISTS", "There is a session of this name already. Open it, or choose another name."],
  ["SESSION_FINISHED", "This session has ended. Open it to see the result, or start another one."],
  ["INVALID_TRANSITION", "This is not possible in the state that the session is in. Open it to see its state."],
  ["INVALID_PHASE", "This is not possible in the state that the session is in. Open it to see its state."],
  ["BUDGET_EXHAUSTED", "This session has used all of its iterations. Allow more of them, or complete it."],
  ["APPROVAL_PENDING", "This session waits for an approval. Approve or deny it first."],
  ["APPROVAL_DECIDED", "Another person has decided on this already. Open the session to see the decision."],
  ["LEASE_LOST", "Another process has taken this session over. Open it to follow its progress."],
  ["INVALID_ARGUMENT", "The request is not valid. Correct it and try again."],
  ["INVALID_ID", "The request is not valid. Correct it and try again."],
  ["INVALID_CURSOR", "The request is not valid. Correct it and try again."],
  ["POSITION_EXPIRED", "Some changes are no longer kept. Load this again."],
  ["LAGGED", "Some changes were missed. Load this again."],
  ["NO_FEED", "This store does not tell what changes in it. Load this again to see changes."],
  ["FILE_UNREADABLE", "The file cannot be read. Choose another one, or try again."],
  ["TOO_LARGE", "The text is too large. Shorten it and try again."],
  ["TOO_DEEP", "The text is too large. Shorten it and try again."],
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
  ["UNSUPPORTED_STORE", "This program is not set up to do that. Report it to its operator."],
  ["UNSUPPORTED_OPERATION", "This program is not set up to do that. Report it to its operator."],
  ["UNKNOWN_OPERATION", "This program is not set up to do that. Report it to its operator."],
  ["STORE_IS_ASYNC", "This program is not set up to do that. Report it to its operator."],
  ["STORE_REENTERED", "This program is not set up to do that. Report it to its operator."],
  ["ABORTED", "This was stopped. Start it again to continue."],
  ["NOT_REMOVED", "Some old sessions could not be removed. Open them to see why."],
  ["ARCHIVE_FAILED", "A session could not be archived, so it stays in the trash. Try again later."],
  ["ARCHIVE_DAMAGED", "What is archived of this session is damaged. Report it to the operator of this program."],
  ["WEBHOOK_FAILED", "Another program could not be notified of a change. The session itself is as it should be."],
  ["LISTENER_FAILED", "Another program could not be notified of a change. The session itself is as it should be."],
  ["SERVER_BUSY", "Sessions cannot be reached right now. Try again in a few minutes."],
  ["UNAUTHORIZED", "You have no access to these sessions. Open the link that you were given."],
  ["FORBIDDEN", "You have no access to these sessions. Open the link that you were given."],
  ["READ_ONLY", "Sessions can only be viewed here. Change them where the store is."],
]);

/** The message for users about any other error. */
export const UNEXPECTED_FAILURE = "Something went wrong that should not have. If it happens again, report it.";

/** Every operation: its parameters and its reply. */
export interface Operations {
  /** Starts a session. Its first event is `start`. */
  start: { params: StartParams; result: Session };
  /** Updates the description of a session. Only a change of the context is recorded, by the event `context_change`. */
  update: { params: UpdateParams; result: SessionHead };
  /** Pauses a session: `pausedAt` and `pauseReason` appear in its context. */
  pause: { params: PauseParams; result: SessionHead };
  /** Resumes a session that is paused or out of iterations, or recovers an active one whose runner has ended. The event carries `pausedDuration` in milliseconds. */
  resume: { params: ResumeParams; result: SessionHead };
  /** Completes a session with a result. */
  complete: { params: CompleteParams; result: SessionHead };
  /** Fails a session with an error. */
  fail: { params: FailParams; result: SessionHead };
  /** Abandons a session. */
  abandon: { params: AbandonParams; result: SessionHead };
  /** Records an event. A lifecycle type also has the effect of its operation. */
  addEvent: { params: AddEventParams; result: Appended };
  /** Records several events in one commit, all or none. */
  addEvents: { params: AddEventsParams; result: Appended };
  /** Counts an iteration. The last one of the budget makes the session `timeout`. */
  incrementIteration: { params: IncrementIterationParams; result: Appended };
  /** Records a tool call, and adds the tool to `metadata.toolsUsed`. */
  recordToolCall: { params: RecordToolCallParams; result: Appended };
  /** Records a learning of the agent. */
  recordLearning: { params: RecordLearningParams; result: Appended };
  /** Adds tokens and cost to `metadata.tokens` and `metadata.cost`; statistics sum them. */
  recordUsage: { params: RecordUsageParams; result: SessionHead };
  /** Merges properties into the context, or replaces it. The event `context_change` records what has changed, so that a fork can begin before it. */
  updateContext: { params: UpdateContextParams; result: SessionHead };
  /** Holds a session: acquires its lease, so that no other writer runs it. The outcome is `acquired`, or `held` if it is held, also by the same holder. The token of the lease is the `token` of writes. */
  hold: { params: HoldParams; result: LeaseOutcome };
  /** Deletes a session, also one that cannot be read. */
  delete: { params: DeleteParams; result: null };
  /** Puts a session into the trash: it leaves lists and statistics and takes no changes. */
  trash: { params: ChangeOnly; result: SessionHead };
  /** Restores a session from the trash. */
  restore: { params: ChangeOnly; result: SessionHead };
  /** Writes a session that was exported, in place of one that has its id, or only if there is none. */
  import: { params: ImportParams; result: SessionHead };
  /** Starts a new session with a copy of another one's history. */
  fork: { params: ForkParams; result: Session };
  /** A session with a part of its history, by default the last 100 events; `null` for an unknown id. */
  get: { params: GetParams; result: Session | null };
  /** The context that an agent needs to continue a session; `null` for an unknown id. */
  context: { params: ContextParams; result: SessionContext | null };
  /** A part of a history. */
  events: { params: EventsParams; result: EventPage };
  /** A page of sessions, newest first. */
  list: { params: ListParams; result: SessionPage };
  /** Statistics over sessions. */
  stats: { params: StatsParams; result: Stats };
  /** How durations, costs, tokens and iterations are distributed among sessions. */
  distribution: { params: DistributionParams; result: Distribution };
  /** A session with its whole history, as one JSON text. */
  export: { params: IdParams; result: string };
  /** Whether an agent may go on with a session: paused, or active with iterations left. */
  isResumable: { params: IdParams; result: boolean };
  /** How much of its budget a session has used, from 0 to 100; `null` for an unknown id. */
  progress: { params: IdParams; result: number | null };
  /** How long a session has run, in milliseconds; `null` for an unknown id. */
  duration: { params: IdParams; result: number | null };
  /** Records the start of a tool call, and adds the tool to `metadata.toolsUsed`. The context of the session lists the call until it is finished. */
  startToolCall: { params: StartToolCallParams; result: Appended };
  /** Records the end of a tool call that was started, as an event `tool_call` with its result. */
  finishToolCall: { params: FinishToolCallParams; result: Appended };
  /** Puts sessions into the trash, as many as possible in one commit. The reply names the refused ones. */
  trashMany: { params: ManyParams; result: BulkResult };
  /** Restores sessions from the trash, as many as possible in one commit. */
  restoreMany: { params: ManyParams; result: BulkResult };
  /** Deletes sessions, also those that cannot be read, as many as possible in one commit. */
  deleteMany: { params: ManyParams; result: BulkResult };
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
  /** Requests approval: the agent's session is paused in the phase `approval`. Until a person has approved or denied it, the agent is neither resumed nor in another phase. */
  requestApproval: { params: RequestApprovalParams; result: SessionHead };
  /** Approves what an agent waits for, and resumes its session if that is paused. The phase stays until the agent enters another. A decision is final. */
  approve: { params: ApprovalParams; result: SessionHead };
  /** Denies what an agent waits for, which finalizes it as `abandoned`. A decision is final. */
  deny: { params: ApprovalParams; result: SessionHead };
  /** Acquires a lease, or renews the caller's own. The outcome is `acquired`, `renewed`, or `held` if another holder has it. A process holds a lease for as long as it runs, any other holder until the lease expires. */
  leaseAcquire: { params: LeaseAcquireParams; result: LeaseOutcome };
  /** Renews a lease. The outcome is `renewed`, or `lost` if the caller no longer holds it. */
  leaseRenew: { params: LeaseRenewParams; result: LeaseOutcome };
  /** Releases a lease. The outcome is `released`, `not_owner` or `not_held`. */
  leaseRelease: { params: LeaseReleaseParams; result: LeaseOutcome };
  /** The current lease of a key; `null` if there never was one. */
  leaseGet: { params: LeaseGetParams; result: LeaseView | null };
  /** A page of the leases, in the order of their keys. */
  leaseList: { params: LeaseListParams; result: LeasePage };
  /** Starts a session in a slot. A task has a slot for each phase, and one session outside of the trash occupies it. The outcome is `created`; `existing` if one with this model is there; `needs_confirmation`, `replaced` or `rejected` if one with another model is, or if this one is to be replaced on request; `busy` if another call is changing it. A session that has failed, timed out or was abandoned is replaced without confirmation. */
  startInSlot: { params: StartInSlotParams; result: SlotStart };
  /** The session in a slot, and whether its model is missing; `null` if the slot is free. */
  latestSession: { params: LatestSessionParams; result: SlotSession | null };
  /** The sessions in the slots of tasks, by task and phase. */
  slots: { params: SlotsParams; result: Array<SlotSession> };
  /** The phase of a slot that a session's title names before its colon; `null` if it names none. */
  slotPhase: { params: SlotPhaseParams; result: SlotPhase | null };
  /** The changes after a position, in the order of the commits: of sessions, of leases and of the audit log. A session and a lease are shown as they are now. */
  changesSince: { params: ChangesSinceParams; result: ChangePage };
  /** Sets any properties of a session regardless of the lifecycle, for administrators. It records no event and sends no webhook; the version is incremented. */
  override: { params: OverrideParams; result: SessionHead };
  /** Writes a session as it is given, with no event of its own and no webhook. Where it only continues the history that is stored, only the new events are written. */
  save: { params: SaveParams; result: SessionHead };
  /** Puts sessions that have reached an age into the trash, or deletes them. Active and paused ones stay unless `status` names them. */
  cleanup: { params: CleanupParams; result: CleanupResult };
  /** Deletes sessions that have been in the trash for a time, oldest first, or only reports them. Those that a runner holds stay. */
  purge: { params: PurgeParams; result: CleanupResult };
  /** The heads of sessions as bytes that a mirror loads: of all sessions, also those in the trash, in the order of creation, or of some. */
  heads: { params: HeadsParams; result: HeadsPage };
  /** Transfers a lease to another holder. The outcome is `transferred`, or `lost`. */
  leaseTransfer: { params: LeaseTransferParams; result: LeaseOutcome };
  /** Releases leases, regardless of their holders. */
  leaseClear: { params: LeaseClearParams; result: LeaseCleared };
  /** A page of the audit log, oldest or newest first: decisions about agents and runs, and removals. */
  auditLog: { params: AuditLogParams; result: AuditPage };
  /** Starts sessions in slots, 100 at most, as many as possible in one commit. Each reply is that of `startInSlot` for it alone, in the order of the call, or `failed` with the code of an error. */
  startInSlots: { params: StartInSlotsParams; result: Array<SlotAnswer> };
  /** Statistics of agents, against their targets. It reads their histories, to say how much storage they use, unless `storage` is `false`. */
  agentStats: { params: AgentStatsParams; result: AgentStats };
  /** Stamps a page of the sessions and records of the source. */
  copyPage: { params: CopyPageParams; result: CopyPage };
  /** Compares a page of the source with the target, and may request what is missing. */
  copyCompare: { params: CopyCompareParams; result: CopyCompared };
  /** Reads what another store asks for, up to an amount. */
  copyRead: { params: CopyReadParams; result: CopyChunk };
  /** Writes what another store has sent, in one commit. */
  copyWrite: { params: CopyWriteParams; result: CopyWritten };
  /** A part of the text that `export` returns, which may be of any size. */
  exportPart: { params: ExportPartParams; result: ExportPart };
  /** Imports a file of another program. */
  importFile: { params: ImportFileParams; result: FileImport };
  /** The reply of the hook before a task is handed to an agent: whether the task resumes a session, and which. Without the id of one it is the session of the same agent and the same `task_id` that was active last, if it can be resumed and is among the last 100 of the agent. */
  hookPreDelegate: { params: HookPreDelegateParams; result: HookReply };
  /** The reply of the hook after an agent has stopped: it is finalized, by its exit code. An agent that stopped without an error stays as it is while it is paused, or ready to be resumed. */
  hookSubagentStop: { params: HookSubagentStopParams; result: HookReply };
  /** The reply to an event of a host that names it, such as Claude Code, in the form of this host: the conversation has a session with its id, and each agent to which it hands a task has one, which is resumed if it waits. Events that say nothing about these are answered with `{}`. */
  hookEvent: { params: HookEventParams; result: HookReply };
  /** Registers the calling process, or renews its registration, and the lease of its machine with it. */
  processRegister: { params: ProcessRegisterParams; result: ActiveSession };
  /** Makes the calling process the owner of a virtual machine: `false` if it owns another one, or if this one has another owner, or is the name of an orphan in another zone. The owner may update what it says about the machine. */
  vmRegister: { params: VmRegisterParams; result: boolean };
  /** The virtual machine that the calling process owns, or `null`. */
  vmMine: { params: VmMineParams; result: VmView | null };
  /** Unregisters the virtual machine that the calling process owns: `false` if it owns none, or another than the one that is named. */
  vmUnregister: { params: VmUnregisterParams; result: boolean };
  /** The arguments of the command that removes a virtual machine, with its id and its zone in place of placeholders. A value that the program would parse as an option is refused. */
  vmCommand: { params: VmCommandParams; result: Array<string> };
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
  /** Ends a run. Others are duplicates until the end of its window, and no longer. The outcome is `not_owner` if the run is another's, which is left alone. Without the id of a run the key is freed. */
  dedupCleanup: { params: DedupCleanupParams; result: DedupCleaned };
  /** Enters into the audit log how a run went, whether it did its work or was a duplicate. */
  dedupAudit: { params: DedupAuditParams; result: AuditEntry };
  /** A page of the active runs and of the locks of commits, in the order of their keys. */
  dedupList: { params: DedupListParams; result: LeasePage };
  /** Removes runs and the locks of commits, regardless of their holders, or only the expired ones. */
  dedupClear: { params: DedupClearParams; result: DedupCleared };
  /** A page of the runs of a day in UTC, each with the nine properties of the daily audit files. */
  auditDay: { params: AuditDayParams; result: AuditDay };
  /** The number of runs on each of some days in UTC, and of those that were prevented as duplicates. */
  dedupStats: { params: DedupStatsParams; result: DedupStats };
  /** The metrics of a store: what handles have counted in every process, and what follows from the sessions and the audit log. */
  metrics: { params: MetricsParams; result: Metrics };
  /** Records what a handle has counted in total, in place of what it has recorded before. The outcome is `recorded`, or `folded` if its record was added to the total meanwhile and nothing was written. */
  metricsRecord: { params: MetricsRecordParams; result: MetricsRecorded };
  /** Adds the records of handles that are gone to the total: their process has ended, or they have not recorded for 15 minutes. */
  metricsFold: { params: MetricsFoldParams; result: MetricsFolded };
  /** The positions in distributed traces of the calls that have appended to a session, in the order of its events. Empty unless callers bring positions. */
  traces: { params: TracesParams; result: TracePage };
  /** Claims a run of a job. The outcome is `run` if the job is due and no other instance runs it: then the caller has to run it, renew the lease `job:<name>` meanwhile, and end it with `jobEnd`. */
  jobClaim: { params: JobClaimParams; result: JobClaim };
  /** Ends a run: its report becomes an entry of the audit log, and its lease is released. */
  jobEnd: { params: JobEndParams; result: null };
  /** The jobs that this store has seen, with the reports of their last runs. */
  jobList: { params: JobListParams; result: Array<JobView> };
  /** Adds sessions that a job could not process to the dead letters. */
  deadLetterAdd: { params: DeadLetterAddParams; result: DeadLettersAdded };
  /** Which of these sessions are dead letters. */
  deadLetterAmong: { params: DeadLetterAmongParams; result: DeadLettersAmong };
  /** A page of the dead letters. */
  deadLetterList: { params: DeadLetterListParams; result: DeadLetterPage };
  /** Removes a dead letter. `false` if there is none. The next run takes the session again. */
  deadLetterRemove: { params: DeadLetterRemoveParams; result: boolean };
  /** Puts the agents that have been idle for a time into the trash, whatever their phase, and deletes those that have been there for a time. Unfinished ones are abandoned; those that a runner holds stay. */
  agentCleanup: { params: AgentCleanupParams; result: CleanupResult };
  /** Removes entries that have reached an age from the audit log. */
  auditPurge: { params: AuditPurgeParams; result: AuditPurged };
  /** Removes expired records: the disposable leases, such as those of runs, the entries of the audit log that are older than `keepAudit`, and deliveries of webhooks that failed long ago. Other leases stay, so that their next tokens are greater. */
  cleanupRecords: { params: CleanupRecordsParams; result: RecordsCleaned };
  /** Adds an endpoint: from now on, changes of sessions are delivered to it. Returns its secret, if it is new; it is not shown again. */
  webhookAdd: { params: WebhookAddParams; result: WebhookAdded };
  /** Changes an endpoint. `null` if there is none. */
  webhookUpdate: { params: WebhookUpdateParams; result: WebhookEndpoint | null };
  /** Replaces the secret of an endpoint. For a time, deliveries are signed by the former one, too. `null` if there is no such endpoint. */
  webhookRotate: { params: WebhookRotateParams; result: WebhookAdded | null };
  /** The endpoints, without their secrets, and what waits for them. */
  webhookList: { params: WebhookListParams; result: WebhookEndpoints };
  /** Removes an endpoint, and drops what is queued for it or has failed at it. */
  webhookRemove: { params: WebhookParams; result: WebhookRemoved };
  /** Which of these addresses a delivery may be posted to: those of the public internet. A deliverer calls it with those that the name of a host leads to. */
  webhookAddresses: { params: WebhookAddressesParams; result: WebhookAddresses };
  /** Claims deliveries that are due, and returns them signed. No other caller gets them until their timeouts have passed, and half a minute more. */
  webhookClaim: { params: WebhookClaimParams; result: WebhookClaims };
  /** Settles claimed deliveries: those with a status of 200 to 299 are done, others are attempted again later, and those without a further attempt have failed for good. An endpoint that has answered 410 is disabled. */
  webhookSettle: { params: WebhookSettleParams; result: WebhookSettled };
  /** A signed example for an endpoint, to be posted by its caller. `null` if there is no such endpoint. It has the endpoint's headers and all of its URL, so a read-only server refuses it. */
  webhookSample: { params: WebhookParams; result: WebhookClaim | null };
  /** A page of the deliveries that have failed for good, by endpoint and then by time. */
  webhookFailed: { params: WebhookFailedParams; result: WebhookFailures };
  /** Attempts deliveries again that have failed for good, or drops them; or attempts at once what waits at an endpoint. */
  webhookRedeliver: { params: WebhookRedeliverParams; result: WebhookRedelivered };
}

/** Whether an operation only reads, may write, or may write to a session with its fencing token. */
export const OPERATIONS = {
  start: "write",
  update: "fenced",
  pause: "fenced",
  resume: "fenced",
  complete: "fenced",
  fail: "fenced",
  abandon: "fenced",
  addEvent: "fenced",
  addEvents: "fenced",
  incrementIteration: "fenced",
  recordToolCall: "fenced",
  recordLearning: "fenced",
  recordUsage: "fenced",
  updateContext: "fenced",
  hold: "write",
  delete: "fenced",
  trash: "fenced",
  restore: "fenced",
  import: "fenced",
  fork: "write",
  get: "read",
  context: "read",
  events: "read",
  list: "read",
  stats: "read",
  distribution: "read",
  export: "read",
  isResumable: "read",
  progress: "read",
  duration: "read",
  startToolCall: "fenced",
  finishToolCall: "fenced",
  trashMany: "fenced",
  restoreMany: "fenced",
  deleteMany: "fenced",
  agentCreate: "write",
  agentUpdate: "fenced",
  agentGet: "read",
  agentFinalize: "fenced",
  agentList: "read",
  shouldResume: "read",
  requestApproval: "fenced",
  approve: "fenced",
  deny: "fenced",
  leaseAcquire: "write",
  leaseRenew: "write",
  leaseRelease: "write",
  leaseGet: "read",
  leaseList: "read",
  startInSlot: "write",
  latestSession: "read",
  slots: "read",
  slotPhase: "read",
  changesSince: "read",
  override: "fenced",
  save: "fenced",
  cleanup: "write",
  purge: "write",
  heads: "read",
  leaseTransfer: "write",
  leaseClear: "write",
  auditLog: "read",
  startInSlots: "write",
  agentStats: "read",
  copyPage: "read",
  copyCompare: "read",
  copyRead: "read",
  copyWrite: "write",
  exportPart: "read",
  importFile: "write",
  hookPreDelegate: "write",
  hookSubagentStop: "write",
  hookEvent: "write",
  processRegister: "write",
  vmRegister: "write",
  vmMine: "read",
  vmUnregister: "write",
  vmCommand: "read",
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
  dedupStats: "read",
  metrics: "read",
  metricsRecord: "write",
  metricsFold: "write",
  traces: "read",
  jobClaim: "write",
  jobEnd: "write",
  jobList: "read",
  deadLetterAdd: "write",
  deadLetterAmong: "read",
  deadLetterList: "read",
  deadLetterRemove: "write",
  agentCleanup: "write",
  auditPurge: "write",
  cleanupRecords: "write",
  webhookAdd: "write",
  webhookUpdate: "write",
  webhookRotate: "write",
  webhookList: "read",
  webhookRemove: "write",
  webhookAddresses: "read",
  webhookClaim: "write",
  webhookSettle: "write",
  webhookSample: "write",
  webhookFailed: "read",
  webhookRedeliver: "write",
} as const satisfies Record<keyof Operations, "read" | "write" | "fenced">;

/** Every job: its parameters and its result. */
export interface Jobs {
  /** Renews a lease until it is lost. It fails with the error of the last renewal if the lease could not be renewed before it expired. */
  renewal: { params: RenewalParams; result: LeaseLoss };
  /** Starts a session in a slot, and retries while another call holds the lock of the slot, or the store is busy or unavailable. The driver starts the session; any other outcome is final. */
  slotWait: { params: SlotWaitParams; result: null };
  /** Copies all sessions and records of the source into the target. */
  copy: { params: CopyParams; result: CopyResult };
  /** Imports the files that other programs left in a folder and its subfolders. */
  importDirectory: { params: ImportDirectoryParams; result: ImportDirectoryResult };
  /** Runs passes of retention at intervals, until its driver stops it. Each pass is reported as progress. */
  retention: { params: RetentionParams; result: null };
  /** Purges the trash: deletes sessions that have been in it for a given time, in batches. */
  retentionPurge: { params: PurgeJobParams; result: PurgeResult };
  /** Runs a job at its schedule, until its driver stops it, or once. */
  scheduled: { params: ScheduledParams; result: JobReport };
  /** Delivers what is queued for the endpoints. Each change of what it has delivered is reported as progress. */
  webhookDeliver: { params: WebhookDeliverParams; result: WebhookDelivered };
  /** Posts a signed example to an endpoint. `null` if there is none. */
  webhookTest: { params: WebhookTestParams; result: WebhookTested | null };
}
