/**
 * The functions of `tenure/compat/manager`: those of the module `manager` of the original API, whose
 * ages are days.
 *
 * @module
 */

import { exactly } from "../values/arguments.js";
import { checkedAge } from "./age.js";
import { cleanupOldSessions as cleanupOfAge, DAY_MS } from "./sessions.js";

export {
  deleteSession,
  getActiveSessions,
  getCompletedSessions,
  getFailedSessions,
  getPausedSessions,
  getSession,
  getSessionContext,
  getSessionDuration,
  getSessionProgress,
  getSessionStats,
  isSessionResumable,
  listSessions,
  updateContext,
} from "./sessions.js";
export {
  addEvent,
  completeSession,
  failSession,
  incrementIteration,
  pauseSession,
  recordLearning,
  recordToolCall,
  resumeSession,
  startSession,
} from "./steps.js";
export { configureWebhook } from "./store.js";
export type * from "./types.js";

/**
 * Moves sessions of this age in days to the trash, unless they are active or paused, and purges sessions
 * that have been in the trash for as long. An age under a minute is refused. Returns the number of
 * sessions that were moved to the trash.
 */
export const cleanupOldSessions = exactly(
  "cleanupOldSessions",
  1,
  (maxAgeDays: number = 30): number => {
    return cleanupOfAge(checkedAge("maxAgeDays", maxAgeDays, "days", DAY_MS));
  },
);
