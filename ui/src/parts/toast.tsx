/**
 * Messages about what has just happened, some with a button that takes it back.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { isTenureError } from "tenure";
import { codeOf, messageOf } from "./problem.js";
import { WorkInView } from "./work.js";

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
/** The newest message with a button that was not pressed. It may be gone already. */
let last: { readonly id: number; readonly action: ToastAction } | undefined;

/** Shows a message. */
export function say(text: string, action?: ToastAction): void {
  const id = show({ text, isBad: false, action });
  if (action !== undefined) last = { id, action };
}

/** Shows an error. */
export function sayError(error: unknown): void {
  const text = isTenureError(error) ? `${messageOf(error)} (${codeOf(error)})` : messageOf(error);
  show({ text, isBad: true, action: undefined });
}

function show(toast: Omit<Toast, "id">): number {
  lastId += 1;
  const id = lastId;
  toasts.value = [...toasts.peek().slice(1 - AT_ONCE), { ...toast, id }];
  setTimeout(() => dismiss(id), toast.action || toast.isBad ? WITH_BUTTON_MS : SHOWN_MS);
  return id;
}

function dismiss(id: number): void {
  toasts.value = toasts.peek().filter((toast) => toast.id !== id);
}

/** Runs the button of a message, once. */
function press({ id, action }: { readonly id: number; readonly action: ToastAction }): void {
  dismiss(id);
  if (last?.id === id) last = undefined;
  action.run();
}

/** Runs the button of the newest message that has one, also if that is gone already. */
export function undoLast(): void {
  if (last === undefined) say("There is nothing to undo");
  else press(last);
}

/** The messages. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      <WorkInView />
      {toasts.value.map(({ id, text, isBad, action }) => (
        <div key={id} class={isBad ? "toast toast-bad" : "toast"}>
          <span>{text}</span>
          {action !== undefined && (
            <button type="button" onClick={() => press({ id, action })}>
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
