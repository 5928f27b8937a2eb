/**
 * What a handle can be opened with. The core's options go to the core as they are, which also
 * refuses those that it does not know; webhooks, the switch of slots and what is a function are
 * JavaScript's.
 *
 * @module
 */

import { encode } from "../connection/encode.js";
import type { Models } from "../connection/models.js";
import type { WebhookOptions } from "../events/webhook.js";
import type { Limits } from "../generated.js";
import type { RetentionOptions } from "../jobs/retention.js";
import type { Store } from "../stores/store.js";
import type { Accepts } from "../values/params.js";

/** How long a method of a store in JavaScript may take, unless `timeoutMs` says otherwise. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** How a handle is opened. */
export interface OpenOptions {
  /** How large inputs may be. */
  readonly limits?: Accepts<Partial<Limits>> | undefined;
  /**
   * SQLite and IndexedDB: `"normal"` survives a killed process, `"full"` a power cut too, at the cost
   * of speed.
   */
  readonly durability?: "normal" | "full" | undefined;
  /** SQLite: how long to wait for other processes that write, in milliseconds. */
  readonly busyTimeoutMs?: number | undefined;
  /** How long IndexedDB or a method of your own store may take, in milliseconds; 30,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Where changes of sessions are posted to. */
  readonly webhook?: string | URL | WebhookOptions | undefined;
  /** Removes old sessions from time to time. */
  readonly retention?: RetentionOptions | undefined;
  /**
   * Secrets are blotted out of the arguments of tools and of agents' metadata before they are kept:
   * what else is secret, or `false` to keep everything as it comes.
   */
  readonly redact?: boolean | RedactOptions | undefined;
  /**
   * Which models there are: their names, or a function that says of a name whether it is one. Sessions
   * in slots whose model is none of them can be looked at, exported, deleted and replaced, and nothing
   * else. Without it every model is taken to be there. `setModels` changes it.
   */
  readonly models?: Models | undefined;
  /**
   * Whether whoever starts a session in a slot keeps others from it meanwhile, unless the call says
   * which `locking` it wants. `pessimisticLockingEnabled` of the handle changes it.
   */
  readonly pessimisticLockingEnabled?: boolean | undefined;
}

/** What is secret beside what Tenure knows as secret. In each, `*` stands for any text. */
export interface RedactOptions {
  /** Names of members whose texts are blotted out: `"pin"`, `"internal*"`. */
  readonly names?: readonly string[] | undefined;
  /** Texts, or words in texts, that are blotted out: `"corp-*"`. */
  readonly patterns?: readonly string[] | undefined;
}

/** The core's options as JSON, for a store that a URL names. */
export function optionsForUrl(options: OpenOptions): string {
  return encode("options", coreOptions(options));
}

/** The core's options as JSON for a store in JavaScript, and the time that its methods have. */
export function optionsForStore(
  options: OpenOptions,
  store: Store,
): { readonly json: string; readonly timeoutMs: number } {
  const timeoutMs = timeoutOf(options);
  const json = encode("options", {
    ...coreOptions(options),
    timeoutMs,
    capabilities: store.capabilities,
  });
  return { json, timeoutMs };
}

/** How long a method of a store in JavaScript may take, in milliseconds. */
export function timeoutOf({ timeoutMs }: OpenOptions): number {
  return timeoutMs ?? DEFAULT_TIMEOUT_MS;
}

function coreOptions({
  webhook: _webhook,
  pessimisticLockingEnabled: _locking,
  models,
  ...core
}: OpenOptions): object {
  // Of a function the core knows nothing: at first there are no models.
  return { ...core, models: typeof models === "function" ? [] : models };
}
