/**
 * An error, as a message for people and with its details.
 *
 * @module
 */

import { isTenureError, slotMessage } from "tenure";
import { inLine } from "../text.js";

/** The message of an error in one line. */
export function messageOf(error: unknown): string {
  if (isTenureError(error)) return error.message;
  return error instanceof Error ? error.message : String(error);
}

/** An error. */
export function Problem({
  error,
  retry,
}: {
  readonly error: unknown;
  readonly retry?: (() => void) | undefined;
}) {
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{slotMessage(error)}</strong>
      </p>
      <p class="faint">
        {isTenureError(error) && <code>{error.code}</code>} {inLine(messageOf(error), 1000)}
      </p>
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
