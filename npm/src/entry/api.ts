/**
 * The exports that all entry points of the package share: the types and the error class. Each entry
 * point adds its own `open`, `openSync`, `init` and the like.
 *
 * @module
 */

/// <reference lib="esnext.disposable" preserve="true" />

export type { BuildInfo } from "../builds/binding.js";
export type { InitOptions, WasmSource } from "../builds/source.js";
export type { Mode, Returns } from "../connection/call.js";
export type { Models } from "../connection/models.js";
export type { Span, SpanContext, Tracer } from "../connection/tracing.js";
export type { Listener, SessionEvents, SessionsChanged } from "../events/listeners.js";
export type { WebhookFetch, WebhookOptions } from "../events/webhook.js";
export type {
  ActiveSession,
  AgentState,
  AgentStats,
  Appended,
  Approval,
  ApprovalState,
  AuditDay,
  AuditEntry,
  AuditPage,
  AuditPurged,
  AuditRun,
  BulkResult,
  Capabilities,
  ChangeKind,
  CleanupParams,
  CleanupResult,
  CopyDifference,
  CopyPhase,
  CopyProgress,
  CopyResult,
  CoreErrorCode,
  DedupBy,
  DedupCleared,
  DedupDay,
  DedupReason,
  DedupStats,
  Difference,
  Direction,
  Distribution,
  FileImport,
  FileProblem,
  FinalizePolicy,
  GroupBy,
  GroupDistribution,
  HeadsPage,
  Holds,
  IterationCount,
  JobAlert,
  JobReport,
  JobRetry,
  LastError,
  LeaseCleared,
  LeasePage,
  LeaseState,
  LeaseView,
  Limits,
  Measure,
  Metric,
  ModelChange,
  ModelSpec,
  NotPurged,
  OnModelChange,
  OrderBy,
  Percentiles,
  Phase,
  PhaseChange,
  Problem,
  Process,
  PurgeProgress,
  PurgeResult,
  RecordsCleaned,
  Refusal,
  ReplaceReason,
  ResumeDetails,
  ResumeReason,
  Slot,
  SlotCancelled,
  SlotCode,
  SlotConfirmation,
  SlotFailure,
  SlotLocking,
  SlotOutcome,
  SlotPhase,
  Stats,
  Status,
  StatusCounts,
  TokenCounts,
  Trace,
  TracePage,
  Trash,
  UsageTotals,
  VmStatus,
  VmView,
  Wanted,
  WebhookAdded,
  WebhookEndpoint,
  WebhookEndpoints,
  WebhookEvent,
  WebhookFailure,
  WebhookFailures,
  WebhookPayload,
  WebhookRedelivered,
  WebhookRemoved,
  WebhookSession,
  WebhookTested,
} from "../generated.js";
export type {
  AgentCleanupOptions,
  AgentHooks,
  AgentListOptions,
  Agents,
  AgentsSync,
  ResumePolicy,
} from "../handles/agents.js";
export type { AuditLog, AuditLogOptions } from "../handles/audit-log.js";
export type { Copy } from "../handles/copy.js";
export type { Dedup } from "../handles/dedup.js";
export type { HeldSession, HeldSessionSync } from "../handles/held-session.js";
export type { Leases, LeasesSync } from "../handles/leases.js";
export type {
  EventList,
  EventOptions,
  EventPageSync,
  LatestOptions,
  LeaseList,
  LeaseListOptions,
  LeasePageSync,
  ListOptions,
  SessionList,
  SessionPageSync,
} from "../handles/list.js";
export type { Machines } from "../handles/machines.js";
export type { Mirror, MirrorOptions, OpenMirror } from "../handles/mirror.js";
export type { Open, OpenSync } from "../handles/open.js";
export type {
  ChangeOptions,
  Filter,
  ImportOptions,
  Operations,
  TokenOption,
  TrashOption,
} from "../handles/operations.js";
export type {
  OpenOptions,
  OptionsWith,
  OptionsWithout,
  PoolOptions,
  RedactOptions,
} from "../handles/options.js";
export type {
  ArchivedSession,
  ArchiveListOptions,
  ArchivePage,
  ArchiveProblem,
  ArchiveRestoreOptions,
  ArchiveVerification,
  ArchiveVersionOptions,
  SessionArchive,
} from "../handles/session-archive.js";
export type { ServeOptions, SessionServer } from "../handles/session-server.js";
export type { MetricsOptions, Sessions } from "../handles/sessions.js";
export type { SessionsSync } from "../handles/sessions-sync.js";
export type { CopyTarget } from "../handles/side.js";
export type { Watch, WatchFilter, WatchOptions } from "../handles/watch.js";
export type { RotateOptions, Webhooks } from "../handles/webhooks.js";
export type {
  Archive,
  ArchiveLocation,
  ArchiveOptions,
  ArchiveParts,
} from "../jobs/archive.js";
export type { CopyOptions } from "../jobs/copy.js";
export type { Delivered, DeliverOptions } from "../jobs/deliver.js";
export type { HeldLease, HeldLeaseSync, HoldOptions } from "../jobs/held-lease.js";
export type { PurgeOptions } from "../jobs/purge.js";
export type { RetentionOptions, RetentionPass } from "../jobs/retention.js";
export type { JobOptions } from "../jobs/scheduled.js";
export type { ExitOptions } from "../machines/exit-task.js";
export type {
  SessionManager,
  SessionManagerStatistics,
  SweepOptions,
  SweepResult,
} from "../machines/session-manager.js";
export type { VmCommand, VmTask } from "../machines/vm-task.js";
export type { Histogram, HistogramBucket } from "../slots/histogram.js";
export { slotMessage } from "../slots/message.js";
export type { SlotMetrics } from "../slots/metrics.js";
export type { SlotOptions, SlotOptionsOf, SlotOptionsSync, SlotRequest } from "../slots/options.js";
export type { SequenceRange, StoreRules } from "../stores/rules.js";
export type { MaybePromise, Store } from "../stores/store.js";
export type * from "../stores/stored.js";
export type { Target } from "../stores/target.js";
export type { EncryptionKey, EncryptionOptions } from "../values/encryption.js";
export {
  type DriverErrorCode,
  type ErrorBody,
  type ErrorCode,
  isTenureError,
  TenureError,
} from "../values/error.js";
export type { FailureReason } from "../values/failure.js";
export type {
  DedupCleaned,
  DedupDecision,
  HookDetails,
  HookOutput,
  HookReply,
  HostOutput,
  LeaseAcquisition,
  LeaseOutcome,
  LeaseRelease,
  LeaseRenewal,
  LeaseTransfer,
  PreDelegateOutput,
  ResumeDecision,
  ResumeMetadata,
  SlotAnswer,
  SlotStart,
  StartedToolCall,
  SubagentStopOutput,
} from "../values/outcomes.js";
export type { Accepts, JsonInput, OpenInput, Time } from "../values/params.js";
export type { SchemaOf, SessionSchema, StandardSchema, TypesOf } from "../values/schema.js";
export type {
  BuiltInEventType,
  EventType,
  JsonObject,
  SessionMetadata,
  UnfinishedToolCall,
} from "../values/session-data.js";
export type {
  BuiltInEvent,
  BuiltInEventData,
  Change,
  ChangePage,
  ContextInput,
  ContextOf,
  ContextPatch,
  EventPage,
  NewEvent,
  Overrides,
  PauseContext,
  RecordedEvent,
  Session,
  SessionContext,
  SessionEvent,
  SessionHead,
  SessionPage,
  SessionTypes,
  SlotSession,
  StartInSlotParams,
  StartParams,
  UndeclaredEventData,
} from "../values/session-types.js";
export { VERSION } from "../values/version.js";
