/**
 * The parameters of starting a session in a slot: the session, and the options of the start.
 *
 * @module
 */

import type { Mode, Params } from "../connection/call.js";
import type * as generated from "../generated.js";
import type { SlotLocking } from "../generated.js";
import type { RetryPolicy } from "../jobs/slot-wait.js";
import { invalidArgument } from "../values/error.js";
import { checkOptions, refuseOptions } from "../values/options.js";
import type { Accepts } from "../values/params.js";
import type { SessionTypes, StartInSlotParams } from "../values/session-types.js";

/** The options of the start, as opposed to the properties of the session. */
const START_OPTIONS = [
  "onModelChange",
  "confirm",
  "rerun",
  "replace",
  "exportOld",
  "locking",
] as const;
type StartOption = (typeof START_OPTIONS)[number];

/** The core checks their values. */
const START_KINDS = Object.fromEntries(START_OPTIONS.map((name) => [name, "any" as const]));

/** A session to start in a slot. */
export type SlotRequest<T extends SessionTypes = SessionTypes> = Omit<
  StartInSlotParams<T>,
  StartOption
>;

/**
 * Options of starting a session in a slot. The default of `locking` is the handle's
 * `pessimisticLockingEnabled`. A synchronous handle does not wait: if another call holds the lock
 * of the slot, the outcome is `busy`.
 */
export type SlotOptionsSync = Accepts<Pick<generated.StartInSlotParams, StartOption>>;

/** Options of starting a session in a slot, with retries. */
export interface SlotOptions extends SlotOptionsSync {
  /**
   * The number of retries while another call holds the lock of the slot, or the store is busy or
   * unavailable: 3 by default, after 25 to 50, 100 to 200 and 400 to 800 milliseconds.
   */
  readonly retries?: number | undefined;
  /** Aborts the waiting, with the error code `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** The options that a handle of this mode takes. */
export type SlotOptionsOf<M extends Mode> = M extends "async" ? SlotOptions : SlotOptionsSync;

/** The default number of retries. */
const DEFAULT_RETRIES = 3;
/** The maximum number of retries. */
const MAX_RETRIES = 10;

/** The parameters for the core; `locking` is the handle's default. */
export function slotParams<T extends SessionTypes>(
  request: SlotRequest<T>,
  start: SlotOptionsSync,
  locking: SlotLocking,
): Params<"startInSlot"> & { readonly locking: SlotLocking } {
  checkOptions(start, START_KINDS);
  refuseOptions(request, START_OPTIONS);
  return { ...request, ...start, locking: start.locking ?? locking };
}

/** Separates the retry policy from the options for the core. `request` has no part of it. */
export function retryPolicyOf<T extends SessionTypes>(
  request: SlotRequest<T>,
  options: SlotOptions,
): {
  readonly policy: RetryPolicy;
  readonly start: SlotOptionsSync;
} {
  refuseOptions(request, ["retries", "signal"]);
  checkOptions(options, { ...START_KINDS, retries: "any", signal: "signal" });
  const { retries = DEFAULT_RETRIES, signal, ...start } = options;
  if (!Number.isInteger(retries) || retries < 0 || retries > MAX_RETRIES) {
    throw invalidArgument("retries", `expected a whole number from 0 to ${MAX_RETRIES}`);
  }
  return { policy: { retries, signal }, start };
}
