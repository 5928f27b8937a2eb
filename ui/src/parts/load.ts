/**
 * Values that a view reads from the store, and reads again when something has changed.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";

/** A value that is read from the store. */
export interface Loaded<T> {
  /** The newest value; `undefined` before the first. */
  readonly value: T | undefined;
  /** The error of the last reading. */
  readonly error: unknown;
  /** Reads the value again. */
  readonly reload: () => void;
}

/** Reads a value, and reads it again when one of the inputs changes. The last value is shown until then. */
export function useLoaded<T>(read: () => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<{ value: T | undefined; error: unknown }>({
    value: undefined,
    error: undefined,
  });
  const [times, setTimes] = useState(0);
  const newest = useRef(0);
  useEffect(() => {
    newest.current += 1;
    const mine = newest.current;
    read().then(
      (value) => mine === newest.current && setState({ value, error: undefined }),
      (error) => mine === newest.current && setState((last) => ({ value: last.value, error })),
    );
  }, [...inputs, times]);
  return { ...state, reload: () => setTimes(times + 1) };
}
