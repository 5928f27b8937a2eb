/**
 * Sessions with the types of their callers: the type of the context, and the types of the data of
 * events. Without types of their own, callers have JSON objects. The types wrap those that are
 * generated from the Rust core.
 *
 * @module
 */

import type * as generated from "../generated.js";
import type { ChangeKind, Phase, Status } from "../generated.js";
import type { Accepts, JsonInput } from "./params.js";
import type { BuiltInEventType, JsonObject, OverridesOf } from "./session-data.js";

/**
 * Types of your own, the type argument of `open`: `context` is the type of contexts, and `events` has
 * the type of each event's data by the name of the event.
 */
export interface SessionTypes {
  /** The type of `context`. */
  readonly context?: object;
  /** The type of `data` of each type of event. With it, other types than these are refused. */
  readonly events?: object & { readonly [Type in BuiltInEventType]?: never };
}

/**
 * The properties of a type. Unlike an interface, it is a JSON object to TypeScript. TypeScript does not
 * measure how a type varies with it, and so compares handles with different types method by method.
 */
type Plain<T> = { [K in keyof T]: T[K] };

/** The type of the context; a JSON object by default. */
export type ContextOf<T extends SessionTypes> =
  Plain<T> extends {
    readonly context: infer Context extends object;
  }
    ? Plain<Context>
    : JsonObject;

/** A context that is passed. */
export type ContextInput<T extends SessionTypes> =
  Plain<T> extends {
    readonly context: infer Context extends object;
  }
    ? Context
    : JsonInput;

/** Properties that are merged into a context. */
export type ContextPatch<T extends SessionTypes> =
  // Without `infer`, `{}` is such a value in generic code, too.
  Plain<T> extends { readonly context: object } ? Partial<T["context"]> : JsonInput;

/** The names of the properties of a context that may be absent. */
export type Removable<T extends SessionTypes> =
  Plain<T> extends { readonly context: infer Context extends object }
    ? OptionalName<Context>
    : string;

type OptionalName<Context> = Context extends object
  ? {
      [K in keyof Context & string]-?: Record<never, never> extends Pick<Context, K> ? K : never;
    }[keyof Context & string]
  : never;

/** The context that a session starts with. It may be left out if every property may be absent. */
type StartContext<T extends SessionTypes> =
  Record<never, never> extends ContextInput<T>
    ? { readonly context?: ContextInput<T> | undefined }
    : { readonly context: ContextInput<T> };

/** The types of agents, which start with an empty context. */
export type AgentTypes<T extends SessionTypes> = T extends {
  readonly context: infer Context extends object;
}
  ? { readonly context: Partial<Context> }
  : SessionTypes;

/**
 * The properties that Tenure adds to the context of a paused session. A context of your own may extend
 * them.
 */
export interface PauseContext {
  /** When it was paused. */
  readonly pausedAt?: string;
  /** Why it was paused. */
  readonly pauseReason?: string;
}

/**
 * The data of built-in events, by type. Each property may be absent and there may be others, as the data
 * of an event that was added with `addEvent` or imported is its caller's.
 */
export interface BuiltInEventData {
  /** The session was started. */
  start: Data<{ task: string; mode: string; workspace: string }>;
  /** An iteration was counted. */
  iteration: Data<{ iteration: number }>;
  /** A tool was called. The `result` is `null` if there is none; `callId` is that of its start. */
  tool_call: Data<{ tool: string; args: unknown; result: unknown; callId: string }>;
  /** A tool call was started. */
  tool_call_start: Data<{ tool: string; args: unknown; callId: string }>;
  /** The agent has an insight. */
  learning: Data<{ insight: string; expertiseFile: string }>;
  /** The session was paused. */
  pause: Data<{ reason: string }>;
  /** The session was resumed. The duration is in milliseconds. */
  resume: Data<{ pausedDuration: number; recovered: boolean; addIterations: number }>;
  /** The session was completed. */
  complete: Data<{ result: string; resultData: unknown }>;
  /** The session failed. */
  error: Data<{ error: string; stack: string }>;
  /** The session has used all of its iterations. */
  timeout: Data<{ iterations: number; maxIterations: number }>;
  /** The session was abandoned. */
  abandoned: Data<{ reason: string }>;
  /**
   * The context was changed. A property in `set` and not in `was` is new, one in `was` and not in `set`
   * was removed. `changed` has the names of those whose values are too large for the history.
   */
  context_change: Data<{ set: JsonObject; was: JsonObject; changed: readonly string[] }>;
  /** The session was forked from another one. */
  fork: Data<{ parentId: string; atSequence: number }>;
  /** The agent has changed its phase. */
  phase: Data<{ from: Phase; to: Phase }>;
  /** The agent has reported an error. */
  agent_error: Data<{ message: string }>;
  /** A request of the agent was decided, or withdrawn by the operation `override`. */
  approval: Data<{ approved: boolean; reason: string; by: string; override: string }>;
}

/** Data whose properties may be absent, and that may have others. */
type Data<Known> = { [K in keyof Known]?: Known[K] } & { [key: string]: unknown };

/**
 * The data of an event of a type that is not declared. Properties with the names of built-in ones have
 * their types, so that `type` discriminates built-in events here too. Declare the types of your events
 * where their data differs.
 */
export type UndeclaredEventData = Data<
  Texts<
    | "task"
    | "mode"
    | "workspace"
    | "tool"
    | "callId"
    | "result"
    | "insight"
    | "expertiseFile"
    | "reason"
    | "error"
    | "stack"
    | "parentId"
    | "message"
    | "by"
    | "override"
  > & {
    iteration: number;
    pausedDuration: number;
    recovered: boolean;
    addIterations: number;
    iterations: number;
    maxIterations: number;
    atSequence: number;
    approved: boolean;
    set: JsonObject;
    was: JsonObject;
    changed: readonly string[];
  }
>;

type Texts<Names extends string> = { [Name in Names]: string };

/** An event of a type, with its data. */
export interface RecordedEvent<Type extends string, EventData> {
  /** Its sequence number, from 1. */
  sequence: number;
  /** When it was recorded. */
  timestamp: string;
  /** What kind of event it is. */
  type: Type;
  /** What happened. */
  data: EventData;
}

/** A built-in event, discriminated by `type`. */
export type BuiltInEvent = {
  [Type in BuiltInEventType]: RecordedEvent<Type, BuiltInEventData[Type]>;
}[BuiltInEventType];

/** An event of one of the declared types; of any type if none is declared. */
type OwnEvent<T extends SessionTypes> =
  Plain<T> extends { readonly events: infer Events extends object }
    ? {
        [Type in keyof Events & string]: RecordedEvent<Type, Plain<Events[Type]>>;
      }[keyof Events & string]
    : RecordedEvent<string, UndeclaredEventData>;

/** An event of a session's history, discriminated by `type`. */
export type SessionEvent<T extends SessionTypes = SessionTypes> = BuiltInEvent | OwnEvent<T>;

/** The declared types of events; any if none is declared. */
export type OwnEventType<T extends SessionTypes> =
  Plain<T> extends { readonly events: infer Events extends object }
    ? keyof Events & string
    : string & {};

/** The events of some types; events of all types for `string`. */
export type EventsOf<T extends SessionTypes, Type extends string> = string extends Type
  ? SessionEvent<T>
  : Type extends BuiltInEventType
    ? RecordedEvent<Type, BuiltInEventData[Type]>
    : Plain<T> extends { readonly events: infer Events extends object }
      ? Type extends keyof Events
        ? RecordedEvent<Type, Plain<Events[Type]>>
        : never
      : RecordedEvent<Type, UndeclaredEventData>;

/** The types of events that only the changes record that they are about. */
export type ReservedEventType = "start" | "context_change";

/** The built-in types of events that callers may add. */
export type AddedType = Exclude<BuiltInEventType, ReservedEventType>;

/** The same names. As properties, error messages show them one by one and not as `AddedType`. */
export type AddedNames = { [Name in AddedType]: Name };

/**
 * This type; in the place of a reserved one those that may be added. The template lets generic code
 * through: TypeScript knows of it, and not of a type parameter alone, that it is no reserved name.
 */
export type Unreserved<Type extends string> = `${Type}` extends ReservedEventType
  ? AddedNames[AddedType]
  : Type;

/**
 * The data of an event to add. A union comes before the condition, so that generic code may add built-in
 * events to a handle of any types.
 */
export type AddedEventData<T extends SessionTypes, Type extends string> =
  | BuiltInEventData[Type & AddedType]
  | (Plain<T> extends { readonly events: infer Events extends object }
      ? Events[Type & keyof Events]
      : JsonInput);

/** The data of an event to add, and the options. The data may be left out if all of it may be absent. */
export type EventArguments<EventData, Options> =
  Record<never, never> extends EventData
    ? [data?: EventData | undefined, options?: Options]
    : [data: EventData, options?: Options];

/** An event to add. */
export type NewEvent<T extends SessionTypes = SessionTypes> =
  | {
      [Type in AddedType]: {
        readonly type: Type;
        readonly data?: BuiltInEventData[Type] | undefined;
      };
    }[AddedType]
  | (Plain<T> extends { readonly events: infer Events extends object }
      ? {
          [Type in keyof Events & string]: Record<never, never> extends Events[Type]
            ? { readonly type: Type; readonly data?: Events[Type] | undefined }
            : { readonly type: Type; readonly data: Events[Type] };
        }[keyof Events & string]
      : Accepts<generated.NewEvent>);

/** A session without its history. */
export interface SessionHead<T extends SessionTypes = SessionTypes>
  extends Omit<generated.SessionHead, "context"> {
  /** The user's state. */
  context: ContextOf<T>;
}

/** A session with its history. */
export interface Session<T extends SessionTypes = SessionTypes> extends SessionHead<T> {
  /** Its events, oldest first. */
  history: SessionEvent<T>[];
}

/** What an agent needs to continue. */
export interface SessionContext<T extends SessionTypes = SessionTypes>
  extends Omit<generated.SessionContext, "context" | "recentHistory"> {
  /** The user's state. */
  context: ContextOf<T>;
  /** The last events, ten by default. */
  recentHistory: SessionEvent<T>[];
}

/** A page of a history, or of its events of some types. */
export interface EventPage<T extends SessionTypes = SessionTypes, Type extends string = string>
  extends Omit<generated.EventPage, "items"> {
  /** The events. */
  items: EventsOf<T, Type>[];
}

/** Properties that only some results have: `undefined` in the others. */
export type Only<All extends object, Own> = Own & {
  readonly [K in Exclude<keyof All, keyof Own>]?: undefined;
};

/** The properties that every change has. */
type ChangeCommon = Pick<generated.Change, "position" | "id">;
/** The properties that only some changes have. */
type ChangeSome = Omit<generated.Change, keyof ChangeCommon | "kind">;

/** A change of some kinds. */
type ChangeOf<Kind extends ChangeKind, Own> = ChangeCommon & {
  /** What it did: to a session, or `lease` or `audit`. */
  kind: Kind;
} & Only<ChangeSome, Own>;

/** A session that was changed. */
interface ChangedSession<T extends SessionTypes> extends Pick<generated.Change, "nextAfter"> {
  /** The session as it is now, which may be later than the change; absent if it was deleted since. */
  session?: SessionHead<T>;
  /**
   * The events that the change appended; absent if there are none, or their history was removed or
   * replaced since.
   */
  events?: SessionEvent<T>[];
}

/**
 * A change of a session, of a lease or of the audit log. Its `kind` tells which properties it may have.
 */
export type Change<T extends SessionTypes = SessionTypes> =
  | ChangeOf<"created" | "updated" | "trashed" | "restored", ChangedSession<T>>
  | ChangeOf<"deleted", Record<never, never>>
  | ChangeOf<"lease", Pick<generated.Change, "lease">>
  | ChangeOf<"audit", Pick<generated.Change, "audit">>;

/** A part of the feed. */
export interface ChangePage<T extends SessionTypes = SessionTypes>
  extends Omit<generated.ChangePage, "items"> {
  /** The changes, in the order of the commits. */
  items: Change<T>[];
}

/** A page of a list of sessions. */
export interface SessionPage<T extends SessionTypes = SessionTypes>
  extends Omit<generated.SessionPage, "items"> {
  /** The sessions. */
  items: SessionHead<T>[];
}

/** The session in a slot. */
export interface SlotSession<T extends SessionTypes = SessionTypes>
  extends Omit<generated.SlotSession, "session"> {
  /** The session. */
  session: SessionHead<T>;
}

/** A session to start. */
export type StartParams<T extends SessionTypes = SessionTypes> = Accepts<
  Omit<generated.StartParams, "context">
> &
  StartContext<T>;

/** A session to start in a slot, with the options of the start. */
export type StartInSlotParams<T extends SessionTypes = SessionTypes> = Accepts<
  Omit<generated.StartInSlotParams, "context">
> &
  StartContext<T>;

/** New values for the fields of a session. */
export type Overrides<T extends SessionTypes = SessionTypes> = OverridesOf<
  Status,
  Phase,
  ContextPatch<T>
>;
