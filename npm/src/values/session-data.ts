/**
 * The types of what callers keep in a session: JSON objects, metadata and events. They are written by
 * hand, and the types that are generated from the Rust core are built from them.
 *
 * @module
 */

import type { Time } from "./params.js";

/** A JSON object: what `context` and event `data` are. */
export type JsonObject = Record<string, unknown>;

/** What is known about a run. Further members of your own are kept as they are. */
export interface SessionMetadata {
  /** The model that the agent uses. */
  readonly model?: string;
  /** How long the run should take, in seconds; nothing enforces it. */
  readonly timeout?: number;
  /** Whether the agent may record what it learns. */
  readonly enableLearning?: boolean;
  /** Whether another agent handed the task on. */
  readonly delegated?: boolean;
  /** Actions that the agent was kept from. */
  readonly blockedActions?: readonly { readonly action: string; readonly reason: string }[];
  /** The tools that were called, each once; `recordToolCall` adds to it. */
  readonly toolsUsed?: readonly string[];
  /** What the run has cost; `recordUsage` adds to it. */
  readonly cost?: number;
  /** The tokens that the run has used; `recordUsage` adds to it. */
  readonly tokens?: {
    readonly prompt: number;
    readonly completion: number;
    readonly total: number;
  };
  /** Anything else. */
  readonly [key: string]: unknown;
}

/** The event types that Tenure itself writes. */
export type BuiltInEventType =
  | "start"
  | "iteration"
  | "tool_call"
  | "learning"
  | "pause"
  | "resume"
  | "complete"
  | "error"
  | "timeout"
  | "abandoned"
  | "fork"
  | "phase"
  | "agent_error"
  | "approval";

/** The type of an event: a built-in one or a name of your own. */
export type EventType = BuiltInEventType | (string & {});

/**
 * New values for anything that a session has. Members of `context` and `metadata` are merged, a
 * `history` takes the place of the one that is there, and `null` clears. What follows from other
 * things (`id`, `version`, `updatedAt`, `eventCount`, `deletedAt`, `agentName`, `purpose`) may come
 * along, and is passed over.
 */
export interface OverridesOf<Status, Phase> {
  /** What the agent is to do. */
  readonly task?: string | undefined;
  /** The kind of agent. */
  readonly mode?: string | undefined;
  /** Where it works. */
  readonly workspace?: string | null | undefined;
  /** The user it runs for. */
  readonly userId?: string | null | undefined;
  /** The channel it belongs to. */
  readonly channelId?: string | null | undefined;
  /** Where it is in its life, whatever leads there. */
  readonly status?: Status | undefined;
  /** Iterations used. */
  readonly iterations?: number | undefined;
  /** Iterations allowed. */
  readonly maxIterations?: number | undefined;
  /** When it was started. */
  readonly createdAt?: Time | undefined;
  /** When it ended. */
  readonly finalizedAt?: Time | null | undefined;
  /** Members to merge into the context. */
  readonly context?: JsonObject | undefined;
  /** Members to merge into the metadata. */
  readonly metadata?: SessionMetadata | null | undefined;
  /** What it ended with. */
  readonly result?: string | null | undefined;
  /** What it failed with. */
  readonly error?: string | null | undefined;
  /** What the agent is doing, which makes the session an agent's; `null` makes it any other's. */
  readonly phase?: Phase | null | undefined;
  /** Whether the agent may be resumed. */
  readonly resumeReady?: boolean | undefined;
  /** How many errors the agent has met. */
  readonly errorCount?: number | undefined;
  /** The last error that the agent met. */
  readonly lastError?: { readonly message: string; readonly timestamp: Time } | null | undefined;
  /** What came of the agent's work. */
  readonly summary?: string | null | undefined;
  /** The session it was forked from. */
  readonly parentId?: string | undefined;
  /** All of its events, which are numbered anew. */
  readonly history?:
    | readonly {
        /** When it was recorded. */
        readonly timestamp: Time;
        /** What kind of event it is. */
        readonly type: EventType;
        /** What happened. */
        readonly data?: JsonObject | undefined;
        /** Its number, which is passed over. */
        readonly sequence?: number | undefined;
      }[]
    | undefined;
  /** Passed over. */
  readonly id?: string | undefined;
  /** Passed over. */
  readonly version?: number | undefined;
  /** Passed over. */
  readonly updatedAt?: Time | undefined;
  /** Passed over. */
  readonly eventCount?: number | undefined;
  /** Passed over. */
  readonly deletedAt?: Time | undefined;
  /** Passed over: it is the mode. */
  readonly agentName?: string | undefined;
  /** Passed over: it is the task. */
  readonly purpose?: string | undefined;
}
