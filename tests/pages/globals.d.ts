/**
 * What the pages of these tests have: the package, the part of it that opens databases, and a place to
 * keep things between two steps.
 */

declare const tenure: typeof import("tenure");

declare const Database: new (options: {
  readonly name: string;
  readonly schema: number;
  readonly timeoutMs: number;
}) => { open(): Promise<void> };

declare const kept: {
  sessions: import("tenure").Sessions;
  heard: unknown[];
  posted: unknown[];
  text: string;
  connection: IDBDatabase;
};

/** Tells the test of an event that is kept. */
declare const acknowledge: (sequence: number) => Promise<void>;
