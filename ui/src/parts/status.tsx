/**
 * The status of a session, as a mark and a word: a colour is never the only sign.
 *
 * @module
 */

import type { SessionHead, Status as StatusName } from "tenure";

/** All statuses, in the order in which lists and charts show them. */
export const STATUSES: readonly StatusName[] = [
  "active",
  "paused",
  "timeout",
  "completed",
  "failed",
  "abandoned",
];

/** The status of a session. */
export function Status({ of }: { readonly of: StatusName }) {
  return (
    <span class={`status status-${of}`}>
      <StatusMark of={of} />
      {of}
    </span>
  );
}

/** The mark of a status. */
export function StatusMark({ of }: { readonly of: StatusName }) {
  return <span class={`mark mark-${of}`} aria-hidden="true" />;
}

/** What else marks a session in lists: its phase, a missing model, the trash. */
export function Marks({ of }: { readonly of: SessionHead }) {
  return (
    <>
      {of.approval?.state === "pending" && <span class="tag tag-ask">waits for approval</span>}
      {of.modelMissing === true && (
        <span class="tag tag-bad" title={of.message}>
          model missing
        </span>
      )}
      {of.deletedAt !== undefined && <span class="tag">in the trash</span>}
    </>
  );
}
