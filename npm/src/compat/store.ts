/**
 * The one store behind `tenure/compat`: opened at its first use, closed when another is configured.
 * Over a store that answers at once every function works, and those that return promises have done
 * their work before they return. Over any other only these work.
 *
 * @module
 */

import type { InitOptions } from "../builds/source.js";
import { Webhook } from "../events/webhook.js";
import type { OpenOptions } from "../handles/options.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import type { Store } from "../stores/store.js";
import type { Target } from "../stores/target.js";
import {
  type ErrorCode,
  invalidArgument,
  isTenureError,
  noDefaultStore,
  onlyPromises,
} from "../values/error.js";
import type { CompatOptions } from "./types.js";

/** Where sessions are kept unless `configure` says otherwise. */
const DEFAULT_STORE = "file:./sessions";

/** What a call on a session that is not there fails with. */
const ABSENT: readonly ErrorCode[] = ["SESSION_NOT_FOUND", "SESSION_DELETED", "INVALID_ID"];

/** The functions of an entry of the package that open stores. */
interface Opener {
  readonly open: (target?: Target, options?: OpenOptions) => Promise<Sessions>;
  readonly openSync: (target?: Target, options?: OpenOptions) => SessionsSync;
  readonly init: (options?: InitOptions) => Promise<void>;
}

/** The store in use: one that answers at once, or one that is asked by promises. */
type Opened =
  | { readonly now: SessionsSync; readonly later?: undefined }
  | { readonly now?: undefined; readonly later: Promise<Sessions> };

let entry: Opener;
let settings: CompatOptions = {};
let webhook: CompatOptions["webhook"] | null;
let opened: Opened | undefined;

/** Takes stores from this entry of the package. */
export function driveWith(source: Opener): void {
  entry = source;
}

/**
 * Says where sessions are kept, and how: any options of `open`, and `store`. What was open is closed.
 * A webhook stays configured until another is named.
 */
export function configure(options: CompatOptions = {}): void {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("options", 'expected an object such as { store: "file:./sessions" }');
  }
  if (options.webhook !== undefined) configureWebhook(options.webhook);
  const before = opened;
  opened = undefined;
  settings = { ...options };
  before?.now?.close();
  // Nobody waits for the end of a store that is no longer used.
  before?.later?.then((sessions) => sessions.close()).catch(() => {});
}

/** Posts the changes of sessions to this address from now on; `null` switches it off. */
export function configureWebhook(url: CompatOptions["webhook"] | null): void {
  // Refused here and not at the first use of the store, which may be far from here.
  if (url !== null && url !== undefined) new Webhook(url, () => {});
  webhook = url;
  opened?.now?.setWebhook(url ?? null);
  opened?.later?.then((sessions) => sessions.setWebhook(url ?? null)).catch(() => {});
}

/** Closes the store, once webhooks that wait are delivered; the next call opens it again. */
export async function closeStore(): Promise<void> {
  const before = opened;
  opened = undefined;
  before?.now?.close();
  await (await before?.later)?.close();
}

/** Loads the WebAssembly where that is needed: in browsers, before the first synchronous call. */
export function init(options?: InitOptions): Promise<void> {
  return entry.init(options);
}

/** Asks a store that answers at once. */
export function atOnce<T>(ask: (sessions: SessionsSync) => T): T {
  const { now } = current();
  if (now === undefined) throw onlyPromises();
  return ask(now);
}

/** As {@link atOnce}, with `otherwise` for a session that is not there. */
export function atOnceOr<T, U>(otherwise: U, ask: (sessions: SessionsSync) => T): T | U {
  try {
    return atOnce(ask);
  } catch (thrown) {
    return absentOr(otherwise, thrown, ABSENT);
  }
}

/** Asks a store of any kind; one that answers at once has answered when this returns. */
export async function ask<T>(
  question: (sessions: Sessions | SessionsSync) => T | Promise<T>,
): Promise<T> {
  let opened = currentIfReady();
  if (opened === undefined) {
    await entry.init();
    opened = current();
  }
  return question(opened.now ?? (await opened.later));
}

/** As {@link ask}, with `otherwise` for a session that is not there, or for what `also` says. */
export async function askOr<T, U>(
  otherwise: U,
  question: (sessions: Sessions | SessionsSync) => T | Promise<T>,
  also: readonly ErrorCode[] = [],
): Promise<T | U> {
  try {
    return await ask(question);
  } catch (thrown) {
    return absentOr(otherwise, thrown, [...ABSENT, ...also]);
  }
}

function absentOr<U>(otherwise: U, thrown: unknown, codes: readonly ErrorCode[]): U {
  if (isTenureError(thrown) && codes.includes(thrown.code)) return otherwise;
  throw thrown;
}

function current(): Opened {
  opened ??= open(settings.store);
  return opened;
}

/** The store, unless the WebAssembly has to be waited for first. */
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
    if (!answersLater(target)) return { now: entry.openSync(target, options) };
  } catch (thrown) {
    if (store === undefined && isTenureError(thrown, "UNSUPPORTED_STORE")) {
      throw noDefaultStore(DEFAULT_STORE, thrown);
    }
    if (!isTenureError(thrown, "STORE_IS_ASYNC")) throw thrown;
  }
  const later = entry.open(target, options);
  later.catch(() => {
    // The next call tries again.
    if (opened?.later === later) opened = undefined;
  });
  return { later };
}

/**
 * Whether a store of one's own answers with promises. It is asked for a session before anything is
 * written, since a write that cannot be waited for would have happened all the same.
 */
function answersLater(target: Target): boolean {
  if (typeof target === "string" || target instanceof URL) return false;
  if (typeof target !== "object" || target === null) return false;
  const answer = firstAnswer(target);
  if (!(answer instanceof Object && "then" in answer)) return false;
  Promise.resolve(answer).catch(() => {});
  return true;
}

function firstAnswer(store: Store): unknown {
  try {
    return store.load("tenure", { kind: "none" });
  } catch {
    // It will say so again when it is used.
    return undefined;
  }
}
