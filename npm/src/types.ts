/**
 * The few types that the generated ones are built from, and the shapes in which callers may give
 * parameters. What operations take and return is in `generated.ts`, written from the Rust core.
 *
 * @module
 */

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
  | "timeout";

/** The type of an event: a built-in one or a name of your own. */
export type EventType = BuiltInEventType | (string & {});

/** A moment: a `Date`, an RFC 3339 text or bare date, or milliseconds since 1970. */
export type Time = Date | string | number;

type TimeKey = "createdAfter" | "createdBefore" | "updatedAfter" | "updatedBefore";

/**
 * Parameters as callers may give them: a member that may be left out may also be `undefined`, lists
 * may be read-only, and where a moment is meant any {@link Time} will do.
 */
export type Accepts<T> = {
  readonly [K in keyof T]:
    | (K extends TimeKey ? Time : AcceptsList<T[K]>)
    | (Record<never, never> extends Pick<T, K> ? undefined : never);
};

type AcceptsList<T> = T extends readonly (infer U)[] ? readonly Accepts<U>[] : T;
