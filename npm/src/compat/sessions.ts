/**
 * The synchronous functions of `tenure/compat`: creating, reading, changing and listing sessions.
 * They work over synchronous stores.
 *
 * @module
 */

import type { Status } from "../generated.js";
import { exactly, exactlyEach } from "../values/arguments.js";
import { isTenureError } from "../values/error.js";
import { checkObject } from "../values/options.js";
import type { JsonInput } from "../values/params.js";
import { completeSessionOf, startParams } from "./complete.js";
import { callSync, callSyncOr } from "./store.js";
import type {
  AgentSession,
  CreateSessionOptions,
  SessionContext,
  SessionFilter,
  SessionStats,
  SessionSummary,
  SessionUpdates,
} from "./types.js";

const NOT_IN_TRASH = { trash: "exclude" } as const;
/** The number of sessions per page. */
const PAGE = 1000;
export const DAY_MS = 86_400_000;
/** The properties of a filter. Others are ignored, as ever. */
const FILTERS = {
  userId: true,
  channelId: true,
  mode: true,
  status: true,
  phase: true,
  taskIds: true,
  slotPhase: true,
  model: true,
  parentId: true,
  createdAfter: true,
  createdBefore: true,
  updatedAfter: true,
  updatedBefore: true,
  minIterations: true,
  maxIterations: true,
  text: true,
  limit: true,
  offset: true,
} as const satisfies Record<keyof SessionFilter, true>;

/** Starts a session. */
export const createSession = exactlyEach(
  "createSession",
  (options: CreateSessionOptions): AgentSession => {
    return callSync((sessions) => {
      const session = sessions.start(startParams(options)) as AgentSession;
      // A repeated call with an idempotency key returns only the events of the first call.
      if (session.history.length === session.eventCount) return session;
      return completeSessionOf(sessions, session.id);
    });
  },
);

/** Returns a session with its complete history; `null` if it does not exist. */
export const getSession = exactlyEach("getSession", (id: string): AgentSession | null => {
  return callSyncOr(null, (sessions) => completeSessionOf(sessions, id));
});

/**
 * Overrides fields of a session without lifecycle checks and without an event; properties of
 * `context` and `metadata` are merged. `null` if the session does not exist.
 */
export const updateSession = exactly(
  "updateSession",
  2,
  (id: string, updates: SessionUpdates): AgentSession | null => {
    return callSyncOr(null, (sessions) => {
      sessions.override(id, updates);
      return completeSessionOf(sessions, id);
    });
  },
);

/** Stores a complete session as given; creates it if it does not exist. */
export const saveSession = exactlyEach("saveSession", (session: AgentSession): void => {
  callSync((sessions) => sessions.save(session));
});

/** Merges properties into the context of a session; `null` if it does not exist. */
export const updateContext = exactly(
  "updateContext",
  2,
  (id: string, context: JsonInput): AgentSession | null => {
    return callSyncOr(null, (sessions) => {
      // A history has the events of its callers alone.
      sessions.updateContext(id, context, { record: "none" });
      return completeSessionOf(sessions, id);
    });
  },
);

/**
 * Returns the matching sessions without their histories, newest first; all of them unless the
 * filter has a `limit`.
 */
export const listSessions = exactly(
  "listSessions",
  1,
  (filter: SessionFilter = {}): SessionSummary[] => {
    const meant = known(filter);
    const limit = meant.limit ?? Number.POSITIVE_INFINITY;
    const found: SessionSummary[] = [];
    if (limit === 0) return found;
    return callSync((sessions) => {
      for (const head of sessions.list({ ...meant, limit: Math.min(limit, PAGE) })) {
        found.push(head as SessionSummary);
        if (found.length >= limit) break;
      }
      return found;
    });
  },
);

/** Returns the matching active sessions. */
export const getActiveSessions = listOf("getActiveSessions", "active");

/** Returns the matching paused sessions. */
export const getPausedSessions = listOf("getPausedSessions", "paused");

/** Returns the matching completed sessions. */
export const getCompletedSessions = listOf("getCompletedSessions", "completed");

/** Returns the matching failed sessions. */
export const getFailedSessions = listOf("getFailedSessions", "failed");

/** Deletes a session permanently, also one that cannot be read. `false` if it does not exist. */
export const deleteSession = exactlyEach("deleteSession", (id: string): boolean => {
  return callSyncOr(false, (sessions) => {
    sessions.delete(id, NOT_IN_TRASH);
    return true;
  });
});

/**
 * Moves sessions of this age to the trash, unless they are active or paused, and purges sessions
 * that have been in the trash for as long. Returns the number of sessions that were moved to the
 * trash.
 */
export const cleanupOldSessions = exactly("cleanupOldSessions", 1, (maxAgeMs: number): number => {
  return callSync((sessions) => {
    // Purges before it moves, so that no session is deleted by a single call.
    sessions.purge({ olderThan: maxAgeMs });
    return sessions.cleanup({ maxAge: maxAgeMs }).removed;
  });
});

/** As {@link cleanupOldSessions}, for an age in days. */
export const cleanupSessions = exactly("cleanupSessions", 1, (days: number = 30): number => {
  return cleanupOldSessions(days * DAY_MS);
});

/** Returns statistics over the matching sessions; over all sessions without a filter. */
export const getSessionStats = exactly(
  "getSessionStats",
  1,
  (filter: SessionFilter = {}): SessionStats => {
    const { limit: _, offset: __, ...meant } = known(filter);
    return callSync((sessions) => sessions.stats(meant));
  },
);

/**
 * Returns what an agent needs to continue, with the last ten events; `null` if the session does not
 * exist.
 */
export const getSessionContext = exactlyEach(
  "getSessionContext",
  (id: string): SessionContext | null => {
    return callSyncOr(
      null,
      (sessions) => sessions.context(id, NOT_IN_TRASH) as SessionContext | null,
    );
  },
);

/** Whether a session can be continued: paused, or active with remaining iterations. */
export const isSessionResumable = exactlyEach("isSessionResumable", (id: string): boolean => {
  return callSyncOr(false, (sessions) => sessions.isResumable(id));
});

/** Returns the running time of a session, in milliseconds; `null` if it does not exist. */
export const getSessionDuration = exactlyEach("getSessionDuration", (id: string): number | null => {
  return callSyncOr(null, (sessions) => sessions.duration(id, NOT_IN_TRASH));
});

/**
 * Returns the consumed iterations of a session in percent, from 0 to 100; `null` if it does not
 * exist.
 */
export const getSessionProgress = exactlyEach("getSessionProgress", (id: string): number | null => {
  return callSyncOr(null, (sessions) => sessions.progress(id, NOT_IN_TRASH));
});

/** Exports a session with its complete history as JSON text; `null` if it does not exist. */
export const exportSession = exactlyEach("exportSession", (id: string): string | null => {
  return callSyncOr(null, (sessions) => sessions.export(id, NOT_IN_TRASH));
});

/**
 * Imports an exported session, replacing one of the same id. Takes the JSON text, or the parsed
 * object. `null` for a text that is no session.
 */
export const importSession = exactlyEach(
  "importSession",
  (session: string | object): AgentSession | null => {
    return callSyncOr(null, (sessions) => {
      try {
        return completeSessionOf(sessions, sessions.import(session).id);
      } catch (thrown) {
        if (isTenureError(thrown, "INVALID_ARGUMENT")) return null;
        throw thrown;
      }
    });
  },
);

export {
  deleteSession as removeSession,
  getSession as loadSession,
  getSessionStats as getStats,
  listSessions as findSessions,
};

/** The properties of a filter that mean something. */
function known(filter: SessionFilter): SessionFilter {
  checkObject(filter, "filter");
  return Object.fromEntries(
    Object.entries(filter).filter(([name]) => Object.hasOwn(FILTERS, name)),
  );
}

/** A function that lists the matching sessions with a status. */
function listOf(name: string, status: Status): (filter?: SessionFilter) => SessionSummary[] {
  return exactly(name, 1, (filter?: SessionFilter) => listSessions({ ...filter, status }));
}
