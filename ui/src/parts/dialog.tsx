/**
 * A dialog over the page. It keeps the focus, closes with Escape, and returns the focus to where it was.
 *
 * @module
 */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

/** Options of a dialog. */
export interface DialogOptions {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** What Ctrl+Enter presses. */
const MAIN = '.dialog-foot button[type="submit"], .dialog-foot .main, .dialog-foot .bad';
/** What has the focus at first. */
const FIRST = "input, textarea, select, .dialog-foot button";

/** A dialog. It is open while it is in the document. */
export function Dialog({ title, onClose, children }: DialogOptions) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    // The first control of a dialog closes it.
    dialog.current?.querySelector<HTMLElement>(FIRST)?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        // A form checks its fields, and a button that is disabled does nothing.
        dialog.current?.querySelector<HTMLElement>(MAIN)?.click();
      }}
    >
      <header class="dialog-head">
        <h2 id={heading}>{title}</h2>
        <button type="button" class="quiet icon" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      {children}
    </dialog>
  );
}
