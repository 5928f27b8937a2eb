/**
 * Creates sessions in any state for a test, without the operations that would lead to it.
 *
 * @module
 */

import { encode } from "../connection/encode.js";
import type { Status } from "../generated.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import { exactly } from "../values/arguments.js";
import { invalidArgument } from "../values/error.js";
import { checkOptions } from "../values/options.js";
import type { OpenInput, Time } from "../values/params.js";
import type { SessionMetadata } from "../values/session-data.js";
import type {
  BuiltInEventData,
  ContextPatch,
  NewEvent,
  ReservedEventType,
  SessionHead,
  SessionTypes,
} from "../values/session-types.js";
import { START } from "./clock.js";

/** The state of a session; omitted properties have defaults. */
export interface Given<T extends SessionTypes = SessionTypes> {
  /** Its id; by default `given-1`, `given-2` and so on for each handle. */
  readonly id?: string | undefined;
  /** Its task; `"a task"` by default. */
  readonly task?: string | undefined;
  /** Its mode; `"developer"` by default. */
  readonly mode?: string | undefined;
  /** Its status; `"active"` by default. */
  readonly status?: Status | undefined;
  /** When it was started; at the start of 2026 by default. */
  readonly createdAt?: Time | undefined;
  /** When it was last changed; by default the time of its last event, or `createdAt`. */
  readonly updatedAt?: Time | undefined;
  /** The consumed iterations; none by default. */
  readonly iterations?: number | undefined;
  /** The allowed iterations. */
  readonly maxIterations?: number | undefined;
  /** Its history; empty by default. An event without a timestamp gets `createdAt`. */
  readonly events?: readonly GivenEvent<T>[] | undefined;
  /** Its context. A paused session gets `pausedAt` unless it is given. */
  readonly context?: ContextPatch<T> | undefined;
  /** Metadata of the run. */
  readonly metadata?: OpenInput<SessionMetadata> | undefined;
  /** The user. */
  readonly userId?: string | undefined;
  /** The channel. */
  readonly channelId?: string | undefined;
  /** Where it works. */
  readonly workspace?: string | undefined;
  /** The result. */
  readonly result?: string | undefined;
  /** The error. */
  readonly error?: string | undefined;
  /** The session that it was forked from. */
  readonly parentId?: string | undefined;
  /** When it was moved to the trash. */
  readonly deletedAt?: Time | undefined;
}

/** An event of a given session. */
export type GivenEvent<T extends SessionTypes = SessionTypes> = (
  | NewEvent<T>
  | {
      [Type in ReservedEventType]: {
        readonly type: Type;
        readonly data?: BuiltInEventData[Type] | undefined;
      };
    }[ReservedEventType]
) & {
  /** The time. */
  readonly timestamp?: Time | undefined;
};

/** The known properties. The core checks their values. */
const GIVEN: Readonly<Record<keyof Given, "any">> = {
  id: "any",
  task: "any",
  mode: "any",
  status: "any",
  createdAt: "any",
  updatedAt: "any",
  iterations: "any",
  maxIterations: "any",
  events: "any",
  context: "any",
  metadata: "any",
  userId: "any",
  channelId: "any",
  workspace: "any",
  result: "any",
  error: "any",
  parentId: "any",
  deletedAt: "any",
};
const GIVEN_EVENT: Readonly<Record<keyof GivenEvent, "any">> = {
  type: "any",
  timestamp: "any",
  data: "any",
};

/** The number of sessions with generated ids, for each handle. */
const counts = new WeakMap<object, number>();

/**
 * Creates a session in any state and returns its head. The session is imported: transitions are not
 * checked, there are no notifications, and a session of the same id is overwritten.
 *
 * ```js
 * const { id } = await givenSession(sessions, { status: "paused", iterations: 9 });
 * ```
 */
export const givenSession: GivenSession = exactly("givenSession", 2, importGiven) as GivenSession;

/** The type of {@link givenSession}. */
export interface GivenSession {
  /** Over a synchronous handle it returns the head. */
  <T extends SessionTypes>(sessions: SessionsSync<T>, given?: Given<T>): SessionHead<T>;
  /** Over an asynchronous handle it returns a promise of the head. */
  <T extends SessionTypes>(sessions: Sessions<T>, given?: Given<T>): Promise<SessionHead<T>>;
}

function importGiven(
  sessions: Sessions | SessionsSync,
  given: Given = {},
): SessionHead | Promise<SessionHead> {
  if (typeof Reflect.get(Object(sessions), "import") !== "function") {
    throw invalidArgument("sessions", "expected the handle of a store");
  }
  checkOptions(given, GIVEN, "given");
  if (given.events !== undefined && !Array.isArray(given.events)) {
    throw invalidArgument("events", "expected a list of events");
  }
  for (const event of given.events ?? []) checkOptions(event, GIVEN_EVENT, "events");
  const { events = [], createdAt = new Date(START), ...properties } = given;
  const history = events.map((event) => ({ timestamp: createdAt, ...defined(event) }));
  const updatedAt = properties.updatedAt ?? history.at(-1)?.timestamp ?? createdAt;
  const session = {
    id: properties.id ?? nextId(sessions),
    task: "a task",
    mode: "developer",
    status: "active",
    createdAt,
    updatedAt,
    ...defined(properties),
    ...(properties.status === "paused"
      ? { context: { pausedAt: updatedAt, ...properties.context } }
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

/** The defined properties: an `undefined` one must not replace a default. */
function defined<T extends object>(properties: T): Partial<T> {
  const there = Object.entries(properties).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as Partial<T>;
}
