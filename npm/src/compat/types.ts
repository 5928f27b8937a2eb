/**
 * The types of `tenure/compat`: sessions as bots know them that carried their own code for them. They
 * can be written to, since such bots do so before they save a session.
 *
 * @module
 */

import type {
  ListParams,
  Overrides,
  SessionContext,
  StartParams,
  Stats,
  Status,
} from "../generated.js";
import type { OpenOptions } from "../handles/options.js";
import type { Store } from "../stores/store.js";
import type { Accepts } from "../values/params.js";
import type { EventType, JsonObject } from "../values/session-data.js";

export type { SessionContext, Stats as SessionStats, Status as SessionStatus };

/** What is known about a run. */
export interface AgentSessionMetadata {
  /** The model that the agent uses. */
  model?: string;
  /** How long the run should take, in seconds; nothing enforces it. */
  timeout?: number;
  /** Whether the agent may record what it learns. */
  enableLearning?: boolean;
  /** Whether another agent handed the task on. */
  delegated?: boolean;
  /** Actions that the agent was kept from. */
  blockedActions?: Array<{ action: string; reason: string }>;
  /** The tools that were called, each once; `recordToolCall` adds to it. */
  toolsUsed?: string[];
  /** What the run has cost. */
  cost?: number;
  /** The tokens that the run has used. */
  tokens?: { prompt: number; completion: number; total: number };
  /** Anything else. */
  [key: string]: unknown;
}

/** One entry of a session's history. */
export interface SessionEvent {
  /** When it was recorded. */
  timestamp: string;
  /** What kind of event it is. */
  type: EventType;
  /** What happened. */
  data: Record<string, unknown>;
  /** Its place in the history, from 1. Sessions that were made by hand need not say it. */
  sequence?: number;
}

/** A session without its history. */
export interface SessionSummary {
  /** The session's id. */
  id: string;
  /** The user it runs for. */
  userId?: string;
  /** The channel it was started in. */
  channelId?: string;
  /** The kind of agent. */
  mode: string;
  /** What the agent is to do. */
  task: string;
  /** Where it works. */
  workspace?: string;
  /** Where it is in its life. */
  status: Status;
  /** When it was started. */
  createdAt: string;
  /** When it was last changed. */
  updatedAt: string;
  /** Iterations used. */
  iterations: number;
  /** Iterations allowed; reaching them makes the session `timeout`. */
  maxIterations: number;
  /** The bot's own state. */
  context: Record<string, unknown>;
  /** What it ended with. */
  result?: string;
  /** What it failed with. */
  error?: string;
  /** About the run. */
  metadata?: AgentSessionMetadata;
  /** Counts the changes to the session, from 1. Sessions that were made by hand need not say it. */
  version?: number;
  /** How many events its history has. */
  eventCount?: number;
  /** When it ended for good. */
  finalizedAt?: string;
  /** The session it was forked from. */
  parentId?: string;
}

/** A session with its whole history. */
export interface AgentSession extends SessionSummary {
  /** Its events, oldest first. */
  history: SessionEvent[];
}

/** What a session can be started with, beside its task and mode. */
export type SessionOptions = Omit<Accepts<StartParams>, "task" | "mode">;

/** What a session is made of. */
export type CreateSessionOptions = Accepts<StartParams>;

/** What can be set of a session. */
export type SessionUpdates = Overrides;

/** Which sessions are meant: every member that is given must hold. */
export type SessionFilter = Omit<Accepts<ListParams>, "cursor" | "orderBy" | "direction" | "trash">;

/** Where sessions are kept, and how. */
export interface CompatOptions extends OpenOptions {
  /** A URL or a store of your own; `"file:./sessions"` by default. */
  readonly store?: string | URL | Store | undefined;
}

/** What {@link SessionAwareAgent} runs: your agent. */
export type AgentRunner = (run: AgentRun) => Promise<AgentResult> | AgentResult;

/** What an agent is to do. */
export interface AgentRun {
  /** The task. */
  readonly task: string;
  /** The kind of agent. */
  readonly mode: string;
  /** The session that it runs in. */
  readonly sessionId: string;
  /** The session's context: what an earlier run has left there. */
  readonly context: JsonObject;
}

/** What an agent has done. */
export interface AgentResult {
  /** Whether it has done its task. */
  readonly success: boolean;
  /** What came out. */
  readonly output: string;
  /** What went wrong. */
  readonly error?: string | undefined;
  /** What it has learned, which is recorded. */
  readonly learned?:
    | { readonly insight: string; readonly expertiseFile?: string | undefined }
    | undefined;
}
