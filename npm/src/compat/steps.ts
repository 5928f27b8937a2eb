/**
 * What happens to a session in `tenure/compat`: the functions that return promises. Each has done its
 * work before it returns where the store answers at once, so that none has to be waited for.
 *
 * @module
 */

import type { Session, SessionHead } from "../generated.js";
import type { FailureReason } from "../handles/operations.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import type { EventType, JsonObject } from "../values/session-data.js";
import { ask, askOr } from "./store.js";
import type { AgentSession, SessionOptions } from "./types.js";

type AnySessions = Sessions | SessionsSync;

/** Starts a session. */
export function startSession(
  task: string,
  mode: string,
  options: SessionOptions = {},
): Promise<AgentSession> {
  return ask((sessions) =>
    next(sessions.start({ ...options, task, mode }), (session) => whole(sessions, session)),
  );
}

/** Pauses a session that is active, or out of iterations. */
export function pauseSession(id: string, reason?: string): Promise<AgentSession | null> {
  return change(id, (sessions) => sessions.pause(id, reason));
}

/**
 * Resumes a paused session. One that is active stays as it is; one that has no iterations left is
 * `timeout` again at once.
 */
export function resumeSession(id: string): Promise<AgentSession | null> {
  return change(id, (sessions) =>
    sessions.resume(id, { ifActive: "keep", ifExhausted: "timeout" }),
  );
}

/** Ends a session with a result. One that has ended stays as it is. */
export function completeSession(id: string, result?: string): Promise<AgentSession | null> {
  return change(id, (sessions) => sessions.complete(id, result, { ifFinished: "keep" }));
}

/** Ends a session with an error. One that has ended stays as it is. */
export function failSession(id: string, error?: FailureReason): Promise<AgentSession | null> {
  return change(id, (sessions) => sessions.fail(id, error, { ifFinished: "keep" }));
}

/** Records an event. `false` for a session that is not there or takes no more. */
export function addEvent(id: string, type: EventType, data?: JsonObject): Promise<boolean> {
  return record((sessions) => sessions.addEvent(id, type, data));
}

/**
 * Counts an iteration; the last one makes the session `timeout`. `false` for a session that is not
 * there or takes no more.
 */
export function incrementIteration(id: string, data?: JsonObject): Promise<boolean> {
  return record((sessions) => sessions.incrementIteration(id, data));
}

/** Records a call of a tool. `false` for a session that is not there or takes no more. */
export function recordToolCall(
  id: string,
  tool: string,
  args?: unknown,
  result?: unknown,
): Promise<boolean> {
  return record((sessions) => sessions.recordToolCall(id, tool, args, result));
}

/** Records something that the agent learned. `false` for a session that is not there or takes no more. */
export function recordLearning(
  id: string,
  insight: string,
  expertiseFile?: string,
): Promise<boolean> {
  return record((sessions) => sessions.recordLearning(id, insight, expertiseFile));
}

/** The session after a change to it. */
function change(
  id: string,
  act: (sessions: AnySessions) => SessionHead | Promise<SessionHead>,
): Promise<AgentSession | null> {
  return askOr(null, (sessions) =>
    next(act(sessions), () => sessions.get(id, { history: "all" })),
  ) as Promise<AgentSession | null>;
}

/** Whether something could be recorded. */
function record(act: (sessions: AnySessions) => unknown): Promise<boolean> {
  return askOr(false, (sessions) => next(act(sessions), () => true), [
    "SESSION_FINISHED",
    "BUDGET_EXHAUSTED",
  ]);
}

/** A new session; a call that repeats an earlier one has brought only that call's events. */
function whole(sessions: AnySessions, session: Session): AgentSession | Promise<AgentSession> {
  if (session.history.length === session.eventCount) return session as AgentSession;
  return next(
    sessions.get(session.id, { history: "all" }),
    (found) => (found ?? session) as AgentSession,
  );
}

/** Goes on with a value, now where it is there and later where it is promised. */
function next<T, U>(value: T | Promise<T>, then: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(then) : then(value);
}
