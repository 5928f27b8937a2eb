/**
 * Puts sessions of any state into a store for a test, without the steps that would lead there.
 *
 * @module
 */

import { encode } from "../connection/encode.js";
import type { SessionHead, Status } from "../generated.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import type { Time } from "../values/params.js";
import type { EventType, JsonObject, SessionMetadata } from "../values/session-data.js";
import { START } from "./clock.js";

/** What a session is to be like; what is left out has a default. */
export interface Given {
  /** Its id: `given-1`, `given-2` and so on by default, for each handle. */
  readonly id?: string | undefined;
  /** What it is to do; `"a task"` by default. */
  readonly task?: string | undefined;
  /** In which mode; `"developer"` by default. */
  readonly mode?: string | undefined;
  /** How it stands; `"active"` by default. */
  readonly status?: Status | undefined;
  /** When it was started; at the start of 2026 by default. */
  readonly createdAt?: Time | undefined;
  /** When it was last changed; at the last of its events, or when it was started, by default. */
  readonly updatedAt?: Time | undefined;
  /** How many iterations it has made; none by default. */
  readonly iterations?: number | undefined;
  /** How many it may make. */
  readonly maxIterations?: number | undefined;
  /** Its history; empty by default. An event without a time happened when the session was started. */
  readonly events?: readonly GivenEvent[] | undefined;
  /** What it carries along. Of a paused session `pausedAt` in it says since when, as always. */
  readonly context?: JsonObject | undefined;
  /** What is known about the run. */
  readonly metadata?: SessionMetadata | undefined;
  /** Whose it is. */
  readonly userId?: string | undefined;
  /** Where it was asked for. */
  readonly channelId?: string | undefined;
  /** Where it works. */
  readonly workspace?: string | undefined;
  /** What it came to. */
  readonly result?: string | undefined;
  /** What it failed with. */
  readonly error?: string | undefined;
  /** The session that it was forked from. */
  readonly parentId?: string | undefined;
  /** When it went into the trash. */
  readonly deletedAt?: Time | undefined;
}

/** An event of a session that is given. */
export interface GivenEvent {
  /** What happened. */
  readonly type: EventType;
  /** When. */
  readonly timestamp?: Time | undefined;
  /** More about it. */
  readonly data?: JsonObject | undefined;
}

/** How many sessions without an id a handle was given. */
const counts = new WeakMap<object, number>();

/**
 * Puts a session of any state into a store and returns its head. It is imported: no step is checked,
 * nobody is told, and a session of the same id is overwritten.
 *
 * ```js
 * const { id } = await givenSession(sessions, { status: "paused", iterations: 9 });
 * ```
 */
export function givenSession(sessions: SessionsSync, given?: Given): SessionHead;
export function givenSession(sessions: Sessions, given?: Given): Promise<SessionHead>;
export function givenSession(
  sessions: Sessions | SessionsSync,
  given: Given = {},
): SessionHead | Promise<SessionHead> {
  const { events = [], createdAt = new Date(START), ...members } = given;
  const history = events.map((event) => ({ timestamp: createdAt, ...defined(event) }));
  const updatedAt = members.updatedAt ?? history.at(-1)?.timestamp ?? createdAt;
  const session = {
    id: members.id ?? nextId(sessions),
    task: "a task",
    mode: "developer",
    status: "active",
    createdAt,
    updatedAt,
    ...defined(members),
    ...(members.status === "paused"
      ? { context: { pausedAt: updatedAt, ...members.context } }
      : {}),
    history,
  };
  return sessions.import(encode("session", session));
}

function nextId(sessions: object): string {
  const count = (counts.get(sessions) ?? 0) + 1;
  counts.set(sessions, count);
  return `given-${count}`;
}

/** The members that are there: one that is left out must not take the place of a default. */
function defined<T extends object>(members: T): Partial<T> {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as Partial<T>;
}
