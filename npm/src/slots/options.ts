/**
 * What a caller says of a session to start in a slot: what it is, and how it may come into the slot.
 *
 * @module
 */

import type { Mode } from "../connection/call.js";
import type { SlotLocking, StartInSlotParams } from "../generated.js";
import type { RetryPolicy } from "../jobs/slot-retry.js";
import { invalidArgument } from "../values/error.js";
import type { Accepts } from "../values/params.js";

/** What says how a session may come into a slot, and not what it is. */
const WAY = ["onModelChange", "confirm", "rerun", "exportOld", "locking"] as const;
type Way = (typeof WAY)[number];

/** A session to start in a slot. */
export type SlotRequest = Accepts<Omit<StartInSlotParams, Way>>;

/**
 * How a session may come into a slot. Without `locking` it is what `pessimisticLockingEnabled` says.
 * A synchronous handle does not wait: where somebody else has the slot, it answers `busy` at once.
 */
export type SlotOptionsSync = Accepts<Pick<StartInSlotParams, Way>>;

/** How a session may come into a slot, and how long to wait for it. */
export interface SlotOptions extends SlotOptionsSync {
  /**
   * How often to try again while somebody else has the slot, or the store has no time: 3 times by
   * default, after 25 to 50, 100 to 200 and 400 to 800 milliseconds.
   */
  readonly retries?: number | undefined;
  /** Ends the waiting, with an error of the code `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** What a handle takes of these. */
export type SlotOptionsOf<M extends Mode> = M extends "async" ? SlotOptions : SlotOptionsSync;

/** How often to try again by default. */
const RETRIES = 3;
/** More would be waited for longer than anybody waits. */
const MOST_RETRIES = 10;

/** What the core is asked; `locking` is what the handle does where the call does not say it. */
export function slotParams(
  request: SlotRequest,
  way: SlotOptionsSync,
  locking: SlotLocking,
): Accepts<StartInSlotParams> & { readonly locking: SlotLocking } {
  checkObject("options", way);
  for (const name of WAY) {
    if (typeof request === "object" && request !== null && name in request) {
      throw invalidArgument(name, "expected it among the options, which are the second argument");
    }
  }
  return { ...request, ...way, locking: way.locking ?? locking };
}

/** Tells what the core is to know from how long to go on trying. */
export function retryPolicyOf(options: SlotOptions): {
  readonly policy: RetryPolicy;
  readonly way: SlotOptionsSync;
} {
  checkObject("options", options);
  const { retries = RETRIES, signal, ...way } = options;
  if (!Number.isInteger(retries) || retries < 0 || retries > MOST_RETRIES) {
    throw invalidArgument("retries", `expected a whole number from 0 to ${MOST_RETRIES}`);
  }
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw invalidArgument("signal", "expected an AbortSignal");
  }
  return { policy: { retries, signal }, way };
}

function checkObject(what: string, value: unknown): void {
  if (typeof value !== "object" || value === null)
    throw invalidArgument(what, "expected an object");
}
