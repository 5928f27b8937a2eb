// Types of the caller's own: contexts, events and their data. Compiled, never run.

import {
  type BuiltInEventData,
  type BuiltInEventType,
  copy,
  type EventOptions,
  type EventPage,
  type EventPageSync,
  type EventType,
  type Filter,
  getSessionManager,
  type HeldSession,
  type HeldSessionSync,
  type JsonObject,
  type LatestOptions,
  type ListOptions,
  type OpenOptions,
  type Operations,
  open,
  openSync,
  type PauseContext,
  type RecordedEvent,
  type Session,
  type SessionEvent,
  type SessionHead,
  type Sessions,
  type SessionsSync,
  type SessionTypes,
  type StandardSchema,
  type StartParams,
  type UndeclaredEventData,
} from "tenure";
import { givenSession, memorySessions, memorySessionsSync } from "tenure/testing/plain";
import * as wasm from "tenure/wasm";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T => true as T;

/** An interface, which has no index signature. */
interface Work {
  readonly pr: number;
  readonly branch?: string;
}
interface State extends Work, PauseContext {}
interface DeployData {
  readonly to: "staging" | "production";
  readonly version?: number;
}
interface Note {
  readonly text?: string;
}
interface Types {
  readonly context: State;
  readonly events: { readonly deploy: DeployData; readonly note: Note };
}

export async function changes(): Promise<void> {
  const sessions = await open<Types>();
  for await (const { session, events } of sessions.watch()) {
    session?.context.pr satisfies number | undefined;
    events?.[0]?.sequence satisfies number | undefined;
  }
  const off = sessions.on("change", ({ ids, changes }) => {
    ids satisfies readonly string[];
    changes[0]?.session?.context.pr satisfies number | undefined;
    // @ts-expect-error: the context has no such property
    changes[0]?.session?.context.prs;
  });
  off();
  const untyped: Sessions = await open();
  untyped.on(
    "change",
    ({ changes }) => changes[0]?.session?.context satisfies JsonObject | undefined,
  );
}

export async function handles(): Promise<void> {
  const sessions = await open<{ context: Work; events: { deploy: DeployData } }>();
  const { context } = await sessions.start({ task: "t", mode: "m", context: { pr: 42 } });
  is<Same<typeof context.pr, number>>();
  is<Same<typeof context.branch, string | undefined>>();
  is<Same<typeof context, { readonly pr: number; readonly branch?: string }>>();
  const elsewhere = await wasm.open<Types>();
  is<Same<typeof elsewhere, Sessions<Types>>>();
  const sync = openSync<Types>("memory:", { durability: "full" });
  is<Same<typeof sync, SessionsSync<Types>>>();

  // @ts-expect-error: there is no such option
  const mistyped = await open<Types>("memory:", { durabilty: "full" });
  is<Same<typeof mistyped, Sessions<Types>>>();
  // @ts-expect-error: there is no such option
  const mistypedSync = openSync<Types>("memory:", { durabilty: "full" });
  is<Same<typeof mistypedSync, SessionsSync<Types>>>();
  const options: OpenOptions = { durability: "full" };
  const untyped = openSync("memory:", options);
  is<Same<typeof untyped, SessionsSync>>();
  const openAs = <T extends SessionTypes>(options: OpenOptions<T>): Promise<Sessions<T>> =>
    open<T>("memory:", options);
  await openAs<Types>({ durability: "full" });

  // @ts-expect-error: a context is an object
  await open<{ context: string }>();
  // @ts-expect-error: the data of an event is that of its operation
  await open<{ events: { pause: { reason: number } } }>();
}

export async function contexts(sessions: Sessions<Types>, state: State): Promise<void> {
  const { id } = await sessions.start({ task: "t", mode: "m", context: state });
  await sessions.update(id, { context: { branch: "b" } });
  await sessions.updateContext(id, { branch: "b" });
  await sessions.updateContext(id, state, { replace: true });
  await sessions.fork(id, { context: { pr: 43 } });
  await sessions.override(id, { context: { pr: 43 } });
  const continued = await sessions.context(id);
  is<
    Same<
      typeof continued & object extends { context: infer C } ? C : never,
      Session<Types>["context"]
    >
  >();
  for await (const head of sessions.list()) head.context.pr satisfies number;
  const { items } = await sessions.list();
  is<Same<(typeof items)[number], SessionHead<Types>>>();

  // @ts-expect-error: it starts with a number of a pull request
  await sessions.start({ task: "t", mode: "m" });
  // @ts-expect-error: an undefined property changes nothing
  await sessions.updateContext(id, { branch: undefined });
  // @ts-expect-error: an undefined property changes nothing
  await sessions.update(id, { context: { branch: undefined } });
  // @ts-expect-error: a number is no text
  await sessions.start({ task: "t", mode: "m", context: { pr: "42" } });
  // @ts-expect-error: there is no such property
  await sessions.updateContext(id, { brunch: "b" });
  // @ts-expect-error: the replaced context has a number of a pull request
  await sessions.updateContext(id, { branch: "b" }, { replace: true });
  // @ts-expect-error: there is no such property
  continued?.context.brunch;
}

export function events(sessions: SessionsSync<Types>, id: string, session: Session<Types>): void {
  sessions.addEvent(id, "deploy", { to: "staging" });
  sessions.addEvent(id, "deploy", { to: "staging", version: 1 }, { idempotencyKey: "once" });
  sessions.addEvent(id, "note");
  sessions.addEvent(id, "pause", { reason: "lunch", table: 7 });
  sessions.addEvents(id, [{ type: "deploy", data: { to: "staging" } }, { type: "note" }]);

  for (const event of session.history) {
    if (event.type === "deploy") is<Same<typeof event.data.to, "staging" | "production">>();
    if (event.type === "tool_call") is<Same<typeof event.data.tool, string | undefined>>();
    if (event.type === "phase") event.data.from satisfies string | undefined;
    switch (event.type) {
      case "resume":
        event.data.pausedDuration satisfies number | undefined;
        break;
      case "note":
        is<Same<typeof event.data.text, string | undefined>>();
        break;
      default:
        event.type satisfies BuiltInEventType | "deploy";
    }
  }
  const { items } = sessions.events(id);
  is<Same<(typeof items)[number], SessionEvent<Types>>>();

  // @ts-expect-error: the data says where to
  sessions.addEvent(id, "deploy");
  // @ts-expect-error: there is no such place
  sessions.addEvent(id, "deploy", { to: "moon" });
  // @ts-expect-error: there is no such type
  sessions.addEvent(id, "deployed", { to: "staging" });
  // @ts-expect-error: a reason is a text
  sessions.addEvent(id, "pause", { reason: 7 });
  // @ts-expect-error: the data says where to
  sessions.addEvents(id, [{ type: "deploy" }]);
}

export function builtIn(event: SessionEvent): unknown {
  switch (event.type) {
    case "start":
      return event.data.task satisfies string | undefined;
    case "iteration":
      return event.data.iteration satisfies number | undefined;
    case "tool_call":
      is<Same<typeof event.data.tool, string | undefined>>();
      return [event.data.args, event.data.result];
    case "learning":
      return event.data.insight satisfies string | undefined;
    case "complete":
      return event.data.result satisfies string | undefined;
    case "error":
      return event.data.error satisfies string | undefined;
    case "timeout":
      return event.data.maxIterations satisfies number | undefined;
    case "fork":
      return event.data.parentId satisfies string | undefined;
    case "approval":
      return event.data.approved satisfies boolean | undefined;
    // Other types may be compared with, and their data be read.
    case "deployed":
      return event.data.to === "staging";
    default:
      return event.data;
  }
}

interface Run {
  readonly model: string;
  readonly attempt: number;
}

/** Metadata may be of an interface, too. */
export async function metadata(sessions: Sessions, run: Run): Promise<void> {
  const { id } = await sessions.start({ task: "t", mode: "m", metadata: run });
  await sessions.update(id, { metadata: run });
  await sessions.override(id, { metadata: run });
  await sessions.agents.create({ agentName: "a", metadata: run });
  await sessions.agents.update(id, { metadata: run });
  await givenSession(sessions, { metadata: run });
  getSessionManager().registerVmSync("vm", "zone", ["a"], run);
  // @ts-expect-error: a model has a name
  await sessions.update(id, { metadata: { model: 7 } });
  // @ts-expect-error: metadata is no list
  await sessions.update(id, { metadata: [1] });
}

/** Without types of its own a handle is open. */
export async function untyped(sessions: Sessions, state: State, data: DeployData): Promise<void> {
  const { id, context } = await sessions.start({ task: "t", mode: "m", context: state });
  is<Same<typeof context, JsonObject>>();
  await sessions.updateContext(id, state);
  await sessions.update(id, { context: state });
  await sessions.fork(id, { context: state });
  await sessions.override(id, { context: state });
  await sessions.addEvent(id, "deployed", data);
  await sessions.addEvents(id, [{ type: "deployed", data }]);
  await sessions.incrementIteration(id, data);
  await sessions.pause(id, "May I?", { data });
  await sessions.leases.acquire("k", { data });
  await sessions.startInSlot({
    taskId: "t",
    phase: "plan",
    model: "m",
    task: "t",
    mode: "m",
    context: state,
  });
  ({ task: "t", mode: "m", context: state }) satisfies StartParams;
  is<Same<BuiltInEventData["learning"]["insight"], string | undefined>>();

  // @ts-expect-error: a context is no list
  await sessions.updateContext(id, [1]);
  // @ts-expect-error: data is no list
  await sessions.addEvent(id, "deployed", [1]);
}

/** A handle with types serves where none are asked for. */
export async function passedOn(
  sessions: Sessions<Types>,
  sync: SessionsSync<Types>,
): Promise<void> {
  const count = async (any: Sessions): Promise<number> => (await any.stats()).total;
  await count(sessions);
  await copy(sessions, sync);
  const first = (heads: readonly SessionHead[]): SessionHead | undefined => heads[0];
  first((await sessions.list()).items);
  const last = ({ history }: Session): SessionEvent | undefined => history.at(-1);
  last(await sessions.start({ task: "t", mode: "m", context: { pr: 1 } }));
  const title = async <T extends SessionTypes>(any: Sessions<T>, id: string): Promise<string> =>
    (await any.get(id))?.task ?? "";
  await title(sessions, "a");
}

export async function holding(sessions: Sessions<Types>, id: string): Promise<void> {
  await using held = await sessions.hold(id);
  is<Same<typeof held, HeldSession<Types> | null>>();
  await held?.addEvent(id, "deploy", { to: "production" });
  await held?.updateContext(id, { pr: 1 });
  (await held?.pause(id))?.context.pr satisfies number | undefined;
  // @ts-expect-error: there is no such place
  await held?.addEvent(id, "deploy", { to: "moon" });
}

/** An agent starts with an empty context. */
export async function agents({ agents }: Sessions<Types>): Promise<void> {
  const { context } = await agents.create({ agentName: "a" });
  is<Same<typeof context.pr, number | undefined>>();
  for await (const head of agents.list()) head.context.pr satisfies number | undefined;
  // @ts-expect-error: there is no such property
  context.brunch;
}

export async function slots(sessions: Sessions<Types>): Promise<void> {
  const request = { taskId: "t", phase: "plan", model: "m", task: "t", mode: "m" } as const;
  const { session } = await sessions.startInSlot({ ...request, context: { pr: 1 } });
  session?.context.pr satisfies number | undefined;
  (await sessions.latestSession("t", "plan"))?.session.context.pr satisfies number | undefined;
  // @ts-expect-error: it starts with a number of a pull request
  await sessions.startInSlot(request);
  // @ts-expect-error: it starts with a number of a pull request
  await sessions.startInSlots([request]);
}

export async function testing(): Promise<void> {
  const { sessions } = await memorySessions<Types>();
  is<Same<typeof sessions, Sessions<Types>>>();
  const head = await givenSession(sessions, {
    context: { branch: "b" },
    events: [
      { type: "start" },
      { type: "context_change", data: { set: { branch: "b" }, was: {} } },
      { type: "deploy", data: { to: "staging" } },
    ],
  });
  is<Same<typeof head, SessionHead<Types>>>();
  const sync = memorySessionsSync<Types>();
  givenSession(sync.sessions, { context: { pr: 7 } }).context.pr satisfies number;
  // @ts-expect-error: there is no such option
  const mistyped = await memorySessions<Types>({ sed: 7 });
  is<Same<typeof mistyped.sessions, Sessions<Types>>>();
  // @ts-expect-error: there is no such option
  const mistypedSync = memorySessionsSync<Types>({ sed: 7 });
  is<Same<typeof mistypedSync.sessions, SessionsSync<Types>>>();
  // @ts-expect-error: there is no such place
  await givenSession(sessions, { events: [{ type: "deploy", data: { to: "moon" } }] });
}

export async function latest(sessions: Sessions<Types>, sync: SessionsSync): Promise<void> {
  const options: LatestOptions = { mode: "developer", orderBy: "updatedAt" };
  is<Same<Awaited<ReturnType<typeof sessions.latest>>, SessionHead<Types> | null>>();
  (await sessions.latest(options))?.context.pr satisfies number | undefined;
  sync.latest({ status: ["active", "paused"], createdAfter: new Date() });
  const filter: Filter = {};
  sync.latest(filter);
  const page: ListOptions = { mode: "developer" };
  const limited = { mode: "developer", limit: 3 };
  // @ts-expect-error: the newest is one session
  await sessions.latest(page);
  // @ts-expect-error: the newest is one session
  sync.latest(limited);
  // @ts-expect-error: the newest is the newest
  await sessions.latest({ direction: "asc" });
  // @ts-expect-error: the newest is one session
  await sessions.latest({ limit: 1 });
  // @ts-expect-error: the newest is one session
  sync.latest({ cursor: "c" });
}

/** `unset` names properties that may be absent. */
export async function removals(
  sessions: Sessions<Types>,
  open: SessionsSync,
  id: string,
  replace: boolean,
): Promise<void> {
  await sessions.updateContext(id, { branch: "b" }, { unset: ["pauseReason"], ifVersion: 3 });
  await sessions.updateContext(id, {}, { replace: false, unset: ["branch", "pausedAt"] });
  await sessions.updateContext(id, { pr: 1 }, { replace, unset: undefined });
  const names: readonly string[] = ["a"];
  open.updateContext(id, { b: 1 }, { unset: names });
  open.updateContext(id, { b: 1 }, { replace, record: "none" });
  await sessions.updateContext(id, {}, { unset: ["branch"], replace: undefined });
  type Options = Parameters<Sessions["updateContext"]>[2];
  const options: Options = { unset: ["a"] };
  open.updateContext(id, {}, options);
  const change = replace ? { replace } : ({ unset: ["branch"] } as const);
  await sessions.updateContext(id, { pr: 1 }, change);
  const call: Parameters<typeof sessions.updateContext> = [id, {}, { unset: ["branch"] }];
  await sessions.updateContext(...call);
  await using held = await sessions.hold(id);
  await held?.updateContext(id, {}, { unset: ["branch"] });
  openSync<{ context: Record<string, number> }>().updateContext(id, {}, { unset: ["a"] });
  type Either = { readonly kind: "a"; readonly a?: 1 } | { readonly kind: "b"; readonly b?: 1 };
  openSync<{ context: Either }>().updateContext(id, { kind: "b" }, { unset: ["a", "b"] });

  // @ts-expect-error: the number of the pull request is required
  await sessions.updateContext(id, {}, { unset: ["pr"] });
  // @ts-expect-error: there is no such property
  await sessions.updateContext(id, {}, { unset: ["brunch"] });
  // @ts-expect-error: there is no such property
  await held?.updateContext(id, {}, { unset: ["brunch"] });
  // @ts-expect-error: `unset` is an option
  await sessions.updateContext(id, { unset: ["branch"] });
  // @ts-expect-error: what replaces the context says what it has
  await sessions.updateContext(id, { pr: 1 }, { replace: true, unset: ["branch"] });
  // @ts-expect-error: what replaces the context says what it has
  open.updateContext(id, { b: 1 }, { replace: true, unset: ["a"] });
  // @ts-expect-error: what replaces the context says what it has
  open.updateContext(id, { b: 1 }, { replace, unset: ["a"] });
  // @ts-expect-error: it is a list
  open.updateContext(id, {}, { unset: "a" });
}

/** A filter selects the types of the events that there are. */
export async function filters(
  sessions: Sessions<Types>,
  open: SessionsSync,
  id: string,
  maybe: "deploy" | undefined,
): Promise<void> {
  const { items } = await sessions.events(id, { type: "deploy", order: "desc", limit: 1 });
  is<Same<(typeof items)[number]["data"]["to"], "staging" | "production">>();
  for await (const event of sessions.events(id, { type: ["context_change", "note"] })) {
    event.type satisfies "context_change" | "note";
    if (event.type === "note") event.data.text satisfies string | undefined;
    else event.data.was satisfies JsonObject | undefined;
  }
  for await (const { items } of sessions.events(id, { type: "pause" }).pages()) {
    items[0]?.data.reason satisfies string | undefined;
  }
  for (const { data } of open.events(id, { type: "context_change" })) {
    is<Same<typeof data.set, JsonObject | undefined>>();
  }
  const [own] = open.events(id, { type: "deployed" }).items;
  is<Same<typeof own, RecordedEvent<"deployed", UndeclaredEventData> | undefined>>();
  const types = ["pause", "resume"] as const;
  for await (const event of sessions.events(id, { type: types }))
    is<Same<typeof event.type, "pause" | "resume">>();
  await using held = await sessions.hold(id);
  for await (const { data } of held?.events(id, { type: "deploy" }) ?? []) data.to satisfies string;

  // Nothing is known of a type that may be any, or that may not be given.
  const any: string = "deploy";
  is<Same<ReturnType<typeof open.events>, EventPageSync>>();
  for (const event of open.events(id, { type: any })) is<Same<typeof event, SessionEvent>>();
  for (const event of open.events(id, { type: [any] })) is<Same<typeof event, SessionEvent>>();
  for await (const event of sessions.events(id, { type: maybe }))
    is<Same<typeof event, SessionEvent<Types>>>();
  const options: EventOptions = { type: "pause", after: 3 };
  for (const event of open.events(id, options)) is<Same<typeof event, SessionEvent>>();
  let after: number | undefined = 1;
  while (after !== undefined) {
    const page: EventPage<Types> = await sessions.events(id, { after });
    after = page.nextAfter;
  }
  const selected: EventOptions<"deploy" | "pause"> = { type: ["deploy"] };
  for await (const event of sessions.events(id, selected))
    is<Same<typeof event, SessionEvent<Types>>>();

  // @ts-expect-error: there is no such type
  await sessions.events(id, { type: "contextChange" });
  // @ts-expect-error: there is no such type
  await sessions.events(id, { type: ["deploy", "deployed"] });
  // @ts-expect-error: there is no such type
  await held?.events(id, { type: "deployed" });
  // @ts-expect-error: there is no such option
  await sessions.events(id, { type: "deploy", limits: 3 });
  // @ts-expect-error: other events have no such data
  for await (const { data } of sessions.events(id, { type: ["deploy", "pause"] })) data.to.length;
}

/** Some events are recorded by the changes that they are about. */
export async function recorded(
  sessions: Sessions<Types>,
  open: SessionsSync,
  id: string,
  type: string,
  either: "deploy" | "note",
): Promise<void> {
  open.addEvent(id, type, { a: 1 });
  open.addEvent(id, "context_changed");
  open.addEvent(id, "tool_call", { tool: "bash" }, { token: 3 });
  await sessions.addEvent(id, either, { to: "staging", text: "t" });
  await sessions.addEvent(id, "agent_error", { message: "m" });

  // @ts-expect-error: the start of the session records it
  open.addEvent(id, "start");
  // @ts-expect-error: a change of the context records it
  open.addEvent(id, "context_change", { set: {} });
  // @ts-expect-error: the start of the session records it
  await sessions.addEvent(id, "start");
  // @ts-expect-error: a change of the context records it
  await sessions.addEvent(id, "context_change", { set: {} });
  // @ts-expect-error: a change of the context records it
  await sessions.addEvents(id, [{ type: "note" }, { type: "context_change" }]);
  // @ts-expect-error: neither has such data
  await sessions.addEvent(id, either, { to: "moon" });
  // @ts-expect-error: there is no such option
  await sessions.addEvent(id, "note", {}, { idempotencykey: "k" });
}

/** Functions that are generic: by the type of an event, or by the types of a handle. */
export async function generic(
  sessions: Sessions<Types>,
  open: SessionsSync,
  held: HeldSession<Types>,
  id: string,
): Promise<void> {
  const add = async <K extends keyof Types["events"]>(
    type: K,
    data: Types["events"][K],
  ): Promise<void> => {
    await sessions.addEvent(id, type, data);
    await held.addEvent(id, type, data, { ifVersion: 3 });
  };
  await add("deploy", { to: "staging" });
  const log = <K extends string>(type: K, data: JsonObject) => open.addEvent(id, type, data);
  log("deployed", {});
  const addAny = <K extends keyof BuiltInEventData & ("pause" | "learning")>(
    type: K,
    data: BuiltInEventData[K],
  ) => sessions.addEvent(id, type, data);
  await addAny("pause", { reason: "lunch" });

  const over = async <T extends SessionTypes>(any: Sessions<T>): Promise<void> => {
    await any.addEvent(id, "pause");
    await any.addEvent(id, "pause", { reason: "lunch" }, { ifVersion: 3 });
    await any.addEvents(id, [{ type: "pause" }, { type: "learning", data: { insight: "i" } }]);
    await any.updateContext(id, {});
    // @ts-expect-error: the start of the session records it
    await any.addEvent(id, "start");
  };
  await over(sessions);

  const both = async (any: Operations<"async", Types>): Promise<void> => {
    await any.addEvent(id, "deploy", { to: "staging" });
    for await (const { data } of any.events(id, { type: "deploy" })) data.to satisfies string;
  };
  await both(sessions);
  await both(held);
  const untyped = (any: Operations<"async">) => any.addEvent(id, "deployed", {});
  await untyped(sessions);
  await untyped(held);
  const some = (any: Pick<Sessions<Types>, "addEvent" | "agents" | "updateContext">) =>
    any.addEvent(id, "note");
  await some(sessions);
  await some(held);
  const sync = (any: Operations<"sync">) => any.addEvent(id, "deployed").version;
  sync(open);
  sync(open.hold(id) as HeldSessionSync);
  const either = async (any: Sessions | SessionsSync, type: EventType): Promise<void> => {
    await any.addEvent(id, type, { a: 1 });
    await any.updateContext(id, { a: 1 }, { unset: ["b"] });
    await any.updateContext(id, { a: 1 }, { replace: true });
  };
  await either(open, "deployed");
  const args: Parameters<Sessions["addEvent"]> = [id, "deployed", { a: 1 }, { token: 3 }];
  open.addEvent(...args);
  const own: Parameters<typeof sessions.addEvent> = [id, "deploy", { to: "staging" }];
  await sessions.addEvent(...own);
}

/** Types that are inferred from schemas. */
export async function schemas(
  context: StandardSchema<State>,
  deploy: StandardSchema<DeployData>,
): Promise<void> {
  const sessions = await open("memory:", { schema: { context, events: { deploy } } });
  const session = await sessions.start({ task: "t", mode: "m", context: { pr: 1 } });
  is<Same<typeof session.context.pr, number>>();
  for (const event of session.history) {
    if (event.type === "deploy") is<Same<typeof event.data.to, "staging" | "production">>();
  }
  await sessions.addEvent(session.id, "deploy", { to: "staging" });
  const { sessions: tested } = await memorySessions({ schema: { events: { deploy } }, seed: 7 });
  await tested.addEvent(session.id, "deploy", { to: "staging" });
  const sync = openSync("memory:", { schema: { context } });
  sync.updateContext("a", { pr: 2 });
  await open<Types>("memory:", { schema: { context, events: { deploy } } });

  // @ts-expect-error: there is no such place
  await sessions.addEvent(session.id, "deploy", { to: "moon" });
  // @ts-expect-error: a number is no text
  sync.updateContext("a", { pr: "2" });
  // @ts-expect-error: the schema is of other types
  await open<Types>("memory:", { schema: { context: deploy } });
  // @ts-expect-error: a function is no schema
  await open("memory:", { schema: { context: () => true } });
  // @ts-expect-error: the data of an event is that of its operation
  await open("memory:", { schema: { events: { pause: deploy } } });
}
