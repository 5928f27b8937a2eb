/**
 * Messages about what has just happened, some with a button that takes it back.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { isTenureError } from "tenure";
import { codeOf, messageOf } from "./problem.js";

/** How long a message stays. One with a button stays longer. */
const SHOWN_MS = 5000;
const WITH_BUTTON_MS = 15_000;
/** The maximum number of messages at a time. */
const AT_ONCE = 4;

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
  readonly action: ToastAction | undefined;
}

/** A button of a message. */
export interface ToastAction {
  readonly label: string;
  readonly run: () => void;
}

const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

/** Shows a message. */
export function say(text: string, action?: ToastAction): void {
  show({ text, isBad: false, action });
}

/** Shows an error. */
export function sayError(error: unknown): void {
  const text = isTenureError(error) ? `${messageOf(error)} (${codeOf(error)})` : messageOf(error);
  show({ text, isBad: true, action: undefined });
}

function show(toast: Omit<Toast, "id">): void {
  lastId += 1;
  const id = lastId;
  toasts.value = [...toasts.peek().slice(1 - AT_ONCE), { ...toast, id }];
  setTimeout(() => dismiss(id), toast.action || toast.isBad ? WITH_BUTTON_MS : SHOWN_MS);
}

function dismiss(id: number): void {
  toasts.value = toasts.peek().filter((toast) => toast.id !== id);
}

/** Runs the button of the newest message that has one. Returns whether there was one. */
export function undoLast(): boolean {
  const last = toasts.peek().findLast(({ action }) => action !== undefined);
  if (last === undefined) return false;
  dismiss(last.id);
  last.action?.run();
  return true;
}

/** The messages. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, isBad, action }) => (
        <div key={id} class={isBad ? "toast toast-bad" : "toast"}>
          <span>{text}</span>
          {action !== undefined && (
            <button
              type="button"
              onClick={() => {
                dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <button type="button" class="quiet icon" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
