/**
 * Who holds a session. While a process works on a session, it alone may move it.
 *
 * @module
 */

import type { LeaseView } from "tenure";
import { now } from "../clock.js";
import { useLoaded } from "../parts/load.js";
import { leasesRevision, opened } from "../store.js";

/** How often the lease is read again, since it ends without a change when it expires, in milliseconds. */
const AGAIN_MS = 10_000;

/** The key of the lease of a session. */
export function leaseOf(id: string): string {
  return `session:${id}`;
}

/** The lease of the process that holds a session; `undefined` if none does. */
export function useHolder(id: string): LeaseView | undefined {
  const { sessions } = opened();
  const step = Math.floor(now.value / AGAIN_MS);
  const { value } = useLoaded(
    async () => ({ id, lease: await sessions.leases.get(leaseOf(id)) }),
    [sessions, id, leasesRevision.value, step],
  );
  const lease = value?.id === id ? value.lease : null;
  return lease?.state === "held" && !lease.mine ? lease : undefined;
}
