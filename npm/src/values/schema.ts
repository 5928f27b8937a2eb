/**
 * Checks of contexts and of the data of events by schemas of the caller, before an operation reaches the
 * core. A schema is of any library that follows the specification Standard Schema. It checks the JSON that
 * would be stored, and changes nothing.
 *
 * @module
 */

import { invalidArgument, messageOf } from "./error.js";
import { checkObject, checkOptions } from "./options.js";
import type { BuiltInEventType } from "./session-data.js";
import type { ContextInput, SessionTypes } from "./session-types.js";
import { ignore, isThenable } from "./thenable.js";

/** A schema of a library that follows https://standardschema.dev, such as zod, valibot and arktype. */
export interface StandardSchema<Input = unknown> {
  /** What the specification requires. */
  readonly "~standard": {
    /** The version of the specification. */
    readonly version: 1;
    /** The name of the library. */
    readonly vendor: string;
    /** Checks a value. */
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>;
    /** The types, which no value has. */
    readonly types?: { readonly input: Input; readonly output: unknown } | undefined;
  };
}

/** The result of a check: a value without issues is valid. */
interface SchemaResult {
  readonly value?: unknown;
  readonly issues?: readonly SchemaIssue[] | undefined;
}

/** An issue, and where it is. */
interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Schemas of contexts, and of the data of each type of event. */
export interface SessionSchema {
  /** The schema of contexts. */
  readonly context?: StandardSchema<object> | undefined;
  /** The schemas of the data of events, by type. */
  readonly events?:
    | ({ readonly [type: string]: StandardSchema<object> } & {
        readonly [Type in BuiltInEventType]?: never;
      })
    | undefined;
}

/** The schemas for types: any schemas if there are no types. */
export type SchemaOf<T extends SessionTypes> = (T extends { readonly context: object }
  ? { readonly context?: StandardSchema<ContextInput<T>> | undefined }
  : Pick<SessionSchema, "context">) &
  (T extends { readonly events: infer Events extends object }
    ? {
        readonly events?:
          | { readonly [Type in keyof Events]?: StandardSchema<Events[Type]> }
          | undefined;
      }
    : Pick<SessionSchema, "events">);

/** The types that schemas accept. */
export type TypesOf<S extends SessionSchema> = Accepted<
  (S extends { readonly context: StandardSchema<infer Context> }
    ? { readonly context: Context }
    : unknown) &
    (S extends { readonly events: infer Events extends object }
      ? { readonly events: { readonly [Type in keyof Events]: InputOf<Events[Type]> } }
      : unknown)
>;

type InputOf<S> = S extends StandardSchema<infer Input> ? Input : never;

/** Types of sessions, if they are such. */
type Accepted<T> = T extends SessionTypes ? { readonly [K in keyof T]: T[K] } : SessionTypes;

/** A value to check: its schema, its path in errors, and whether it is a part of an object. */
interface Subject {
  readonly schema: StandardSchema | undefined;
  /** The name of the schema in errors. */
  readonly name: string;
  readonly path: string;
  readonly value: unknown;
  /** Whether properties may be left out: the value is merged into what is stored. */
  readonly isPatch?: boolean;
}

/** The parameters that are read here. They are not checked yet. */
interface Given {
  readonly context?: unknown;
  readonly replace?: unknown;
  readonly type?: unknown;
  readonly data?: unknown;
  readonly events?: unknown;
  readonly starts?: unknown;
}

/** The schemas of a handle. */
export class Schemas {
  readonly #context: StandardSchema | undefined;
  readonly #events: ReadonlyMap<string, StandardSchema>;

  /** The schemas of the option `schema`. */
  constructor(schema: SessionSchema) {
    checkOptions(schema, { context: "any", events: "any" }, "schema");
    const { context, events = {} } = schema;
    checkObject(events, "schema.events");
    if (context !== undefined) checkSchema(context, "schema.context");
    for (const [type, schema] of Object.entries(events)) {
      if (BUILT_IN.has(type)) {
        throw invalidArgument(`schema.events.${type}`, "expected a type that is not built in");
      }
      checkSchema(schema, `schema.events.${type}`);
    }
    this.#context = context;
    this.#events = new Map<string, StandardSchema>(Object.entries(events));
  }

  /**
   * Checks the parameters of an operation, as JSON text. Throws at the first issue. Returns a promise if
   * a schema is asynchronous.
   */
  check(operation: string, params: string): Promise<void> | undefined {
    if (!Object.hasOwn(CHECKED, operation)) return undefined;
    const waiting: Promise<void>[] = [];
    for (const subject of this.#subjects(operation, JSON.parse(params) as Given)) {
      const checked = check(subject);
      if (checked === undefined) continue;
      // An issue before it may end the check, or an operation before it may be waited for.
      ignore(checked);
      waiting.push(checked);
    }
    if (waiting.length === 0) return undefined;
    const all = Promise.all(waiting).then(() => undefined);
    ignore(all);
    return all;
  }

  /** As {@link Schemas.check}, and refuses an asynchronous schema. */
  checkNow(operation: string, params: string): void {
    if (this.check(operation, params) === undefined) return;
    throw invalidArgument("schema", "is asynchronous: open the store with `open`, not `openSync`");
  }

  *#subjects(operation: string, given: Given): Iterable<Subject> {
    switch (CHECKED[operation]) {
      case "start":
        yield this.#started(given, "");
        break;
      case "starts":
        for (const [at, start] of listOf(given.starts))
          yield this.#started(start, `starts[${at}].`);
        break;
      case "patch":
        if (given.context !== undefined) {
          yield { ...this.#contextOf(given, ""), isPatch: given.replace !== true };
        }
        break;
      case "event":
        yield this.#event(given, "");
        break;
      case "events":
        for (const [at, event] of listOf(given.events)) yield this.#event(event, `events[${at}].`);
    }
  }

  #started(given: Given, prefix: string): Subject {
    return this.#contextOf({ context: given.context ?? {} }, prefix);
  }

  #contextOf({ context }: Given, prefix: string): Subject {
    const path = `${prefix}context`;
    return { schema: this.#context, name: "schema.context", path, value: context };
  }

  #event({ type, data }: Given, prefix: string): Subject {
    return {
      schema: this.#events.get(String(type)),
      name: `schema.events.${type}`,
      path: `${prefix}data`,
      value: data ?? {},
    };
  }
}

/** What is checked of the operations that write contexts and events. */
const CHECKED: Readonly<Record<string, "start" | "starts" | "patch" | "event" | "events">> = {
  start: "start",
  startInSlot: "start",
  startInSlots: "starts",
  update: "patch",
  updateContext: "patch",
  fork: "patch",
  addEvent: "event",
  addEvents: "events",
};

const BUILT_IN: ReadonlySet<string> = new Set(
  Object.keys({
    start: true,
    iteration: true,
    tool_call: true,
    tool_call_start: true,
    learning: true,
    pause: true,
    resume: true,
    complete: true,
    error: true,
    timeout: true,
    abandoned: true,
    context_change: true,
    fork: true,
    phase: true,
    agent_error: true,
    approval: true,
  } satisfies Record<BuiltInEventType, true>),
);

function checkSchema(schema: unknown, name: string): asserts schema is StandardSchema {
  const given = typeof schema === "function" || typeof schema === "object" ? schema : null;
  const standard = (given as Partial<StandardSchema> | null)?.["~standard"];
  if (standard?.version !== 1 || typeof standard.validate !== "function") {
    throw invalidArgument(name, "expected a schema that follows https://standardschema.dev");
  }
}

/** The items of a list that are objects. What is wrong with others is the core's to say. */
function* listOf(list: unknown): Iterable<readonly [number, Given]> {
  if (!Array.isArray(list)) return;
  for (const [at, item] of (list as readonly unknown[]).entries()) {
    if (typeof item === "object" && item !== null) yield [at, item];
  }
}

function check(subject: Subject): Promise<void> | undefined {
  const { schema, name, value } = subject;
  // What is no object is refused by the core.
  if (schema === undefined || typeof value !== "object" || value === null) return undefined;
  const failed = (thrown: unknown): never => {
    throw invalidArgument(name, `failed: ${messageOf(thrown)}`, thrown);
  };
  let result: unknown;
  try {
    result = schema["~standard"].validate(value);
  } catch (thrown) {
    return failed(thrown);
  }
  if (isThenable(result)) {
    return Promise.resolve(result).then((result) => refuseIssues(subject, result), failed);
  }
  refuseIssues(subject, result);
  return undefined;
}

/** Throws at the first issue. What a patch leaves out is no issue. */
function refuseIssues({ name, path, value, isPatch }: Subject, result: unknown): void {
  if (typeof result !== "object" || result === null) {
    throw invalidArgument(name, "expected its result to be an object");
  }
  for (const { message, path: at = [] } of (result as SchemaResult).issues ?? []) {
    const keys = at.map((key) => (typeof key === "object" ? key.key : key));
    const [first] = keys;
    if (isPatch && first !== undefined && !Object.hasOwn(value as object, first)) continue;
    throw invalidArgument(keys.reduce(deeper, path), message);
  }
}

function deeper(path: string, key: PropertyKey): string {
  return typeof key === "number" ? `${path}[${key}]` : `${path}.${String(key)}`;
}
