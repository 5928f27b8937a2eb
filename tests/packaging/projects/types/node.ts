// The package's types in Node: what they accept and refuse. Compiled, never run.

import {
  type AgentState,
  type Appended,
  type Distribution,
  type ErrorCode,
  type EventType,
  getSessionManager,
  type HeldLease,
  type HeldSessionSync,
  type isSessionManagerAvailable,
  isTenureError,
  type LeaseAcquisition,
  type LeaseView,
  type OpenOptions,
  open,
  openSync,
  type Phase,
  type ResumeDecision,
  type Session,
  type SessionContext,
  type SessionEvent,
  type SessionHead,
  type SessionManager,
  type SessionMetadata,
  type Sessions,
  type SessionsSync,
  type SlotCancelled,
  type SlotMetrics,
  type SlotRequest,
  type SlotStart,
  type Stats,
  type Status,
  type Store,
  type slotMessage,
  TenureError,
  type VERSION,
  type VmView,
  type WebhookPayload,
} from "tenure";
import * as wasm from "tenure/wasm";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T => true as T;

export async function handles(): Promise<void> {
  const sessions = await open("sqlite:./bot.db", { durability: "full", retention });
  is<Same<typeof sessions, Sessions>>();
  const sync = openSync(new URL("memory:"));
  is<Same<typeof sync, SessionsSync>>();
  const elsewhere = await wasm.open("memory:");
  is<Same<typeof elsewhere, Sessions>>();
  await using disposed = await open();
  using closed = openSync();
  is<Same<typeof disposed.binding | typeof closed.binding, "native" | "wasm" | "server">>();
  is<Same<typeof VERSION, string>>();

  // @ts-expect-error: a URL or a store, not a number
  await open(7);
  // @ts-expect-error: there is no such durability
  await open("memory:", { durability: "some" });
  // @ts-expect-error: there is no such option
  await open("memory:", { durabilty: "full" });
}

const retention: OpenOptions["retention"] = { maxAge: "30d", every: "24h" };

export async function operations(sessions: Sessions, sync: SessionsSync): Promise<void> {
  const started = await sessions.start({ mode: "reviewer", task: "t", context: { pr: 42 } });
  is<Same<typeof started, Session>>();
  const { id, history } = started;
  is<Same<(typeof history)[number], SessionEvent>>();
  is<Same<typeof started.status, Status>>();
  is<Same<typeof started.userId, string | undefined>>();
  is<Same<typeof started.metadata, SessionMetadata | undefined>>();

  is<Same<Awaited<ReturnType<Sessions["get"]>>, Session | null>>();
  is<Same<ReturnType<SessionsSync["get"]>, Session | null>>();
  is<Same<Awaited<ReturnType<Sessions["context"]>>, SessionContext | null>>();
  is<Same<Awaited<ReturnType<Sessions["stats"]>>, Stats>>();
  is<Same<Awaited<ReturnType<Sessions["distribution"]>>, Distribution>>();
  const appended = await sessions.addEvent(id, "deployed", { to: "staging" });
  is<Same<typeof appended, Appended>>();
  const head = sync.pause(id, "May I?", { ifVersion: appended.version, idempotencyKey: "once" });
  is<Same<typeof head, SessionHead>>();
  await sessions.get(id, { history: "none" });
  await sessions.get(id, { history: 10 });
  await sessions.resume(id, { addIterations: 5 });
  await sessions.fail(id, new Error("broken"));
  await sessions.import(JSON.parse(await sessions.export(id)));

  // Optional options may also be undefined.
  const maybe: string | undefined = process.env.REASON;
  await sessions.pause(id, maybe, { idempotencyKey: maybe });
  await sessions.list({ userId: maybe, status: undefined });

  // @ts-expect-error: a session has a mode
  await sessions.start({ task: "t" });
  // @ts-expect-error: there is no such status
  await sessions.list({ status: "done" });
  // @ts-expect-error: a history is "all", "none" or a number
  await sessions.get(id, { history: "some" });
  // @ts-expect-error: a nullable result has to be checked
  (await sessions.get(id)).task;
  // @ts-expect-error: a head has no history
  head.history;
  // @ts-expect-error: the way in which a handle calls the core is internal
  sessions.connection;
  // @ts-expect-error: a synchronous handle closes synchronously
  sync.close().then();
}

export async function slots(sessions: Sessions, sync: SessionsSync): Promise<void> {
  const request: SlotRequest = {
    taskId: "T1",
    phase: "plan",
    model: { name: "opus", version: "4.1", significant: ["temperature"] },
    task: "t",
    mode: "planner",
  };
  const { signal } = new AbortController();
  const answer = await sessions.startInSlot(request, {
    locking: "pessimistic",
    retries: 1,
    signal,
  });
  is<Same<typeof answer, SlotStart>>();
  is<Same<ReturnType<SessionsSync["startInSlot"]>, SlotStart>>();
  sync.startInSlot(request, { onModelChange: "replace", confirm: undefined });
  sessions.on("cancelled", (cancelled) => is<Same<typeof cancelled, SlotCancelled>>());
  sessions.setModels((model) => model.startsWith("opus"));
  sync.setModels(["opus"]);
  sessions.pessimisticLockingEnabled = !sync.pessimisticLockingEnabled;
  is<Same<ReturnType<Sessions["slotMetrics"]>, SlotMetrics>>();
  is<Same<ReturnType<typeof slotMessage>, string>>();

  // @ts-expect-error: a synchronous handle does not wait
  sync.startInSlot(request, { retries: 1 });
  // @ts-expect-error: the property belongs to the options
  await sessions.startInSlot({ ...request, onModelChange: "replace" });
  // @ts-expect-error: there is no such phase
  await sessions.latestSession("T1", "lunch");
  // @ts-expect-error: the function has to be synchronous
  sessions.setModels(async () => true);
  // @ts-expect-error: there may be no replaced session
  answer.replaced.id;
}

export async function lists(sessions: Sessions, sync: SessionsSync): Promise<SessionHead[]> {
  const { items, nextCursor } = await sessions.list({
    status: ["active", "paused"],
    createdAfter: new Date(),
    limit: 10,
  });
  is<Same<typeof nextCursor, string | undefined>>();
  for await (const head of sessions.list({ cursor: nextCursor })) items.push(head);
  for (const head of sync.list()) items.push(head);
  return items;
}

export function errors(thrown: unknown): ErrorCode | undefined {
  if (thrown instanceof TenureError) return thrown.code;
  if (isTenureError(thrown, "VERSION_CONFLICT")) thrown.details satisfies object;
  // @ts-expect-error: there is no such code
  isTenureError(thrown, "OOPS");
  return undefined;
}

export function events(sessions: Sessions): void {
  const off = sessions.on("lifecycle", (payload) => is<Same<typeof payload, WebhookPayload>>());
  sessions.on("error", (error) => is<Same<typeof error, TenureError>>());
  off();
  // @ts-expect-error: there is no such event
  sessions.on("lifecicle", () => {});
  ["start", "deployed"] satisfies EventType[];
}

/** A JavaScript store that stores nothing. */
export const forgetful: Store = {
  load: () => undefined,
  commit: async ({ sessions }) => {
    const [first] = sessions;
    return first && first.write.kind === "put"
      ? { kind: "sessionConflict", id: first.id, current: null }
      : { kind: "applied" };
  },
  list: () => ({ all: [] }),
  record: () => null,
  scan: () => [],
};

export async function agents({ agents }: Sessions, sync: SessionsSync): Promise<void> {
  const { id, phase } = await agents.create({ agentName: "reviewer", metadata: { pr: 42 } });
  is<Same<typeof phase, Phase | undefined>>();
  await agents.update(id, { phase: "planning", metadata: { plan: "plan.json" }, error: "broken" });
  is<Same<Awaited<ReturnType<Sessions["agents"]["get"]>>, AgentState | null>>();
  is<Same<ReturnType<SessionsSync["agents"]["shouldResume"]>, ResumeDecision>>();
  for await (const head of agents.list({ activeOnly: true })) is<Same<typeof head, SessionHead>>();
  for (const head of sync.agents.list({ resumable: true })) is<Same<typeof head, SessionHead>>();
  await agents.finalize(id, "completed", { summary: "Done" });

  // @ts-expect-error: there is no such phase
  await agents.update(id, { phase: "thinking" });
  // @ts-expect-error: an agent has no such outcome
  await agents.finalize(id, "planning");
  // @ts-expect-error: an agent has a name
  await agents.create({ purpose: "review" });
}

export async function leases(sessions: Sessions, sync: SessionsSync): Promise<void> {
  await using lease = await sessions.leases.hold("job", { leaseDurationMs: 60_000 });
  is<Same<typeof lease, HeldLease | null>>();
  using session = sync.hold("id");
  is<Same<typeof session, HeldSessionSync | null>>();
  is<Same<ReturnType<SessionsSync["leases"]["acquire"]>, LeaseAcquisition>>();
  const { items } = await sessions.leases.list({ prefix: "job", state: "held" });
  is<Same<typeof items, LeaseView[]>>();
  await fetch("https://example.com", { signal: lease?.lost ?? null });

  // @ts-expect-error: renewing needs the token
  await sessions.leases.renew("job", {});
}

export async function manager(): Promise<void> {
  is<Same<ReturnType<typeof isSessionManagerAvailable>, boolean>>();
  const manager = getSessionManager();
  is<Same<typeof manager, SessionManager>>();
  is<Same<ReturnType<SessionManager["getMyVmSync"]>, VmView | null>>();
  manager.onExit({ run: ["gcloud", "compute", "instances", "delete", "{vmId}"], signals: true });
  manager.onExit({ run: async ({ vmId, zone }) => vmId !== zone });
  await manager.sweep(({ vmId }) => console.log(vmId));

  // @ts-expect-error: a command is a list of arguments
  manager.onExit({ run: "gcloud compute instances delete {vmId}" });
  // @ts-expect-error: a command has at least one argument
  manager.onExit({ run: [] });
}
