/**
 * The store behind `tenure/compat`: opened on first use, closed when another one is configured.
 * Over a synchronous store all functions work, and those that return promises complete before they
 * return. Over an asynchronous store only functions that return promises work.
 *
 * @module
 */

import type { InitOptions } from "../builds/source.js";
import { type Listener, Listeners, type SessionEvents } from "../events/listeners.js";
import { Webhook } from "../events/webhook.js";
import type { OpenOptions } from "../handles/options.js";
import { checkOpenOptions } from "../handles/options.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import type { Store } from "../stores/store.js";
import { checkTarget, type Target } from "../stores/target.js";
import { exactly, exactlyAsync } from "../values/arguments.js";
import { type ErrorCode, isTenureError, noDefaultStore, onlyPromises } from "../values/error.js";
import { checkObject } from "../values/options.js";
import type { CompatOptions } from "./types.js";

/** The default store. */
const DEFAULT_STORE = "file:./sessions";

/** The error codes for a session that does not exist. */
const ABSENT: readonly ErrorCode[] = ["SESSION_NOT_FOUND", "SESSION_DELETED", "INVALID_ID"];

/** The functions of an entry point that open stores. */
interface Opener {
  readonly open: (target?: Target, options?: OpenOptions) => Promise<Sessions>;
  readonly openSync: (target?: Target, options?: OpenOptions) => SessionsSync;
  readonly init: (options?: InitOptions) => Promise<void>;
}

/** The open store: a synchronous or an asynchronous handle. */
type Opened =
  | { readonly sync: SessionsSync; readonly pending?: undefined }
  | { readonly sync?: undefined; readonly pending: Promise<Sessions> };

let entry: Opener;
let settings: CompatOptions = {};
let webhook: CompatOptions["webhook"] | null;
let opened: Opened | undefined;
/** Adds each listener to a handle, and removes it. */
const listeners = new Set<(sessions: Sessions | SessionsSync, method: "on" | "off") => void>();

/** Sets the entry point that opens stores. */
export function setEntry(source: Opener): void {
  entry = source;
}

/**
 * Configures the store: `store`, and any options of `open`. Closes the current store. A webhook
 * stays configured until it is replaced.
 */
export const configure = exactly("configure", 1, (options: CompatOptions = {}): void => {
  checkObject(options, "options");
  const { store, ...others } = options;
  checkTarget(store);
  checkOpenOptions(others);
  if (options.webhook !== undefined) configureWebhook(options.webhook);
  const before = opened;
  opened = undefined;
  settings = { ...options };
  before?.sync?.close();
  // Closing the previous store is not awaited.
  before?.pending?.then((sessions) => sessions.close()).catch(() => {});
});

/** Sets the webhook to which changes of sessions are posted; `null` switches it off. */
export const configureWebhook = exactly(
  "configureWebhook",
  1,
  (url: CompatOptions["webhook"] | null): void => {
    // Validates the webhook now, instead of on the first use of the store.
    if (url !== null && url !== undefined) new Webhook(url, () => {});
    webhook = url;
    toOpen((sessions) => sessions.setWebhook(url ?? null));
  },
);

/**
 * Adds a listener for an event of the store, also of stores that are configured later; `"error"` reports
 * what no call waits for, such as a webhook that was not delivered. Returns a function that removes it.
 */
export const on: On = exactly("on", 2, addListener) as On;

/** The type of {@link on}. */
export type On = <E extends keyof SessionEvents>(event: E, listener: Listener<E>) => () => void;

function addListener<E extends keyof SessionEvents>(event: E, listener: Listener<E>): () => void {
  // Checks both now, instead of on the first use of the store.
  new Listeners().on(event, listener);
  const apply = (sessions: Sessions | SessionsSync, method: "on" | "off"): void => {
    sessions[method](event, listener);
  };
  listeners.add(apply);
  toOpen((sessions) => apply(sessions, "on"));
  return () => {
    if (listeners.delete(apply)) toOpen((sessions) => apply(sessions, "off"));
  };
}

/** Closes the store after pending webhooks were delivered. The next call opens it again. */
export const closeStore = exactlyAsync("closeStore", 0, async (): Promise<void> => {
  const before = opened;
  opened = undefined;
  before?.sync?.close();
  await (await before?.pending)?.close();
});

/** Loads the WebAssembly module. Needed in browsers before the first synchronous call. */
export const init = exactlyAsync(
  "init",
  1,
  (options?: InitOptions): Promise<void> => entry.init(options),
);

/** Calls the handle of a synchronous store. */
export function callSync<T>(operation: (sessions: SessionsSync) => T): T {
  const { sync } = current();
  if (sync === undefined) throw onlyPromises();
  return operation(sync);
}

/** As {@link callSync}, but returns `otherwise` for a session that does not exist. */
export function callSyncOr<T, U>(otherwise: U, operation: (sessions: SessionsSync) => T): T | U {
  try {
    return callSync(operation);
  } catch (thrown) {
    return absentOr(otherwise, thrown, ABSENT);
  }
}

/**
 * Calls the handle of any store. Over a synchronous store the call has completed when this returns.
 */
export async function call<T>(
  operation: (sessions: Sessions | SessionsSync) => T | Promise<T>,
): Promise<T> {
  let opened = currentIfReady();
  if (opened === undefined) {
    await entry.init();
    opened = current();
  }
  return operation(opened.sync ?? (await opened.pending));
}

/**
 * As {@link call}, but returns `otherwise` for a session that does not exist, and for the error
 * codes in `also`.
 */
export async function callOr<T, U>(
  otherwise: U,
  operation: (sessions: Sessions | SessionsSync) => T | Promise<T>,
  also: readonly ErrorCode[] = [],
): Promise<T | U> {
  try {
    return await call(operation);
  } catch (thrown) {
    return absentOr(otherwise, thrown, [...ABSENT, ...also]);
  }
}

function absentOr<U>(otherwise: U, thrown: unknown, codes: readonly ErrorCode[]): U {
  if (isTenureError(thrown) && codes.includes(thrown.code)) return otherwise;
  throw thrown;
}

/** Calls a function with the open store, as soon as it is open; not at all without an open store. */
function toOpen(act: (sessions: Sessions | SessionsSync) => void): void {
  if (opened?.sync !== undefined) act(opened.sync);
  opened?.pending?.then(act).catch(() => {});
}

function current(): Opened {
  if (opened === undefined) {
    opened = open(settings.store);
    for (const apply of listeners) toOpen((sessions) => apply(sessions, "on"));
  }
  return opened;
}

/** The store; `undefined` if the WebAssembly module has to be loaded first. */
function currentIfReady(): Opened | undefined {
  try {
    return current();
  } catch (thrown) {
    if (isTenureError(thrown, "WASM_NOT_READY")) return undefined;
    throw thrown;
  }
}

function open(store: CompatOptions["store"]): Opened {
  const { store: _, webhook: __, ...rest } = settings;
  const options = { ...rest, webhook: webhook ?? undefined };
  const target = store ?? DEFAULT_STORE;
  try {
    if (!isAsyncStore(target)) {
      const sync = entry.openSync(target, options);
      sync.deliverAbandonedAsError();
      return { sync };
    }
  } catch (thrown) {
    if (store === undefined && isTenureError(thrown, "UNSUPPORTED_STORE")) {
      throw noDefaultStore(DEFAULT_STORE, thrown);
    }
    if (!isTenureError(thrown, "STORE_IS_ASYNC")) throw thrown;
  }
  const pending = entry.open(target, options).then((sessions) => {
    sessions.deliverAbandonedAsError();
    return sessions;
  });
  pending.catch(() => {
    // The next call retries.
    if (opened?.pending === pending) opened = undefined;
  });
  return { pending };
}

/**
 * Whether a custom store is asynchronous. This is tested with a read: a write whose promise cannot
 * be awaited would still be applied.
 */
function isAsyncStore(target: Target): boolean {
  if (typeof target === "string" || target instanceof URL) return false;
  if (typeof target !== "object" || target === null) return false;
  const answer = firstResult(target);
  if (!(answer instanceof Object && "then" in answer)) return false;
  Promise.resolve(answer).catch(() => {});
  return true;
}

function firstResult(store: Store): unknown {
  try {
    return store.load("tenure", { kind: "none" });
  } catch {
    // The store will report its error again when it is used.
    return undefined;
  }
}
