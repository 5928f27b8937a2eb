// The types of `tenure/compat`: what they accept and refuse. Compiled, never run.

import {
  type AgentSession,
  configure,
  configureWebhook,
  createSession,
  failSession,
  getSession,
  type getSessionContext,
  importSession,
  incrementIteration,
  listSessions,
  pauseSession,
  resumeSession,
  SessionAwareAgent,
  type SessionContext,
  type SessionEvent,
  type SessionEventType,
  type SessionStatus,
  type SessionSummary,
  type SessionWebhookPayload,
  saveSession,
  startSession,
  type UpdateSessionOptions,
  updateSession,
} from "tenure/compat";
import * as manager from "tenure/compat/manager";
import * as store from "tenure/compat/store";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T => true as T;

export async function steps(reason: string | undefined): Promise<void> {
  const session = await startSession("t", "m", { userId: "u", maxIterations: 5, context: {} });
  is<Same<typeof session, AgentSession>>();
  is<Same<(typeof session.history)[number], SessionEvent>>();
  const { id } = session;
  is<Same<Awaited<ReturnType<typeof pauseSession>>, AgentSession | null>>();
  is<Same<Awaited<ReturnType<typeof incrementIteration>>, boolean>>();
  await pauseSession(id, reason);
  await resumeSession(id);
  await failSession(id, new Error("broken"));
  await failSession(id, "broken");
  // @ts-expect-error: a session has a mode
  await startSession("t");
  // @ts-expect-error: data is an object
  await incrementIteration(id, 7);
}

export function values(id: string): void {
  is<Same<ReturnType<typeof getSession>, AgentSession | null>>();
  is<Same<ReturnType<typeof getSessionContext>, SessionContext | null>>();
  is<Same<ReturnType<typeof listSessions>, SessionSummary[]>>();
  createSession({ task: "t", mode: "m", id });
  listSessions({ status: ["active", "paused"], createdAfter: new Date(), limit: 10 });
  updateSession(id, { status: "completed", result: "r", metadata: { model: "m" }, userId: null });
  // @ts-expect-error: an import may be refused
  importSession({ id }).context.a = 1;
  // @ts-expect-error: there is no such status
  updateSession(id, { status: "done" });
  // @ts-expect-error: there is no such property
  updateSession(id, { statos: "completed" });
  // @ts-expect-error: a nullable result has to be checked
  getSession(id).task;
  // @ts-expect-error: there is no such filter
  listSessions({ user: "u" });
}

interface State {
  readonly pr: number;
}

/** Contexts and data may be of interfaces. */
export async function interfaces(id: string, state: State): Promise<void> {
  await startSession("t", "m", { context: state });
  createSession({ task: "t", mode: "m", context: state });
  updateSession(id, { context: state });
  store.updateSession(id, { context: state });
  manager.updateContext(id, state);
  await manager.addEvent(id, "note", state);
  await incrementIteration(id, state);
}

/** A bot modifies sessions, and builds them itself. */
export function saving(session: AgentSession): void {
  session.status = "failed";
  session.context.step = 7;
  session.metadata = { toolsUsed: ["bash"], blockedActions: [{ action: "rm", reason: "no" }] };
  session.metadata.toolsUsed?.push("read");
  delete session.result;
  session.history.push({ timestamp: new Date().toISOString(), type: "note", data: {} });
  saveSession(session);
  updateSession(session.id, session);
  saveSession({
    id: "by-hand",
    mode: "m",
    task: "t",
    status: "active",
    createdAt: "",
    updatedAt: "",
    iterations: 0,
    maxIterations: 1,
    context: {},
    history: [],
  });
  // @ts-expect-error: a summary has no history to save
  saveSession(listSessions()[0]);
}

/** Records of all statuses and types that a bot has had before. */
const labels: Record<SessionStatus, string> = {
  active: "working",
  paused: "waiting",
  completed: "done",
  failed: "broken",
  timeout: "out of time",
};
const counts: Record<SessionEventType, number> = {
  start: 0,
  iteration: 0,
  tool_call: 0,
  learning: 0,
  pause: 0,
  resume: 0,
  complete: 0,
  error: 0,
  timeout: 0,
};

export function labelled(session: AgentSession, payload: SessionWebhookPayload): string {
  const updates: UpdateSessionOptions = { status: "completed", iterations: 3, metadata: {} };
  store.updateSession(session.id, updates);
  for (const { type } of session.history) counts[type] = (counts[type] ?? 0) + 1;
  const kind: SessionEventType = payload.event;
  return labels[session.status] + labels[payload.session.status] + kind;
}

export async function modules(id: string): Promise<void> {
  manager.cleanupOldSessions();
  store.cleanupOldSessions(86_400_000);
  await manager.pauseSession(id);
  is<Same<ReturnType<typeof store.getSession>, store.AgentSession | null>>();
  // @ts-expect-error: the age has no default there
  store.cleanupOldSessions();
  // @ts-expect-error: another module exports it
  manager.createSession({ task: "t", mode: "m" });
}

export function settings(): void {
  configure({ store: "file:./sessions", durability: "full" });
  configure();
  configureWebhook("http://localhost:3001/hooks");
  configureWebhook(null);
  // @ts-expect-error: there is no such option
  configure({ stores: "memory:" });
}

export async function agent(): Promise<void> {
  const agent = new SessionAwareAgent("u", "c", async ({ task, context, sessionId }) => ({
    success: context.done === true,
    output: `${task} ${sessionId}`,
    learned: { insight: "i" },
  }));
  (await agent.execute("t", "m", { maxIterations: 3 })).trim();
  (await agent.resume("a")).trim();
  // @ts-expect-error: a runner returns whether it succeeded
  new SessionAwareAgent("u", "c", () => ({ output: "" }));
}
