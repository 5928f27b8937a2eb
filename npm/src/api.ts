/**
 * What every entry of the package exports besides `open`, `openSync`, `init` and their like: the
 * types, and the error.
 *
 * @module
 */

/// <reference lib="esnext.disposable" preserve="true" />

export type {
  AgentCleanupOptions,
  AgentHooks,
  AgentListOptions,
  Agents,
  AgentsSync,
  ResumePolicy,
} from "./agents.js";
export type { Archive, NotPurged, PurgeOptions, PurgeResult } from "./archive.js";
export type { AuditLog } from "./audit-log.js";
export type { BuildInfo } from "./binding.js";
export type { Copy, CopyOptions, CopyProgress, CopyResult } from "./copy.js";
export type { Dedup } from "./dedup.js";
export type { InitOptions, WasmSource } from "./entry.js";
export {
  type DriverErrorCode,
  type ErrorBody,
  type ErrorCode,
  isTenureError,
  TenureError,
} from "./error.js";
export type { ExitOptions } from "./exit-task.js";
export type {
  ActiveSession,
  AgentState,
  AgentStats,
  Appended,
  AuditDay,
  AuditEntry,
  AuditPage,
  AuditPurged,
  AuditRun,
  BulkResult,
  Capabilities,
  CleanupParams,
  CleanupResult,
  CopyDifference,
  CoreErrorCode,
  DedupCleaned,
  DedupCleared,
  DedupDecision,
  DedupReason,
  Difference,
  Direction,
  EventPage,
  HookReply,
  LastError,
  LeaseCleared,
  LeaseOutcome,
  LeasePage,
  LeaseState,
  LeaseView,
  Limits,
  Measure,
  Metric,
  ModelChange,
  ModelSpec,
  NewEvent,
  OnModelChange,
  OrderBy,
  Phase,
  PhaseChange,
  Problem,
  Process,
  RecordsCleaned,
  Refusal,
  ReplaceReason,
  ResumeDecision,
  ResumeDetails,
  ResumeReason,
  Session,
  SessionContext,
  SessionEvent,
  SessionHead,
  SessionPage,
  Slot,
  SlotAnswer,
  SlotCancelled,
  SlotCode,
  SlotConfirmation,
  SlotFailure,
  SlotLocking,
  SlotOutcome,
  SlotPhase,
  SlotSession,
  SlotStart,
  StartInSlotParams,
  StartParams,
  Stats,
  Status,
  StatusCounts,
  TokenCounts,
  Trash,
  UsageTotals,
  VmStatus,
  VmView,
  Wanted,
  WebhookEvent,
  WebhookPayload,
  WebhookSession,
} from "./generated.js";
export type { HeldLease, HeldLeaseSync, HoldOptions } from "./held-lease.js";
export type { Histogram, HistogramBucket } from "./histogram.js";
export type { Leases, LeasesSync } from "./leases.js";
export type {
  LeaseList,
  LeaseListOptions,
  LeasePageSync,
  ListOptions,
  SessionList,
  SessionPageSync,
} from "./list.js";
export type { Listener, SessionEvents, SessionsChanged } from "./listeners.js";
export type { Models } from "./models.js";
export type { Target } from "./open.js";
export type {
  ChangeOptions,
  FailureReason,
  Filter,
  Mode,
  Operations,
  Returns,
  TrashOption,
} from "./operations.js";
export type { OpenOptions, RedactOptions } from "./options.js";
export type { RetentionOptions, RetentionPass } from "./retention.js";
export type {
  SessionManager,
  SessionManagerStatistics,
  SweepOptions,
  SweepResult,
} from "./session-manager.js";
export type { Sessions } from "./sessions.js";
export type { SessionsSync } from "./sessions-sync.js";
export type { CopyTarget } from "./side.js";
export { slotMessage } from "./slot-message.js";
export type { SlotMetrics } from "./slot-metrics.js";
export type { SlotOptions, SlotOptionsOf, SlotOptionsSync, SlotRequest } from "./slot-options.js";
export type { MaybePromise, Store } from "./store.js";
export type * from "./stored.js";
export type {
  Accepts,
  BuiltInEventType,
  EventType,
  JsonObject,
  Overrides,
  SessionMetadata,
  Time,
} from "./types.js";
export { VERSION } from "./version.js";
export type { VmCommand, VmTask } from "./vm-task.js";
export type { WebhookFetch, WebhookOptions } from "./webhook.js";
