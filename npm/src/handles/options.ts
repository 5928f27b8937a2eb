/**
 * The options of `open`. The core's options are passed to the core unchanged, which refuses unknown
 * ones; webhooks, pessimistic locking and functions are implemented in JavaScript.
 *
 * @module
 */

import type { Mode } from "../connection/call.js";
import { encode } from "../connection/encode.js";
import { type Models, modelOptions } from "../connection/models.js";
import type { Tracer } from "../connection/tracing.js";
import type { WebhookOptions } from "../events/webhook.js";
import type { Limits } from "../generated.js";
import { archiveOf } from "../jobs/archive.js";
import type { DeliverOptions } from "../jobs/deliver.js";
import type { RetentionOptions } from "../jobs/retention.js";
import type { JobOptions } from "../jobs/scheduled.js";
import type { Store } from "../stores/store.js";
import type { EncryptionOptions } from "../values/encryption.js";
import { invalidArgument } from "../values/error.js";
import { checkOptions, read } from "../values/options.js";
import type { Accepts } from "../values/params.js";
import type { SchemaOf, SessionSchema } from "../values/schema.js";
import type { SessionTypes } from "../values/session-types.js";

/** The default timeout of a method of a JavaScript store, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** Options of a handle. One that the store does not have is refused. */
export interface OpenOptions<T extends SessionTypes = SessionTypes> {
  /** Size limits for inputs. */
  readonly limits?: Accepts<Partial<Limits>> | undefined;
  /**
   * SQLite, files and IndexedDB: with `"normal"` acknowledged writes survive a killed process, with
   * `"full"` also a power loss, which is slower.
   */
  readonly durability?: "normal" | "full" | undefined;
  /** SQLite and files: how long to wait for writes of other processes, in milliseconds. */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * The timeout of IndexedDB and of methods of your own store, in milliseconds; 30,000 by default.
   * Of a git store: the timeout of each run of git; 60,000 by default. Of a server: the timeout of each
   * request; 60,000 by default. Of a PostgreSQL store: the timeout of each call, with connecting and
   * waiting; 10,000 by default.
   */
  readonly timeoutMs?: number | undefined;
  /** PostgreSQL: the connections of the handle. */
  readonly pool?: PoolOptions | undefined;
  /**
   * SQLite and files: the permissions of new files, such as `0o640`; `0o600` by default, so that only
   * their owner may read them. New directories get the same, and may be searched by those who may
   * read them. What exists keeps its permissions.
   */
  readonly fileMode?: number | undefined;
  /**
   * Whether appends to a held session, too, need its fencing token; `false` by default. What moves a
   * held session always does.
   */
  readonly fenced?: boolean | undefined;
  /**
   * Whether the handle records what it counts in the store every ten seconds, and when it is closed, so that
   * `metrics` of other processes has it; `false` by default. Only a handle of `open` with the native addon does.
   */
  readonly metrics?: boolean | undefined;
  /**
   * Makes a span for each operation, such as a tracer of `@opentelemetry/api`. The position of the span is stored
   * with the events that the operation appends; the operation `traces` reads it. Without a tracer there are no spans.
   */
  readonly tracer?: Tracer | undefined;
  /** The webhook to which changes of sessions are posted. */
  readonly webhook?: string | URL | WebhookOptions | undefined;
  /**
   * Delivers what is queued for the endpoints of the store's webhooks, in the background: `true`, or how.
   * Any number of processes may deliver at the same time. It does not keep the process alive.
   */
  readonly deliver?: boolean | DeliverOptions | undefined;
  /** Removes old sessions periodically. */
  readonly retention?: RetentionOptions | undefined;
  /**
   * Moves old sessions to the trash, archives and removes them at a schedule, as `tenure jobs run` does. Of several
   * processes one does it at a time. It does not keep the process alive. Only a handle of `open` over a store of the
   * native addon does.
   */
  readonly jobs?: JobOptions | undefined;
  /** SQLite, files and PostgreSQL: encrypts the user data of sessions. */
  readonly encryption?: EncryptionOptions | undefined;
  /**
   * Secrets in tools' arguments and results, and in the texts of agents, are redacted before they
   * are stored. The options name further secrets; `false` switches redaction off.
   */
  readonly redact?: boolean | RedactOptions | undefined;
  /**
   * The available models: their names, or a function that tells whether a model is available. A
   * session in a slot whose model is not available can only be read, exported, deleted and
   * replaced. By default every model is available. `setModels` changes it.
   */
  readonly models?: Models | undefined;
  /**
   * The number of changes that the feed of a `sqlite:`, `file:` or `postgres:` store keeps from now on, for
   * watches that go on from an earlier position: 1,000 to 10,000,000. At first it is 100,000 in SQLite and
   * 10,000 in files and PostgreSQL. It is a setting of the database or the directory.
   */
  readonly keepChanges?: number | undefined;
  /**
   * Whether a `sqlite:` store has an index from now on by which the filter `text` finds few sessions
   * among many. It is a setting of the file, off at first. Sessions that exist are added in the
   * background, while the store is used.
   */
  readonly textIndex?: boolean | undefined;
  /**
   * Whether starting a session in a slot locks the slot by default; the option `locking` of a call
   * overrides it. The property `pessimisticLockingEnabled` of the handle changes it.
   */
  readonly pessimisticLockingEnabled?: boolean | undefined;
  /** Of a server: its token, unless the URL has it or the page is one of the server's own. */
  readonly token?: string | undefined;
  /**
   * Schemas that check contexts and the data of events before they are stored, of any library that
   * follows Standard Schema, such as zod and valibot. The types of the handle are those of the schemas.
   */
  readonly schema?: SchemaOf<T> | undefined;
}

/** Options with schemas. */
export type OptionsWith<S extends SessionSchema, Options = OpenOptions> = Omit<
  Options,
  "schema"
> & {
  readonly schema: S;
};

/** Options without schemas. */
export type OptionsWithout<Options = OpenOptions> = Omit<Options, "schema"> & {
  readonly schema?: undefined;
};

/** The connections of a handle to a PostgreSQL database. The URL may have the same settings. */
export interface PoolOptions {
  /** The greatest number of connections; 10 by default. */
  readonly max?: number | undefined;
  /** How long a call waits for a connection, in milliseconds; 5,000 by default. */
  readonly connectionTimeoutMs?: number | undefined;
  /** After how long a connection that is not used is closed, in milliseconds; 600,000 by default. */
  readonly idleTimeoutMs?: number | undefined;
  /** How long one statement may take, in milliseconds; by default as long as the call. */
  readonly statementTimeoutMs?: number | undefined;
}

/** Additional secrets to redact. In each pattern `*` matches any text. */
export interface RedactOptions {
  /** Names of properties whose texts are redacted: `"pin"`, `"internal*"`. */
  readonly names?: readonly string[] | undefined;
  /** Texts, or words in texts, that are redacted: `"corp-*"`. */
  readonly patterns?: readonly string[] | undefined;
}

/** Checks that all options are known. The core checks the values of its own. */
export function checkOpenOptions(options: unknown): asserts options is OpenOptions {
  checkOptions(options, OPEN_OPTIONS);
  const { tracer } = (options ?? {}) as OpenOptions;
  if (tracer !== undefined && typeof tracer?.startSpan !== "function") {
    throw invalidArgument("tracer", "expected an object with `startSpan`");
  }
}

/** The options. */
export const OPEN_OPTIONS = {
  limits: "any",
  durability: "any",
  busyTimeoutMs: "any",
  fileMode: "any",
  fenced: "any",
  timeoutMs: "any",
  webhook: "any",
  deliver: "any",
  metrics: "boolean",
  tracer: "any",
  retention: "any",
  jobs: "any",
  encryption: "any",
  redact: "any",
  models: "any",
  keepChanges: "any",
  textIndex: "any",
  pool: "any",
  token: "any",
  pessimisticLockingEnabled: "boolean",
  schema: "any",
} as const;

/** The URL scheme of stores that keep records alone: runs, leases and the audit log. */
const RECORDS_SCHEME = "git:";
/** The options that are about sessions. */
const ABOUT_SESSIONS = [
  "webhook",
  "deliver",
  "metrics",
  "retention",
  "jobs",
  "fenced",
  "models",
  "pessimisticLockingEnabled",
  "schema",
] as const;

/** The core's options as JSON, for a store that is opened by URL. */
export function optionsForUrl(url: string, options: OpenOptions, mode: Mode): string {
  const given = ABOUT_SESSIONS.find((name) => options[name] !== undefined);
  if (url.startsWith(RECORDS_SCHEME) && given !== undefined) {
    throw invalidArgument(given, "this store keeps no sessions, and has no such option");
  }
  return encode("options", { ...coreOptions(options), synchronous: mode === "sync" });
}

/** The options that a server has itself, for all of its clients. */
const OF_SERVER = [
  "limits",
  "deliver",
  "jobs",
  "durability",
  "busyTimeoutMs",
  "fileMode",
  "fenced",
  "redact",
  "keepChanges",
  "textIndex",
  "pool",
  "encryption",
] as const;

/** Refuses the options that a server has itself. */
export function checkServerOptions(options: OpenOptions): void {
  const given = OF_SERVER.find((name) => options[name] !== undefined);
  if (given !== undefined) {
    throw invalidArgument(given, "this store is a server, which has this option itself");
  }
}

/** The core's options as JSON for a JavaScript store, and the timeout of its methods. */
export function optionsForStore(
  options: OpenOptions,
  store: Store,
): { readonly json: string; readonly timeoutMs: number } {
  if (options.encryption !== undefined) {
    throw invalidArgument("encryption", "this store has no such option");
  }
  const timeoutMs = timeoutOf(options);
  const json = encode("options", {
    ...coreOptions(options),
    timeoutMs,
    capabilities: store.capabilities,
  });
  return { json, timeoutMs };
}

/** The timeout of a method of a JavaScript store, in milliseconds. */
export function timeoutOf({ timeoutMs }: OpenOptions): number {
  return timeoutMs ?? DEFAULT_TIMEOUT_MS;
}

function coreOptions({
  webhook: _webhook,
  deliver: _deliver,
  jobs: _jobs,
  metrics: _metrics,
  tracer: _tracer,
  pessimisticLockingEnabled: _locking,
  schema: _schema,
  token,
  models,
  retention,
  ...core
}: OpenOptions): object {
  if (token !== undefined) throw invalidArgument("token", "only the URL of a server has a token");
  // The core cannot call a function: it asks for an archive, and whether a model is available.
  return {
    ...core,
    retention: coreRetention(retention),
    askModels: undefined,
    ...modelOptions(models),
  };
}

function coreRetention(retention: RetentionOptions | undefined): unknown {
  // What is no object is refused by the core.
  const { archive, archiveParts, ...core } = read("retention", () => ({ ...retention }));
  if (archiveParts !== undefined && typeof archiveParts !== "function") {
    throw invalidArgument("retention.archiveParts", "expected a function");
  }
  return archiveOf({ archive, archiveParts }, "retention.archive") === undefined
    ? retention
    : { ...core, archive: true };
}
