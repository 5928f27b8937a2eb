/**
 * Notices that something has changed in the store of a server: follows the positions of its feed. It loses
 * nothing when the connection breaks, because the changes themselves are read from the last position.
 *
 * @module
 */

import { startTimer } from "../runtime/timers.js";
import type { OpenStream } from "./stream.js";

/** The time after which a stream that has ended is opened again, in milliseconds. */
const RETRY_MS = 1000;

/** Calls `wake` when something may have changed. Returns a function that ends it. */
export function followChanges(
  open: OpenStream,
  url: string,
  headers: Readonly<Record<string, string>>,
  wake: () => void,
): () => void {
  let close: () => void = () => {};
  let isStopped = false;
  const connect = (): void => {
    let hasArrived = false;
    close = open({
      url,
      headers,
      arrived() {
        hasArrived = true;
        wake();
      },
      ended() {
        if (isStopped) return;
        // A watch that reads now notices at once that the server is away.
        if (hasArrived) wake();
        close = startTimer(RETRY_MS, connect, "background");
      },
    });
  };
  connect();
  return () => {
    isStopped = true;
    close();
  };
}
