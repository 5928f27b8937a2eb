/**
 * The types of the data that callers store in a session: JSON objects, metadata and events. They
 * are written by hand; the types that are generated from the Rust core use them.
 *
 * @module
 */

import type { JsonInput, OpenInput, Time } from "./params.js";

/** A JSON object, the type of `context` and of an event's `data`. */
export type JsonObject = Record<string, unknown>;

/** Metadata of a run. Properties of your own are stored unchanged. */
export interface SessionMetadata {
  /** The model that the agent uses. */
  readonly model?: string;
  /** How long the run should take, in seconds; nothing enforces it. */
  readonly timeout?: number;
  /** Whether the agent may record what it learns. */
  readonly enableLearning?: boolean;
  /** Whether another agent delegated the task. */
  readonly delegated?: boolean;
  /** Actions that were blocked. */
  readonly blockedActions?: readonly { readonly action: string; readonly reason: string }[];
  /** The names of the called tools, without repetition. `recordToolCall` adds to it. */
  readonly toolsUsed?: readonly string[];
  /** The cost of the run. `recordUsage` adds to it. */
  readonly cost?: number;
  /** The tokens that the run has consumed. `recordUsage` adds to it. */
  readonly tokens?: {
    readonly prompt: number;
    readonly completion: number;
    readonly total: number;
    /** Those of the prompts that came from a cache. */
    readonly cached?: number;
    /** Those of the completions that were spent on reasoning. */
    readonly reasoning?: number;
  };
  /** Anything else. */
  readonly [key: string]: unknown;
}

/** A tool call that was started and not finished: it runs, or a crash has cut it off. */
export interface UnfinishedToolCall {
  /** The id of the call. */
  readonly callId: string;
  /** The name of the tool. */
  readonly tool: string;
  /** The arguments. */
  readonly args: unknown;
  /** When it was started. */
  readonly startedAt: string;
}

/** The event types that Tenure itself writes. */
export type BuiltInEventType =
  | "start"
  | "iteration"
  | "tool_call"
  | "tool_call_start"
  | "learning"
  | "pause"
  | "resume"
  | "complete"
  | "error"
  | "timeout"
  | "abandoned"
  | "context_change"
  | "fork"
  | "phase"
  | "agent_error"
  | "approval";

/** The type of an event: a built-in one or a name of your own. */
export type EventType = BuiltInEventType | (string & {});

/**
 * New values for the fields of a session. Properties of `context` and `metadata` are merged,
 * `history` replaces the existing history, and `null` clears a field. Derived fields (`id`,
 * `version`, `updatedAt`, `eventCount`, `deletedAt`, `agentName`, `purpose`) are accepted and
 * ignored, so that a whole session can be passed.
 */
export interface OverridesOf<Status, Phase, Context = JsonInput> {
  /** The task of the agent. */
  readonly task?: string | undefined;
  /** The kind of agent. */
  readonly mode?: string | undefined;
  /** Where it works. */
  readonly workspace?: string | null | undefined;
  /** The user that it runs for. */
  readonly userId?: string | null | undefined;
  /** The channel that it belongs to. */
  readonly channelId?: string | null | undefined;
  /** The status. Transitions are not checked. */
  readonly status?: Status | undefined;
  /** Iterations used. */
  readonly iterations?: number | undefined;
  /** Iterations allowed. */
  readonly maxIterations?: number | undefined;
  /** When it was started. */
  readonly createdAt?: Time | undefined;
  /** When it ended. */
  readonly finalizedAt?: Time | null | undefined;
  /** Properties to merge into the context. */
  readonly context?: Context | undefined;
  /** Properties to merge into the metadata. */
  readonly metadata?: OpenInput<SessionMetadata> | null | undefined;
  /** The result. */
  readonly result?: string | null | undefined;
  /** The result as JSON. */
  readonly resultData?: unknown;
  /** The error. */
  readonly error?: string | null | undefined;
  /** The agent's phase. A phase makes the session an agent; `null` makes it an ordinary session. */
  readonly phase?: Phase | null | undefined;
  /** Whether the agent may be resumed. */
  readonly resumeReady?: boolean | undefined;
  /** The number of errors that the agent reported. */
  readonly errorCount?: number | undefined;
  /** The last error that the agent reported. */
  readonly lastError?: { readonly message: string; readonly timestamp: Time } | null | undefined;
  /** A summary of the agent's work. */
  readonly summary?: string | null | undefined;
  /** The session that it was forked from. */
  readonly parentId?: string | undefined;
  /** The complete history. Its events are renumbered. */
  readonly history?:
    | readonly {
        /** When it was recorded. */
        readonly timestamp: Time;
        /** What kind of event it is. */
        readonly type: EventType;
        /** What happened. */
        readonly data?: JsonInput | undefined;
        /** Its sequence number. Ignored. */
        readonly sequence?: number | undefined;
      }[]
    | undefined;
  /** Ignored. */
  readonly id?: string | undefined;
  /** Ignored. */
  readonly version?: number | undefined;
  /** Ignored. */
  readonly updatedAt?: Time | undefined;
  /** Ignored. */
  readonly eventCount?: number | undefined;
  /** Ignored. */
  readonly deletedAt?: Time | undefined;
  /** Ignored: it is the mode. */
  readonly agentName?: string | undefined;
  /** Ignored: it is the task. */
  readonly purpose?: string | undefined;
}
