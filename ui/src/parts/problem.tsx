/**
 * An error, as a message for people and with its details.
 *
 * @module
 */

import { isTenureError, slotMessage, type TenureError } from "tenure";
import { inLine } from "../text.js";

/** What people read in place of the messages of errors that say what a program is to do. */
const FOR_PEOPLE: Readonly<Record<string, string>> = {
  OUTCOME_UNKNOWN:
    "It is not known whether this was done: look at the session before you try it again",
};

/** The message of an error in one line. */
export function messageOf(error: unknown): string {
  if (isTenureError(error)) return FOR_PEOPLE[error.code] ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

/** The code of an error, and the reference under which the log of the server has it. */
export function codeOf({ code, details }: TenureError): string {
  const { reference } = details;
  return typeof reference === "string" ? `${code}, reference ${reference}` : code;
}

/**
 * An error. `forUsers` has it begin with the core's message for users, which is about starting a session or
 * reaching the store.
 */
export function Problem({
  error,
  retry,
  forUsers = false,
}: {
  readonly error: unknown;
  readonly retry?: (() => void) | undefined;
  readonly forUsers?: boolean | undefined;
}) {
  const message = inLine(messageOf(error), 1000);
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{forUsers ? slotMessage(error) : message}</strong>
      </p>
      <p class="faint">
        {isTenureError(error) && <code>{codeOf(error)}</code>} {forUsers && message}
      </p>
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
