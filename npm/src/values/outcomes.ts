/**
 * The results that have an outcome, as discriminated unions: the outcome tells which other properties
 * there are. They wrap the types that are generated from the Rust core, and say what the core replies.
 *
 * @module
 */

import type * as generated from "../generated.js";
import type {
  DedupReason,
  LeaseOutcomeKind,
  LeaseView,
  ModelChange,
  Phase,
  ReplaceReason,
  ResumeReason,
  SlotCancelled,
  SlotCode,
  SlotFailure,
  SlotOutcome,
  Status,
} from "../generated.js";
import type { JsonObject, SessionMetadata } from "./session-data.js";
import type { Only, SessionHead, SessionTypes } from "./session-types.js";

/** The start of a tool call. */
export interface StartedToolCall extends generated.Appended {
  /** The id of the call, for `finishToolCall`. */
  callId: string;
}

/** The properties that every result of a start has. */
type SlotCommon = Pick<generated.SlotStart, "message" | "finished" | "modelMissing" | "conflicts">;
/** The properties that only some results of a start have. */
type SlotSome = Omit<generated.SlotStart, keyof SlotCommon | "outcome" | "code">;

/** One result of starting a session in a slot. */
type SlotResult<Outcome extends SlotOutcome, Code extends SlotCode, Own> = SlotCommon & {
  /** The outcome. */
  outcome: Outcome;
  /** The outcome in more detail. */
  code: Code;
} & Only<SlotSome, Own>;

/** The session that is in the slot now. */
interface InSlot<T extends SessionTypes> {
  /** The session that is in the slot now. */
  session: SessionHead<T>;
}

/** How a model differs. */
interface Changed<Change extends ModelChange> {
  /** How the requested model differs from the model of the previous occupant. */
  change?: Change;
}

/** A prompt for a confirmation. */
interface Warned {
  /** The warning for users that a replacement loses unsaved progress. */
  warning: string;
}

/** The replaced session. */
interface Replaced<T extends SessionTypes> {
  /** The replaced session, which is in the trash now. */
  replaced: SessionHead<T>;
  /** The reason for the replacement. */
  reason: ReplaceReason;
  /** The notification for the runner of the replaced session, if that was active or paused. */
  cancelled?: SlotCancelled;
  /** The text of the replaced session before the replacement, if `exportOld` is set. */
  exported?: string;
}

/** The result of starting a session in a slot. Its `outcome` tells which properties it has. */
export type SlotStart<T extends SessionTypes = SessionTypes> =
  | SlotResult<"created", "SLOT_CREATED", InSlot<T>>
  | (SlotResult<"existing", "SAME_MODEL_ACTIVE", InSlot<T> & Changed<"minor">> & {
      finished: false;
    })
  | (SlotResult<"existing", "SAME_MODEL_FINISHED", InSlot<T> & Changed<"minor">> & {
      finished: true;
    })
  | SlotResult<
      "needs_confirmation",
      "MODEL_CHANGED",
      InSlot<T> & Required<Changed<"major">> & Warned
    >
  | SlotResult<"needs_confirmation", "REPLACEMENT_REQUESTED", InSlot<T> & Changed<"minor"> & Warned>
  | SlotResult<"replaced", "SLOT_REPLACED", InSlot<T> & Changed<ModelChange> & Replaced<T>>
  | SlotResult<"busy", "SESSION_CHANGED", InSlot<T> & Changed<ModelChange>>
  | SlotResult<"busy", "SLOT_LOCKED", Partial<InSlot<T>> & Changed<ModelChange>>
  | SlotResult<"rejected", "MODEL_REJECTED", InSlot<T> & Required<Changed<"major">>>;

/** The result of one start among several. */
export type SlotAnswer<T extends SessionTypes = SessionTypes> = SlotStart<T> | SlotFailure;

/** One outcome of a request for a lease. */
interface Leased<Outcome, Lease> {
  /** The outcome. */
  outcome: Outcome;
  /** The current lease; `null` if there never was one. */
  lease: Lease;
}

/** The outcome of acquiring a lease; `held` by another holder. */
export type LeaseAcquisition =
  | Leased<"acquired", LeaseView>
  | Leased<"renewed", LeaseView>
  | Leased<"held", LeaseView>;

/** The outcome of renewing a lease. */
export type LeaseRenewal = Leased<"renewed", LeaseView> | Leased<"lost", LeaseView | null>;

/** The outcome of releasing a lease. */
export type LeaseRelease =
  | Leased<"released", LeaseView>
  | Leased<"not_owner", LeaseView>
  | Leased<"not_held", LeaseView | null>;

/** The outcome of transferring a lease. */
export type LeaseTransfer = Leased<"transferred", LeaseView> | Leased<"lost", LeaseView | null>;

/** The outcome of any request for a lease. */
export type LeaseOutcome = LeaseAcquisition | LeaseRenewal | LeaseRelease | LeaseTransfer;

/** The reasons for skipping a run: another run blocks it. */
type SkipReason = Extract<DedupReason, "active_session" | "pull_request_lock" | "push_lock">;

/** Whether a run is skipped, and why. Its `skip` and its `reason` tell which properties it has. */
export type DedupDecision =
  | (Pick<generated.DedupDecision, "key" | "message"> & {
      /** Whether the run is a duplicate and must be skipped. */
      skip: false;
      /** Why it is executed. */
      reason: Exclude<DedupReason, SkipReason>;
      holder?: undefined;
      since?: undefined;
      until?: undefined;
    })
  | (Pick<generated.DedupDecision, "key" | "message"> & {
      /** Whether the run is a duplicate and must be skipped. */
      skip: true;
      /** Why it is skipped. */
      reason: SkipReason;
      /** The id of the run that blocks it. */
      holder: string;
      /** When that run was registered. */
      since: string;
      /** When that run stops blocking at the latest. */
      until?: string;
    });

/** The result of ending a run. */
export interface DedupCleaned extends Omit<generated.DedupCleaned, "outcome"> {
  /** The outcome: `not_owner` if another run has the key, and `not_held` if none has. */
  outcome: Extract<LeaseOutcomeKind, "released" | "not_owner" | "not_held">;
}

/** Whether an agent should be resumed. */
export type ResumeDecision =
  | (Omit<generated.ResumeDecision, "resume" | "reason"> & {
      /** Whether it should be resumed. */
      resume: true;
      /** The reason. */
      reason: "resumable";
    })
  | (Omit<generated.ResumeDecision, "resume" | "reason"> & {
      /** Whether it should be resumed. */
      resume: false;
      /** The reason. */
      reason: Exclude<ResumeReason, "resumable">;
    });

/** The reply of a hook: its exit code, and the JSON object that it prints. */
export interface HookReply<Output = HookOutput> extends Omit<generated.HookReply, "output"> {
  /** The JSON object that the hook prints. */
  output: Output;
}

/** What a hook prints. */
export type HookOutput = PreDelegateOutput | SubagentStopOutput | HostOutput;

/** Why a hook replied so. */
export interface HookDetails {
  /** The reason in more detail, or the code of an error. */
  code: string;
  /** The reason as a message. */
  message: string;
  /** The status of the session. */
  status?: Status;
  /** The agent's phase; `null` if the session has none. */
  phase?: Phase | null;
  /** Whether it is marked as ready to be resumed. */
  resume_ready?: boolean;
  /** The number of errors that it has met. */
  error_count?: number;
  /** The number of errors from which it is not resumable. */
  max_errors?: number;
  /** The time that it has been idle, in milliseconds. */
  idle_ms?: number;
  /** The idle time from which it is not resumable, in milliseconds. */
  idle_limit_ms?: number;
  /** The code of the error that prevented the audit entry. */
  audit?: string;
}

/** The state from which a resumed agent continues. */
export interface ResumeMetadata {
  /** The agent's phase; `null` if the session has none. */
  previous_phase: Phase | null;
  /** When the session was started. */
  created_at: string;
  /** The changes of the phase. */
  history: { from_phase: Phase; to_phase: Phase; timestamp: string }[];
  /** The metadata of the session. */
  session_metadata: SessionMetadata;
}

/** The properties that each form of a hook's output has on its own. */
interface OutputProperties {
  should_resume: unknown;
  finalized: unknown;
  reason: unknown;
  agent_id: unknown;
  outcome: unknown;
  resume_metadata: unknown;
  details: unknown;
  original_context: unknown;
  hookSpecificOutput: unknown;
  systemMessage: unknown;
}

/** What `preDelegate` prints: whether a session should be resumed. */
export type PreDelegateOutput =
  | Only<
      OutputProperties,
      {
        /** Whether a session should be resumed. */
        should_resume: true;
        /** The reason. */
        reason: "session_resumable";
        /** The id of the session. */
        agent_id: string;
        /** The state from which the agent continues. */
        resume_metadata: ResumeMetadata;
        /** The reason in more detail. */
        details: HookDetails;
        /** The input of the hook. */
        original_context: JsonObject;
      }
    >
  | Only<
      OutputProperties,
      {
        /** Whether a session should be resumed. */
        should_resume: false;
        /** The reason. */
        reason:
          | "no_existing_session"
          | "session_not_resumable"
          | "store_unavailable"
          | "invalid_json";
        /** The id that the input names; `null` if it names none. */
        agent_id: string | null;
        /** Always `null`. */
        resume_metadata: null;
        /** The reason in more detail. */
        details: HookDetails;
        /** The input of the hook; `null` if it is no JSON object. */
        original_context: JsonObject | null;
      }
    >;

/** What `subagentStop` prints: whether the agent's work has ended. */
export type SubagentStopOutput =
  | Only<
      OutputProperties,
      {
        /** Whether the work has ended, by this call or before. */
        finalized: true;
        /** The reason. */
        reason: "session_finalized" | "session_already_finalized";
        /** The id of the session. */
        agent_id: string;
        /** How the work has ended. */
        outcome: Extract<Phase, "completed" | "failed">;
        /** The reason in more detail. */
        details: HookDetails;
      }
    >
  | Only<
      OutputProperties,
      {
        /** Whether the work has ended, by this call or before. */
        finalized: false;
        /** The reason. */
        reason:
          | "no_existing_session"
          | "session_already_finalized"
          | "session_waiting"
          | "session_held"
          | "store_unavailable"
          | "invalid_json";
        /** The id that the input names; `null` if it names none. */
        agent_id: string | null;
        /** Always `null`. */
        outcome: null;
        /** The reason in more detail. */
        details: HookDetails;
      }
    >;

/**
 * What a hook prints for a host that names its events, such as Claude Code: a text for the model, a
 * warning for the user, or nothing.
 */
export type HostOutput =
  | Only<
      OutputProperties,
      {
        /** A text for the model. */
        hookSpecificOutput: {
          /** The event, as the host named it. */
          hookEventName: string;
          /** The text. */
          additionalContext: string;
        };
      }
    >
  | Only<
      OutputProperties,
      {
        /** A warning for the user. */
        systemMessage: string;
      }
    >
  | Only<OutputProperties, Record<never, never>>;
