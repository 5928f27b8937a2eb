/**
 * The functions of `tenure/compat` that return promises: starting a session, its lifecycle, and its
 * events. Over a synchronous store each completes before it returns, so it need not be awaited.
 *
 * @module
 */

import type { Session, SessionHead } from "../generated.js";
import { exactlyAsync, exactlyEachAsync } from "../values/arguments.js";
import { type FailureReason, textOfFailure } from "../values/failure.js";
import { withOptions } from "../values/options.js";
import type { JsonInput } from "../values/params.js";
import type { EventType } from "../values/session-data.js";
import { type AnySessions, andThen, completeSessionOf, startParams } from "./complete.js";
import { call, callOr } from "./store.js";
import type { AgentSession, SessionOptions } from "./types.js";

/** The reason in the event of a pause without one. */
const NO_REASON = "User requested pause";

/** Starts a session. */
export const startSession = exactlyAsync(
  "startSession",
  3,
  (task: string, mode: string, options: SessionOptions = {}): Promise<AgentSession> => {
    return call((sessions) =>
      andThen(sessions.start(startParams(withOptions(options, { task, mode }))), (session) =>
        withHistory(sessions, session),
      ),
    );
  },
);

/** Pauses a session that is active or `timeout`. */
export const pauseSession = exactlyAsync(
  "pauseSession",
  2,
  (id: string, reason?: string): Promise<AgentSession | null> => {
    const data = reason ? undefined : { data: { reason: NO_REASON } };
    return change(id, (sessions) => sessions.pause(id, reason, data));
  },
);

/**
 * Resumes a paused session. An active session is left unchanged; a session without remaining
 * iterations becomes `timeout` immediately.
 */
export const resumeSession = exactlyEachAsync(
  "resumeSession",
  (id: string): Promise<AgentSession | null> => {
    return change(id, (sessions) =>
      sessions.resume(id, { ifActive: "keep", ifExhausted: "timeout" }),
    );
  },
);

/** Completes a session with a result. A finished session is left unchanged. */
export const completeSession = exactlyAsync(
  "completeSession",
  2,
  (id: string, result?: string): Promise<AgentSession | null> => {
    return change(id, (sessions) => sessions.complete(id, result, { ifFinished: "keep" }));
  },
);

/** Fails a session with an error. A finished session is left unchanged. */
export const failSession = exactlyAsync(
  "failSession",
  2,
  (id: string, error?: FailureReason): Promise<AgentSession | null> => {
    // The original event has no stack.
    return change(id, (sessions) =>
      sessions.fail(id, textOfFailure(error), { ifFinished: "keep" }),
    );
  },
);

/** Appends an event. `false` if the session does not exist or is finished. */
export const addEvent = exactlyAsync(
  "addEvent",
  3,
  (id: string, type: EventType, data?: JsonInput): Promise<boolean> => {
    return record((sessions) => sessions.addEvent(id, type, data));
  },
);

/**
 * Counts an iteration; the last one makes the session `timeout`. `false` if the session does not
 * exist or is finished.
 */
export const incrementIteration = exactlyAsync(
  "incrementIteration",
  2,
  (id: string, data?: JsonInput): Promise<boolean> => {
    return record((sessions) => sessions.incrementIteration(id, data));
  },
);

/** Records a tool call. `false` if the session does not exist or is finished. */
export const recordToolCall = exactlyAsync(
  "recordToolCall",
  4,
  (id: string, tool: string, args?: unknown, result?: unknown): Promise<boolean> => {
    return record((sessions) => sessions.recordToolCall(id, tool, args, result));
  },
);

/** Records an insight of the agent. `false` if the session does not exist or is finished. */
export const recordLearning = exactlyAsync(
  "recordLearning",
  3,
  (id: string, insight: string, expertiseFile?: string): Promise<boolean> => {
    return record((sessions) => sessions.recordLearning(id, insight, expertiseFile));
  },
);

/** Changes a session and returns it. */
function change(
  id: string,
  act: (sessions: AnySessions) => SessionHead | Promise<SessionHead>,
): Promise<AgentSession | null> {
  return callOr(null, (sessions) => andThen(act(sessions), () => completeSessionOf(sessions, id)));
}

/** Appends to a session. Returns whether it was accepted. */
function record(act: (sessions: AnySessions) => unknown): Promise<boolean> {
  return callOr(false, (sessions) => andThen(act(sessions), () => true), [
    "SESSION_FINISHED",
    "BUDGET_EXHAUSTED",
  ]);
}

/**
 * A started session with its complete history. A repeated call with an idempotency key returns only
 * the events of the first call.
 */
function withHistory(
  sessions: AnySessions,
  session: Session,
): AgentSession | Promise<AgentSession> {
  if (session.history.length === session.eventCount) return session as AgentSession;
  return completeSessionOf(sessions, session.id);
}
