/**
 * Work that takes long: one piece at a time, with its progress and a button that cancels it.
 *
 * @module
 */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { count } from "../format.js";

/** What is done within this time is not shown, in milliseconds. */
const SHOWN_AFTER_MS = 300;

interface Work {
  readonly label: string;
  /** The number of parts that are done. */
  readonly done: number;
  /** The number of all parts, as far as they are known. */
  readonly of: number;
  readonly cancel: () => void;
}

const work = signal<Work | undefined>(undefined);
const isShown = signal(false);

/** Whether there is such work. No other begins then. */
export const isWorking: ReadonlySignal<boolean> = computed(() => work.value !== undefined);

/** What work says of itself. */
export interface Progressing {
  /** Throws if a person has cancelled the work. */
  check(): void;
  /** A part is done. */
  step(): void;
  /** There are more parts than was said. */
  expect(more: number): void;
}

/**
 * Does work of so many parts, and shows its progress. Resolves to its result, or to `undefined` if other work is
 * going on.
 */
export async function inView<T>(
  label: string,
  of: number,
  run: (progressing: Progressing) => Promise<T>,
): Promise<T | undefined> {
  if (isWorking.peek()) return undefined;
  let isCancelled = false;
  const update = (change: (work: Work) => Partial<Work>): void => {
    const before = work.peek();
    if (before !== undefined) work.value = { ...before, ...change(before) };
  };
  work.value = {
    label,
    done: 0,
    of,
    cancel: () => {
      isCancelled = true;
    },
  };
  const timer = setTimeout(() => {
    isShown.value = true;
  }, SHOWN_AFTER_MS);
  try {
    return await run({
      check: () => {
        if (isCancelled) throw new DOMException("cancelled", "AbortError");
      },
      step: () => update(({ done }) => ({ done: done + 1 })),
      expect: (more) => update(({ of }) => ({ of: of + more })),
    });
  } finally {
    clearTimeout(timer);
    isShown.value = false;
    work.value = undefined;
  }
}

/** The work that is going on. */
export function WorkInView() {
  if (work.value === undefined || !isShown.value) return null;
  const { label, done, of, cancel } = work.value;
  return (
    <div class="toast work" aria-live="off">
      <span>{label}</span>
      <progress max={of} value={done} aria-label={label} />
      <span class="number">
        {count(done)} of {count(of)}
      </span>
      <button type="button" onClick={cancel}>
        Cancel
      </button>
    </div>
  );
}
