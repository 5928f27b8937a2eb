/**
 * How many of its iterations a session has used.
 *
 * @module
 */

import { count } from "../format.js";

/** A bar with its numbers. */
export function Progress({ used, of }: { readonly used: number; readonly of: number }) {
  return (
    <span class="progress" title={`${count(used)} of ${count(of)} iterations`}>
      <svg class="bar" viewBox="0 0 40 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar-back" width="40" height="4" />
        <rect class="bar-front" width={of === 0 ? 0 : Math.min(40, (40 * used) / of)} height="4" />
      </svg>
      <span class="number">
        {count(used)}
        <span class="faint">/{count(of)}</span>
      </span>
    </span>
  );
}
