/**
 * The globals of the pages in these tests: the package, its database class, and variables that
 * persist between two steps.
 */

declare const tenure: typeof import("tenure");

declare const Database: new (options: {
  readonly name: string;
  readonly schema: number;
  readonly timeoutMs: number;
}) => { open(): Promise<void> };

declare const state: {
  sessions: import("tenure").Sessions;
  received: unknown[];
  posted: unknown[];
  text: string;
  connection: IDBDatabase;
};

/** Reports an acknowledged event to the test. */
declare const acknowledge: (sequence: number) => Promise<void>;
