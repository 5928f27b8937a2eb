/**
 * A time, shown relative to now, with the exact time in its title.
 *
 * @module
 */

import { thisMoment } from "../clock.js";
import { age, exact, sinceThen } from "../format.js";

/** Options of a time. */
export interface TimeOptions {
  readonly at: string | null | undefined;
  /** Whether it is read as part of a sentence, such as `2m ago`; without, it is as short as a column needs it. */
  readonly inText?: boolean;
}

/** A time. Nothing if there is none. */
export function Time({ at, inText = false }: TimeOptions) {
  if (!at) return null;
  return (
    <time dateTime={at} title={exact(at)}>
      {(inText ? sinceThen : age)(at, thisMoment())}
    </time>
  );
}
