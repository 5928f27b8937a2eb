/**
 * Sessions as they are kept, in `tenure/compat`: the functions that return values, not promises. They
 * work over stores that answer at once.
 *
 * @module
 */

import type { Status } from "../generated.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import type { JsonObject } from "../values/session-data.js";
import { atOnce, atOnceOr } from "./store.js";
import type {
  AgentSession,
  CreateSessionOptions,
  SessionContext,
  SessionFilter,
  SessionStats,
  SessionSummary,
  SessionUpdates,
} from "./types.js";

const WHOLE = { history: "all", trash: "exclude" } as const;
const NOT_IN_TRASH = { trash: "exclude" } as const;
/** Sessions that are asked for at once. */
const PAGE = 1000;
const DAY_MS = 86_400_000;

/** Starts a session. */
export function createSession(options: CreateSessionOptions): AgentSession {
  return atOnce((sessions) => {
    const session = sessions.start(options) as AgentSession;
    // A call that repeats an earlier one has brought only that call's events.
    if (session.history.length === session.eventCount) return session;
    return wholeOf(sessions, session.id) ?? session;
  });
}

/** A session with its whole history; `null` for one that is not there. */
export function getSession(id: string): AgentSession | null {
  return atOnceOr(null, (sessions) => wholeOf(sessions, id));
}

/**
 * Sets members of a session, past its lifecycle; those of `context` and `metadata` are merged. It
 * records no event. `null` for a session that is not there.
 */
export function updateSession(id: string, updates: SessionUpdates): AgentSession | null {
  return atOnceOr(null, (sessions) => {
    sessions.override(id, updates);
    return wholeOf(sessions, id);
  });
}

/** Keeps a whole session as it is given. One that is not there is created. */
export function saveSession(session: AgentSession): void {
  atOnce((sessions) => sessions.save(session));
}

/** Merges members into the context of a session; `null` for one that is not there. */
export function updateContext(id: string, context: JsonObject): AgentSession | null {
  return atOnceOr(null, (sessions) => {
    sessions.updateContext(id, context);
    return wholeOf(sessions, id);
  });
}

/** The sessions that a filter means, newest first, without their histories; all of them unless it has a `limit`. */
export function listSessions(filter: SessionFilter = {}): SessionSummary[] {
  const limit = filter.limit ?? Number.POSITIVE_INFINITY;
  const found: SessionSummary[] = [];
  if (limit === 0) return found;
  return atOnce((sessions) => {
    for (const head of sessions.list({ ...filter, limit: Math.min(limit, PAGE) })) {
      found.push(head as SessionSummary);
      if (found.length >= limit) break;
    }
    return found;
  });
}

/** The active sessions that a filter means. */
export function getActiveSessions(filter?: SessionFilter): SessionSummary[] {
  return withStatus("active", filter);
}

/** The paused sessions that a filter means. */
export function getPausedSessions(filter?: SessionFilter): SessionSummary[] {
  return withStatus("paused", filter);
}

/** The completed sessions that a filter means. */
export function getCompletedSessions(filter?: SessionFilter): SessionSummary[] {
  return withStatus("completed", filter);
}

/** The failed sessions that a filter means. */
export function getFailedSessions(filter?: SessionFilter): SessionSummary[] {
  return withStatus("failed", filter);
}

/** Removes a session for good, one that cannot be read too. `false` for one that is not there. */
export function deleteSession(id: string): boolean {
  return atOnceOr(false, (sessions) => {
    sessions.delete(id, NOT_IN_TRASH);
    return true;
  });
}

/**
 * Puts sessions of this age into the trash, unless they are active or paused, and removes for good
 * what has been there as long. Returns how many went into the trash.
 */
export function cleanupOldSessions(maxAgeMs: number): number {
  return atOnce((sessions) => {
    // First what earlier calls have put there, so that nothing is lost by one call.
    sessions.purge({ olderThan: maxAgeMs });
    return sessions.cleanup({ maxAge: maxAgeMs }).removed;
  });
}

/** As {@link cleanupOldSessions}, for an age in days. */
export function cleanupSessions(days = 30): number {
  return cleanupOldSessions(days * DAY_MS);
}

/** Statistics over the sessions that a filter means; over all of them without one. */
export function getSessionStats(filter: SessionFilter = {}): SessionStats {
  const { limit: _, offset: __, ...meant } = filter;
  return atOnce((sessions) => sessions.stats(meant));
}

/** What an agent needs to go on, with the last ten events; `null` for a session that is not there. */
export function getSessionContext(id: string): SessionContext | null {
  return atOnceOr(null, (sessions) => sessions.context(id, NOT_IN_TRASH));
}

/** Whether an agent may go on with a session: paused, or active with iterations left. */
export function isSessionResumable(id: string): boolean {
  return atOnceOr(false, (sessions) => sessions.isResumable(id));
}

/** How long a session has run, in milliseconds; `null` for one that is not there. */
export function getSessionDuration(id: string): number | null {
  return atOnceOr(null, (sessions) => sessions.duration(id, NOT_IN_TRASH));
}

/** How much of its iterations a session has used, from 0 to 100; `null` for one that is not there. */
export function getSessionProgress(id: string): number | null {
  return atOnceOr(null, (sessions) => sessions.progress(id, NOT_IN_TRASH));
}

/** A session with its whole history, as JSON text; `null` for one that is not there. */
export function exportSession(id: string): string | null {
  return atOnceOr(null, (sessions) => sessions.export(id, NOT_IN_TRASH));
}

/** Keeps an exported session in place of one that has its id. Takes the text, or what it says. */
export function importSession(session: string | object): AgentSession {
  return atOnce((sessions) => {
    const head = sessions.import(session);
    const imported = sessions.get(head.id, { history: "all" });
    return (imported ?? { ...head, history: [] }) as AgentSession;
  });
}

export {
  deleteSession as removeSession,
  getSession as loadSession,
  getSessionStats as getStats,
  listSessions as findSessions,
};

function wholeOf(sessions: SessionsSync, id: string): AgentSession | null {
  return sessions.get(id, WHOLE) as AgentSession | null;
}

function withStatus(status: Status, filter?: SessionFilter): SessionSummary[] {
  return listSessions({ ...filter, status });
}
