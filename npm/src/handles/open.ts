/**
 * Opens handles: finds the build for a store, opens the store with it, and puts a handle together.
 * Where builds come from is the business of `node.ts`, `node-wasm.ts` and `browser.ts`.
 *
 * @module
 */

import type { Build } from "../builds/binding.js";
import { Connection, type Environment } from "../connection/connection.js";
import { StoreDriver } from "../connection/store-driver.js";
import { Notifier } from "../events/notifier.js";
import { IndexedDbStore } from "../stores/indexeddb.js";
import { openingError } from "../stores/indexeddb-database.js";
import type { Target } from "../stores/target.js";
import { urlOf } from "../stores/target.js";
import { invalidArgument, storeIsAsync } from "../values/error.js";
import { type OpenOptions, optionsForStore, optionsForUrl, timeoutOf } from "./options.js";
import { Sessions } from "./sessions.js";
import { SessionsSync } from "./sessions-sync.js";

/** How the URLs of databases in the browser begin. */
const INDEXEDDB_SCHEME = "indexeddb:";
/** Of the time that a call has, opening a database takes at most this: what failed is known in time. */
const OPENING_SHARE = 0.9;

/** Opens an asynchronous handle. */
export async function openSessions(
  build: Build,
  target: Target | undefined,
  options: OpenOptions,
  environment?: Environment,
): Promise<Sessions> {
  const name = databaseOf(target);
  if (name !== undefined) return openDatabase(build, name, options);
  const notifier = new Notifier();
  const connection = connect(build, target, options, notifier, environment);
  return configured(new Sessions(build.info.build, connection, notifier), options);
}

/** Opens a synchronous handle. */
export function openSessionsSync(
  build: Build,
  target: Target | undefined,
  options: OpenOptions,
  environment?: Environment,
): SessionsSync {
  if (databaseOf(target) !== undefined) throw storeIsAsync();
  const notifier = new Notifier();
  const connection = connect(build, target, options, notifier, environment);
  return configured(new SessionsSync(build.info.build, connection, notifier), options);
}

/** Opens an asynchronous handle over the browser's database of this name. */
async function openDatabase(build: Build, name: string, options: OpenOptions): Promise<Sessions> {
  if (name === "") throw invalidArgument("store", 'expected a name, as in "indexeddb:my-app"');
  checkOptions(options);
  const notifier = new Notifier();
  const store = new IndexedDbStore(name, {
    durability: options.durability,
    timeoutMs: timeoutOf(options) * OPENING_SHARE,
  });
  const connection = connect(build, store, options, notifier);
  try {
    await store.open();
  } catch (thrown) {
    connection.abandon();
    throw await openingError(name, thrown);
  }
  notifier.share(store.broadcast, name);
  return configured(new Sessions(build.info.build, connection, notifier), options);
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
  notifier: Notifier,
  environment?: Environment,
): Connection {
  checkOptions(options);
  if (options.webhook !== undefined) notifier.configure(options.webhook);
  const { binding } = build;
  const notify = notifier.announce;
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
    host: new StoreDriver(target, timeoutMs),
    notify,
    models: options.models,
    environment,
  });
}
