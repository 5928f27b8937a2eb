/**
 * Opens handles: finds the build for a store, opens the store with it, and puts a handle together.
 * Where builds come from is the business of `node.ts`, `node-wasm.ts` and `browser.ts`.
 *
 * @module
 */

import { Announcer } from "./announcer.js";
import type { Build } from "./binding.js";
import { Connection, type Environment } from "./connection.js";
import { invalidArgument, storeIsAsync } from "./error.js";
import { HostStore } from "./host.js";
import { IndexedDbStore } from "./indexeddb.js";
import { openingError } from "./indexeddb-database.js";
import {
  DEFAULT_URL,
  type OpenOptions,
  optionsForStore,
  optionsForUrl,
  timeoutOf,
} from "./options.js";
import { Sessions } from "./sessions.js";
import { SessionsSync } from "./sessions-sync.js";
import type { Store } from "./store.js";

/** Where sessions are kept: a URL, or a store of your own. */
export type Target = string | URL | Store;

/** The URL under which the core knows a store in JavaScript. */
const HOST_URL = "host:";
/** How the URLs of databases in the browser begin. */
const INDEXEDDB_SCHEME = "indexeddb:";
/** Of the time that a call has, opening a database takes at most this: what failed is known in time. */
const OPENING_SHARE = 0.9;

/** The URL that the core opens for a target. */
export function urlOf(target: Target | undefined): string {
  if (target === undefined) return DEFAULT_URL;
  if (typeof target === "string") return target;
  return target instanceof URL ? target.href : HOST_URL;
}

/** Opens an asynchronous handle. */
export async function openSessions(
  build: Build,
  target: Target | undefined,
  options: OpenOptions,
  environment?: Environment,
): Promise<Sessions> {
  const name = databaseOf(target);
  if (name !== undefined) return openDatabase(build, name, options);
  const announcer = new Announcer();
  const connection = connect(build, target, options, announcer, environment);
  return configured(new Sessions(build.info.build, connection, announcer), options);
}

/** Opens a synchronous handle. */
export function openSessionsSync(
  build: Build,
  target: Target | undefined,
  options: OpenOptions,
  environment?: Environment,
): SessionsSync {
  if (databaseOf(target) !== undefined) throw storeIsAsync();
  const announcer = new Announcer();
  const connection = connect(build, target, options, announcer, environment);
  return configured(new SessionsSync(build.info.build, connection, announcer), options);
}

/** Opens an asynchronous handle over the browser's database of this name. */
async function openDatabase(build: Build, name: string, options: OpenOptions): Promise<Sessions> {
  if (name === "") throw invalidArgument("store", 'expected a name, as in "indexeddb:my-app"');
  checkOptions(options);
  const announcer = new Announcer();
  const store = new IndexedDbStore(name, {
    durability: options.durability,
    timeoutMs: timeoutOf(options) * OPENING_SHARE,
  });
  const connection = connect(build, store, options, announcer);
  try {
    await store.open();
  } catch (thrown) {
    connection.abandon();
    throw await openingError(name, thrown);
  }
  announcer.share(store.news, name);
  return configured(new Sessions(build.info.build, connection, announcer), options);
}

/** The name of the browser's database that a target means, where there are such databases. */
function databaseOf(target: Target | undefined): string | undefined {
  const url = urlOf(target);
  const isMeant = url.startsWith(INDEXEDDB_SCHEME) && "indexedDB" in globalThis;
  return isMeant ? url.slice(INDEXEDDB_SCHEME.length) : undefined;
}

function checkOptions(options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("options", "expected an object");
  }
  const { pessimisticLockingEnabled: enabled } = options as OpenOptions;
  if (enabled !== undefined && typeof enabled !== "boolean") {
    throw invalidArgument("pessimisticLockingEnabled", "expected true or false");
  }
}

/** Sets what a handle keeps of its options to itself. */
function configured<H extends Sessions | SessionsSync>(handle: H, options: OpenOptions): H {
  handle.pessimisticLockingEnabled = options.pessimisticLockingEnabled ?? false;
  return handle;
}

function connect(
  build: Build,
  target: Target | undefined,
  options: OpenOptions,
  announcer: Announcer,
  environment?: Environment,
): Connection {
  checkOptions(options);
  if (options.webhook !== undefined) announcer.configure(options.webhook);
  const { binding } = build;
  const notify = announcer.announce;
  const url = urlOf(target);
  if (target === undefined || typeof target === "string" || target instanceof URL) {
    return new Connection({
      binding,
      url,
      options: optionsForUrl(options),
      host: undefined,
      notify,
      models: options.models,
      environment,
    });
  }
  if (typeof target !== "object" || target === null) {
    throw invalidArgument("store", "expected a URL or an object with the methods of a store");
  }
  const { json, timeoutMs } = optionsForStore(options, target);
  return new Connection({
    binding,
    url,
    options: json,
    host: new HostStore(target, timeoutMs),
    notify,
    models: options.models,
    environment,
  });
}
