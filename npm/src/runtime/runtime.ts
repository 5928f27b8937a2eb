/**
 * What the session manager needs of the runtime that it is in: programs to run, and the end of the
 * process. Node's is in `node-runtime.ts`; browsers have none.
 *
 * @module
 */

/** Runs programs. */
export interface Programs {
  /** Runs one to its end; resolves to whether it has exited with 0. */
  readonly run: (command: readonly string[], timeoutMs: number) => Promise<boolean>;
  /** Runs one to its end and blocks until then; returns whether it has exited with 0. */
  readonly runSync: (command: readonly string[], timeoutMs: number) => boolean;
}

/** Called when the process ends. */
export interface ExitHandler {
  /** The process ends, but can wait for a promise. Never rejects. */
  readonly beforeExit: () => Promise<void>;
  /** The process ends now. Never throws. */
  readonly exit: () => void;
}

/** A runtime with programs and processes. */
export interface Runtime extends Programs {
  /** Calls `handler` when the process ends, with `signals` also on a signal; returns what undoes that. */
  readonly onExit: (handler: ExitHandler, signals: boolean) => () => void;
}
