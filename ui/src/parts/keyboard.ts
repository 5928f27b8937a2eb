/**
 * The keys of a view. They are not read while a person writes into a field or a dialog is open.
 *
 * @module
 */

import { useLayoutEffect, useRef } from "preact/hooks";

/** The functions of keys, by their names; two keys in a row are `"g s"`. */
export type Keys = Readonly<Record<string, (event: KeyboardEvent) => unknown>>;

/** How long the second of two keys may take. */
const SEQUENCE_MS = 1000;

let first: { readonly key: string; readonly at: number } | undefined;

/** Reads keys while a view is shown. */
export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  // Before the first key that can be pressed.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isWriting(event.target) || document.querySelector("dialog[open]") !== null) return;
      const pair = first && event.timeStamp - first.at < SEQUENCE_MS && `${first.key} ${event.key}`;
      const run = (pair && current.current[pair]) || current.current[event.key];
      if (run === undefined || (event.key === "Enter" && isControl(event.target))) return;
      event.preventDefault();
      run(event);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

// The first of two keys is remembered after all views have read it.
globalThis.addEventListener("keydown", ({ key, timeStamp }) => {
  first = { key, at: timeStamp };
});

/** Whether an element does something of its own with Enter. */
function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("a, button, summary") !== null;
}

function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !["checkbox", "radio", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
