/**
 * A time, shown relative to now, with the exact time in its title.
 *
 * @module
 */

import { thisMoment } from "../clock.js";
import { age, exact } from "../format.js";

/** A time. Nothing if there is none. */
export function Time({ at }: { readonly at: string | null | undefined }) {
  if (!at) return null;
  return (
    <time dateTime={at} title={exact(at)}>
      {age(at, thisMoment())}
    </time>
  );
}
