/**
 * The functions of `tenure/compat/store`: those of the module `store` of the original API, whose ages
 * are milliseconds.
 *
 * @module
 */

import { exactly } from "../values/arguments.js";
import { checkedAge } from "./age.js";
import { cleanupOldSessions as cleanupOfAge } from "./sessions.js";

export {
  createSession,
  deleteSession,
  exportSession,
  getSession,
  getSessionStats,
  importSession,
  listSessions,
  saveSession,
  updateSession,
} from "./sessions.js";
export type * from "./types.js";

/**
 * Moves sessions of this age in milliseconds to the trash, unless they are active or paused, and purges
 * sessions that have been in the trash for as long. An age under a minute is refused. Returns the number
 * of sessions that were moved to the trash.
 */
export const cleanupOldSessions = exactly("cleanupOldSessions", 1, (maxAgeMs: number): number => {
  return cleanupOfAge(checkedAge("maxAgeMs", maxAgeMs, "milliseconds"));
});
