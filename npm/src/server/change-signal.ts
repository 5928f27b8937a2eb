/**
 * Notices that something has changed in the store of a server: follows the positions of its feed. It loses
 * nothing when the connection breaks, because the changes themselves are read from the last position.
 *
 * @module
 */

import { Backoff } from "../runtime/backoff.js";
import { startTimer } from "../runtime/timers.js";
import type { OpenStream } from "./stream.js";

/** Calls `wake` when something may have changed. Returns a function that ends it. */
export function followChanges(
  open: OpenStream,
  url: string,
  headers: Readonly<Record<string, string>>,
  wake: () => void,
): () => void {
  let close: () => void = () => {};
  let isStopped = false;
  const backoff = new Backoff();
  const connect = (): void => {
    let hasArrived = false;
    close = open({
      url,
      headers,
      arrived() {
        hasArrived = true;
        backoff.reset();
        wake();
      },
      ended() {
        if (isStopped) return;
        // A watch that reads now notices at once that the server is away.
        if (hasArrived) wake();
        close = startTimer(backoff.next(), connect, "background");
      },
    });
  };
  connect();
  return () => {
    isStopped = true;
    close();
  };
}
