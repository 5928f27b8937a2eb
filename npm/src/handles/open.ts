/**
 * Opens handles: opens a store with a build, and creates the handle over it. The entry points
 * choose the build.
 *
 * @module
 */

import { type Build, type Opened, parseAnswer, resultOf } from "../builds/binding.js";
import type { Mode } from "../connection/call.js";
import { Connection, type Environment } from "../connection/connection.js";
import { StoreDriver } from "../connection/store-driver.js";
import { Notifier } from "../events/notifier.js";
import type { RetentionParams } from "../generated.js";
import { ArchiveAt, type Archiver, archiveOf } from "../jobs/archive.js";
import { checkRetention } from "../jobs/retention.js";
import { addressOf } from "../server/address.js";
import { followChanges } from "../server/change-signal.js";
import { type Builds, ServerBinding } from "../server/server-binding.js";
import type { OpenStream } from "../server/stream.js";
import { IndexedDbStore } from "../stores/indexeddb.js";
import { openingError } from "../stores/indexeddb-database.js";
import { rulesOver } from "../stores/rules.js";
import type { Target } from "../stores/target.js";
import { checkTarget, urlOf } from "../stores/target.js";
import { invalidArgument, jobsNeedAddon, metricsNeedAddon, storeIsAsync } from "../values/error.js";
import { Schemas, type SessionSchema, type TypesOf } from "../values/schema.js";
import type { SessionTypes } from "../values/session-types.js";
import { endpointOf } from "../webhooks/durable.js";
import {
  checkOpenOptions,
  checkServerOptions,
  type OpenOptions,
  type OptionsWith,
  type OptionsWithout,
  optionsForStore,
  optionsForUrl,
  timeoutOf,
} from "./options.js";
import { Sessions } from "./sessions.js";
import { SessionsSync } from "./sessions-sync.js";

/** How often a watch looks for changes in a store in JavaScript, in milliseconds. */
const STORE_POLL_MS = 250;
/** How often it does in a database, whose other handles send messages after their commits. */
const DATABASE_POLL_MS = 2000;
/** How often it does on a server, whose stream of changes wakes it sooner. */
const SERVER_POLL_MS = 2000;
/** The default timeout of a request to a server, in milliseconds. */
const SERVER_TIMEOUT_MS = 60_000;
/** The path and the query of the stream of positions. */
const POSITIONS = "/v1/watch?positions=true";
/** The URL of a store in memory. */
const MEMORY_URL = "memory:";
/** The URL scheme of databases in the browser. */
const INDEXEDDB_SCHEME = "indexeddb:";
/**
 * The share of a call's timeout that opening a database may take, so that its error arrives before
 * the timeout.
 */
const OPENING_SHARE = 0.9;

/** Opens a store. */
export interface Open {
  /** The type argument has the types of the caller. */
  <T extends SessionTypes = SessionTypes>(
    target?: Target,
    options?: OptionsWithout,
  ): Promise<Sessions<T>>;
  /** With schemas, the handle has their types. */
  <S extends SessionSchema>(
    target: Target | undefined,
    options: OptionsWith<S>,
  ): Promise<Sessions<TypesOf<S>>>;
  /** With both, the schemas are of these types. */
  <T extends SessionTypes = SessionTypes>(
    target?: Target,
    options?: OpenOptions<T>,
  ): Promise<Sessions<T>>;
}

/** Opens a synchronous store. */
export interface OpenSync {
  /** The type argument has the types of the caller. */
  <T extends SessionTypes = SessionTypes>(
    target?: Target,
    options?: OptionsWithout,
  ): SessionsSync<T>;
  /** With schemas, the handle has their types. */
  <S extends SessionSchema>(
    target: Target | undefined,
    options: OptionsWith<S>,
  ): SessionsSync<TypesOf<S>>;
  /** With both, the schemas are of these types. */
  <T extends SessionTypes = SessionTypes>(
    target?: Target,
    options?: OpenOptions<T>,
  ): SessionsSync<T>;
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
  const notifier = new Notifier();
  const connection = connect(build, target, options, notifier, environment);
  try {
    await connection.opening;
  } catch (thrown) {
    connection.abandon();
    throw thrown;
  }
  return working(
    configured(
      new Sessions(build.info.build, connection, notifier, checkedArchive(connection, options)),
      options,
    ),
    options,
  );
}

/** Starts the job of the option `jobs`, adds the endpoint of the option `webhook`, and starts to deliver. */
async function working(handle: Sessions, options: OpenOptions): Promise<Sessions> {
  const endpoint = endpointOf(options.webhook);
  try {
    if (options.jobs !== undefined) handle.schedule(options.jobs);
    if (endpoint !== undefined) await handle.webhooks.add(endpoint);
    await handle.deliver(options.deliver ?? endpoint !== undefined);
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
  return handle;
}

/** Opens an asynchronous handle over the store of a server. */
export async function openServer(
  builds: Builds,
  openStream: OpenStream,
  target: Target | undefined,
  options: OpenOptions,
): Promise<Sessions> {
  checkOpenOptions(options);
  checkServerOptions(options);
  if (options.metrics === true) {
    throw invalidArgument("metrics", "this store is a server, which records itself");
  }
  const address = addressOf(target, options.token);
  const timeoutMs = options.timeoutMs ?? SERVER_TIMEOUT_MS;
  if (!(Number.isFinite(timeoutMs) && timeoutMs > 0)) {
    throw invalidArgument("timeoutMs", "expected a number of milliseconds");
  }
  const notifier = new Notifier();
  if (endpointOf(options.webhook) !== undefined) {
    throw invalidArgument("webhook.endpoint", "a server delivers itself: use `webhooks.add`");
  }
  if (options.webhook !== undefined) notifier.configure(options.webhook);
  const binding = new ServerBinding(address, timeoutMs, builds);
  await binding.connect(await retentionOf(builds, options));
  const { headers } = binding;
  const connection = new Connection({
    binding,
    url: address.base,
    options: "{}",
    driver: undefined,
    notify: notifier.notify,
    models: options.models,
    tracer: options.tracer,
    pollMs: SERVER_POLL_MS,
    follow: (wake) => followChanges(openStream, `${address.base}${POSITIONS}`, headers, wake),
    isRemote: true,
    schemas: options.schema && new Schemas(options.schema),
  });
  return configured(
    new Sessions("server", connection, notifier, checkedArchive(connection, options)),
    options,
  );
}

/** How to run retention, as the core reads the options. It runs in the core of a build. */
async function retentionOf(
  builds: Builds,
  options: OpenOptions,
): Promise<RetentionParams | undefined> {
  if (options.retention === undefined) return undefined;
  await builds.prepare();
  const binding = builds.binding();
  checkRetention(binding);
  const { retention } = options;
  const json = optionsForUrl(MEMORY_URL, { retention }, "sync");
  const opened = resultOf(parseAnswer<Opened>(binding.open(MEMORY_URL, json)));
  resultOf(parseAnswer<null>(binding.close(opened.handle)));
  return opened.retention;
}

/** Opens a synchronous handle. */
export function openSessionsSync(
  build: Build,
  target: Target | undefined,
  options: OpenOptions,
  environment?: Environment,
): SessionsSync {
  if (databaseOf(target) !== undefined) throw storeIsAsync();
  checkOpenOptions(options);
  if (options.metrics === true) {
    throw invalidArgument("metrics", "only a handle of `open` records metrics");
  }
  if (options.tracer !== undefined) {
    throw invalidArgument("tracer", "only a handle of `open` makes spans");
  }
  if (options.jobs !== undefined) {
    // What is under way could not be waited for.
    throw invalidArgument("jobs", "only a handle of `open` has jobs");
  }
  const notifier = new Notifier();
  if (options.deliver || endpointOf(options.webhook) !== undefined) {
    // What is in flight could not be waited for.
    throw invalidArgument("deliver", "only a handle of `open` delivers webhooks");
  }
  const connection = connect(build, target, options, notifier, environment, "sync");
  return configured(
    new SessionsSync(build.info.build, connection, notifier, checkedArchive(connection, options)),
    options,
  );
}

/** Opens an asynchronous handle over the IndexedDB database of this name. */
async function openDatabase(build: Build, name: string, options: OpenOptions): Promise<Sessions> {
  if (name === "") throw invalidArgument("store", 'expected a name, as in "indexeddb:my-app"');
  checkOpenOptions(options);
  const { durability } = options;
  if (durability !== undefined && durability !== "normal" && durability !== "full") {
    throw invalidArgument("durability", 'expected "normal" or "full"');
  }
  const notifier = new Notifier();
  const store = new IndexedDbStore(name, {
    durability,
    timeoutMs: timeoutOf(options) * OPENING_SHARE,
    rules: rulesOver(() => build.binding),
  });
  const connection = connect(
    build,
    store,
    // It is the database's.
    { ...options, durability: undefined },
    notifier,
    undefined,
    "async",
    { identity: INDEXEDDB_SCHEME + name, pollMs: DATABASE_POLL_MS },
  );
  try {
    await store.open();
  } catch (thrown) {
    connection.abandon();
    throw await openingError(name, thrown);
  }
  notifier.join(store.broadcast, name, () => connection.wake());
  return working(
    configured(
      new Sessions(build.info.build, connection, notifier, checkedArchive(connection, options)),
      options,
    ),
    options,
  );
}

/**
 * The name of the IndexedDB database of a target; `undefined` for other targets, and where there is
 * no IndexedDB.
 */
function databaseOf(target: Target | undefined): string | undefined {
  const url = urlOf(target);
  const isMeant = url.startsWith(INDEXEDDB_SCHEME) && "indexedDB" in globalThis;
  return isMeant ? url.slice(INDEXEDDB_SCHEME.length) : undefined;
}

/** Refuses an archive that cannot be opened, before the first session is to be archived. */
function checkedArchive(connection: Connection, options: OpenOptions): Archiver | undefined {
  const archive = archiveOf(options.retention);
  try {
    if (archive instanceof ArchiveAt) {
      connection.openArchive(archive.url, archive.compress).close();
    }
  } catch (thrown) {
    connection.abandon();
    throw thrown;
  }
  return archive;
}

/** Applies the options that the handle itself implements. */
function configured<H extends Sessions | SessionsSync>(handle: H, options: OpenOptions): H {
  handle.pessimisticLockingEnabled = options.pessimisticLockingEnabled ?? false;
  if (options.metrics === true && handle instanceof Sessions) handle.startRecording();
  return handle;
}

function connect(
  build: Build,
  target: Target | undefined,
  options: OpenOptions,
  notifier: Notifier,
  environment?: Environment,
  mode: Mode = "async",
  of: { readonly identity?: string; readonly pollMs: number } = { pollMs: STORE_POLL_MS },
): Connection {
  checkTarget(target);
  checkOpenOptions(options);
  const { webhook } = options;
  if (webhook !== undefined && endpointOf(webhook) === undefined) notifier.configure(webhook);
  const { binding, postText } = build;
  if (options.metrics === true && binding.ownMetrics === undefined) throw metricsNeedAddon();
  if (options.retention !== undefined) checkRetention(binding);
  const isUrl = target === undefined || typeof target === "string" || target instanceof URL;
  if (options.jobs !== undefined && !(isUrl && binding.schedule)) throw jobsNeedAddon();
  const schemas = options.schema && new Schemas(options.schema);
  const { notify } = notifier;
  const url = urlOf(target);
  if (target === undefined || typeof target === "string" || target instanceof URL) {
    return new Connection({
      binding,
      url,
      options: optionsForUrl(url, options, mode),
      driver: undefined,
      notify,
      models: options.models,
      postText,
      tracer: options.tracer,
      schemas,
      environment,
    });
  }
  const { json, timeoutMs } = optionsForStore(options, target);
  return new Connection({
    binding,
    url,
    options: json,
    driver: new StoreDriver(target, timeoutMs),
    ...of,
    notify,
    models: options.models,
    postText,
    tracer: options.tracer,
    schemas,
    environment,
  });
}
