/**
 * The types of `tenure/compat`: sessions in the form that existing bots use. They are mutable,
 * because such bots modify a session before they save it.
 *
 * @module
 */

import type {
  SessionContext as Context,
  ListParams,
  Overrides,
  StartParams,
  Stats,
  Status,
  WebhookEvent,
} from "../generated.js";
import type { OpenOptions } from "../handles/options.js";
import type { Store } from "../stores/store.js";
import type { Accepts } from "../values/params.js";
import type { JsonObject } from "../values/session-data.js";

export type { Listener, SessionEvents } from "../events/listeners.js";
export type { Stats as SessionStats };

/**
 * The status of a session. An administrator or another program may also set `abandoned`, which the type
 * leaves out, so that a record of all statuses, such as `Record<SessionStatus, string>`, needs no more
 * properties than before.
 */
export type SessionStatus = Exclude<Status, "abandoned">;

/** The type of an event: one of the original API, or another name. */
export type SessionEventType =
  | "start"
  | "iteration"
  | "tool_call"
  | "learning"
  | "pause"
  | "resume"
  | "complete"
  | "error"
  | "timeout"
  | (string & {});

/** What an agent needs to continue. */
export interface SessionContext extends Omit<Context, "status"> {
  /** The status. */
  status: SessionStatus;
}

/** The payload of a webhook. */
export interface SessionWebhookPayload {
  /** The event. */
  event: Exclude<WebhookEvent, "abandoned">;
  /** The session, just after the change. */
  session: {
    id: string;
    mode: string;
    status: SessionStatus;
    task: string;
    userId?: string;
    channelId?: string;
  };
  /** When it happened. */
  timestamp: string;
  /** What happened. */
  data?: Record<string, unknown>;
}

/** Metadata of a run. */
export interface AgentSessionMetadata {
  /** The model that the agent uses. */
  model?: string;
  /** How long the run should take, in seconds; nothing enforces it. */
  timeout?: number;
  /** Whether the agent may record what it learns. */
  enableLearning?: boolean;
  /** Whether another agent delegated the task. */
  delegated?: boolean;
  /** Actions that were blocked. */
  blockedActions?: Array<{ action: string; reason: string }>;
  /** The names of the called tools, without repetition. `recordToolCall` adds to it. */
  toolsUsed?: string[];
  /** The cost of the run. */
  cost?: number;
  /** The tokens that the run has consumed. */
  tokens?: { prompt: number; completion: number; total: number };
  /** Anything else. */
  [key: string]: unknown;
}

/** One entry of a session's history. */
export interface SessionEvent {
  /** When it was recorded. */
  timestamp: string;
  /** What kind of event it is. */
  type: SessionEventType;
  /** What happened. */
  data: Record<string, unknown>;
  /** Its sequence number, from 1. Optional in sessions that the bot creates itself. */
  sequence?: number;
}

/** A session without its history. */
export interface SessionSummary {
  /** The session's id. */
  id: string;
  /** The user that it runs for. */
  userId?: string;
  /** The channel that it was started in. */
  channelId?: string;
  /** The kind of agent. */
  mode: string;
  /** The task of the agent. */
  task: string;
  /** Where it works. */
  workspace?: string;
  /** The status. */
  status: SessionStatus;
  /** When it was started. */
  createdAt: string;
  /** When it was last changed. */
  updatedAt: string;
  /** Iterations used. */
  iterations: number;
  /** Iterations allowed; reaching them makes the session `timeout`. */
  maxIterations: number;
  /** The state of the bot. */
  context: Record<string, unknown>;
  /** The result. */
  result?: string;
  /** The error. */
  error?: string;
  /** Metadata of the run. */
  metadata?: AgentSessionMetadata;
  /** The version, which counts changes from 1. Optional in sessions that the bot creates itself. */
  version?: number;
  /** The number of events in its history. */
  eventCount?: number;
  /** When it reached a terminal status. */
  finalizedAt?: string;
  /** The session that it was forked from. */
  parentId?: string;
}

/** A session with its complete history. */
export interface AgentSession extends SessionSummary {
  /** Its events, oldest first. */
  history: SessionEvent[];
}

/** Options of a new session, besides its task and mode. */
export type SessionOptions = Omit<Accepts<StartParams>, "task" | "mode">;

/** Parameters of a new session. */
export type CreateSessionOptions = Accepts<StartParams>;

/** New values for the fields of a session. */
export type SessionUpdates = Overrides;

/** New values for the fields of a session, under their original name. */
export type UpdateSessionOptions = SessionUpdates;

/** A filter for sessions. All given conditions must match. */
export type SessionFilter = Omit<Accepts<ListParams>, "cursor" | "orderBy" | "direction" | "trash">;

/** The store, and its options. */
export interface CompatOptions extends OpenOptions {
  /** A URL or a store of your own; `"file:./sessions"` by default. */
  readonly store?: string | URL | Store | undefined;
}

/** The function that {@link SessionAwareAgent} runs: your agent. */
export type AgentRunner = (run: AgentRun) => Promise<AgentResult> | AgentResult;

/** A run of an agent. */
export interface AgentRun {
  /** The task. */
  readonly task: string;
  /** The kind of agent. */
  readonly mode: string;
  /** The session that it runs in. */
  readonly sessionId: string;
  /** The session's context, with data of earlier runs. */
  readonly context: JsonObject;
}

/** The result of a run. */
export interface AgentResult {
  /** Whether the task succeeded. */
  readonly success: boolean;
  /** The output. */
  readonly output: string;
  /** The error. */
  readonly error?: string | undefined;
  /** An insight to record. */
  readonly learned?:
    | { readonly insight: string; readonly expertiseFile?: string | undefined }
    | undefined;
}
