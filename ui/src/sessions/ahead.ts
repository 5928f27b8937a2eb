/**
 * Reads all sessions of a mirror once, while the page has nothing else to do. A mirror reads a session when it
 * is first needed, and the first filter by a phase, or the order of changes, would need all of them at once.
 *
 * @module
 */

import { isTenureError, type Mirror } from "tenure";

/** The number of sessions that are read at a time: as many as take a few milliseconds. */
const PART = 100;
/** The time that a part may take, in milliseconds. */
const PART_MS = 8;

/** Reads ahead, until all is read or the mirror is closed. */
export function readAhead(mirror: Mirror): void {
  // Not all browsers say when they are idle.
  if (!("requestIdleCallback" in globalThis)) return;
  let cursor: string | undefined;
  const step = (idle: IdleDeadline): void => {
    try {
      while (idle.timeRemaining() >= PART_MS) {
        const start = cursor === undefined ? {} : { cursor };
        const page = mirror.list({ trash: "include", limit: PART, ...start });
        cursor = page.nextCursor;
        if (cursor === undefined) {
          performance.mark("tenure:read");
          return;
        }
      }
      requestIdleCallback(step);
    } catch (error) {
      if (!isTenureError(error, "CLOSED")) throw error;
    }
  };
  requestIdleCallback(step);
}
