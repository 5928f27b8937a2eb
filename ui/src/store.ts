/**
 * The open store, as all views use it, and signals that say what has changed.
 *
 * @module
 */

import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { isTenureError, type Sessions } from "tenure";
import { type Connection, connect } from "./connect.js";
import { readAhead } from "./sessions/ahead.js";

/** The state of the page. */
export type StoreState =
  | {
      readonly kind: "loading";
      /** The number of sessions that are loaded. */
      readonly loaded: number;
      /** The store, as soon as it is open. */
      readonly sessions?: Sessions;
    }
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

/** Whether the store is open and takes writes. Nothing that writes is offered otherwise. */
export const isWritable: ReadonlySignal<boolean> = computed(
  () => store.value.kind === "open" && !store.value.isReadOnly,
);

/** The time before the store is opened again after it was lost, in milliseconds. */
const AGAIN_MS = 2000;

let isOpening = false;

/** Opens the store, and opens it again after a failure. What was loaded is shown until then. */
export async function openStore(): Promise<void> {
  if (isOpening) return;
  isOpening = true;
  const before = store.peek();
  if (before.kind !== "open") store.value = { kind: "loading", loaded: 0 };
  try {
    const connection = await connect({
      onOpen: async (sessions) => {
        if (store.peek().kind === "open") return;
        store.value = { kind: "loading", loaded: 0, sessions };
        // What the view asks for goes first.
        await new Promise((resolve) => setTimeout(resolve));
      },
      onProgress: (loaded) => {
        const state = store.peek();
        if (state.kind === "loading") store.value = { ...state, loaded };
      },
      onChange: announce,
      onProblems: (problems) => {
        const all = new Map(unreadable.peek());
        for (const { id, problem } of problems) all.set(id, problem);
        unreadable.value = all;
      },
      onError: (error) => {
        followError.value = error;
        setTimeout(() => void openStore(), AGAIN_MS);
      },
    });
    followOthers(connection.sessions);
    readAhead(connection.mirror);
    batch(() => {
      followError.value = undefined;
      store.value = { kind: "open", ...connection };
      sessionsRevision.value += 1;
    });
    if (before.kind === "open") await close(before);
  } catch (error) {
    if (before.kind === "open" && !isRefused(error)) {
      followError.value = error;
      setTimeout(() => void openStore(), AGAIN_MS);
    } else {
      store.value = { kind: "failed", error };
      if (before.kind === "open") await close(before);
    }
  } finally {
    isOpening = false;
  }
}

/** Whether a server has no access for this page, so that opening it again is of no use. */
function isRefused(error: unknown): boolean {
  return isTenureError(error, "UNAUTHORIZED") || isTenureError(error, "FORBIDDEN");
}

/** Closes what another connection has replaced. */
async function close({ mirror, sessions }: Connection): Promise<void> {
  mirror.close();
  // A server that is away answers no more.
  await sessions.close().catch(() => {});
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
let announcedAt = Number.NEGATIVE_INFINITY;
let between = BETWEEN_MS;

/**
 * Notifies the views of changes: at once, then a few times a second, and less often if they take long to show
 * them.
 */
function announce(): void {
  if (isAnnounced) return;
  isAnnounced = true;
  setTimeout(
    () => {
      isAnnounced = false;
      const began = performance.now();
      announcedAt = began;
      sessionsRevision.value += 1;
      // The views are rendered before the next task.
      setTimeout(() => {
        between = Math.max(BETWEEN_MS, SHARE * (performance.now() - began));
      });
    },
    announcedAt + between - performance.now(),
  );
}
