/**
 * The open store, as all views use it, and signals that say what has changed.
 *
 * @module
 */

import { batch, signal } from "@preact/signals";
import type { Sessions } from "tenure";
import { type Connection, connect } from "./connect.js";

/** The state of the page. */
export type StoreState =
  | { readonly kind: "loading"; readonly loaded: number }
  | { readonly kind: "failed"; readonly error: unknown }
  | ({ readonly kind: "open" } & Connection);

/** The state of the store. */
export const store = signal<StoreState>({ kind: "loading", loaded: 0 });
/** Grows when sessions have changed. */
export const sessionsRevision = signal(0);
/** Grows when leases have changed. */
export const leasesRevision = signal(0);
/** Grows when the audit log has changed. */
export const auditRevision = signal(0);
/** The error that ended the following of the store. */
export const followError = signal<unknown>(undefined);
/** Sessions that cannot be read, with the reasons. */
export const unreadable = signal<ReadonlyMap<string, string>>(new Map());

/** The open store. Views exist only while it is open. */
export function opened(): Connection {
  const state = store.value;
  if (state.kind !== "open") throw new Error("the store is not open");
  return state;
}

/** Opens the store, and opens it again after a failure. */
export async function openStore(): Promise<void> {
  store.value = { kind: "loading", loaded: 0 };
  followError.value = undefined;
  try {
    const connection = await connect({
      onProgress: (loaded) => {
        store.value = { kind: "loading", loaded };
      },
      onChange: announce,
      onProblems: (problems) => {
        const all = new Map(unreadable.peek());
        for (const { id, problem } of problems) all.set(id, problem);
        unreadable.value = all;
      },
      onError: (error) => {
        followError.value = error;
      },
    });
    followOthers(connection.sessions);
    store.value = { kind: "open", ...connection };
  } catch (error) {
    store.value = { kind: "failed", error };
  }
}

/** Follows the leases and the audit log, which a mirror does not have. */
function followOthers(sessions: Sessions): void {
  if (!sessions.capabilities.feed) return;
  sessions.on("change", ({ changes }) => {
    batch(() => {
      if (changes.some(({ kind }) => kind === "lease")) leasesRevision.value += 1;
      if (changes.some(({ kind }) => kind === "audit")) auditRevision.value += 1;
    });
  });
}

/** The shortest time between two notifications of the views, in milliseconds. */
const BETWEEN_MS = 100;
/** The share of the time that views may take to show changes is one in so many. */
const SHARE = 4;

let isAnnounced = false;
let between = BETWEEN_MS;

/** Notifies the views of changes: a few times a second, and less often if they take long to show them. */
function announce(): void {
  if (isAnnounced) return;
  isAnnounced = true;
  setTimeout(() => {
    isAnnounced = false;
    const began = performance.now();
    sessionsRevision.value += 1;
    // The views are rendered before the next task.
    setTimeout(() => {
      between = Math.max(BETWEEN_MS, SHARE * (performance.now() - began));
    });
  }, between);
}
