/**
 * The whole kit on one store, for any test runner or none: the results as values. `describe.ts` makes
 * tests of them.
 *
 * @module
 */

import type { KitSource } from "./kit.js";
import {
  type CaseResult,
  type CheckOptions,
  casesOf,
  runCase,
  type StoreFactory,
  settingsOf,
} from "./run.js";

/** Holds a store to every case of the kit. */
export type CheckStore = (
  factory: StoreFactory,
  options?: CheckOptions,
) => Promise<readonly CaseResult[]>;

/** The function for a kit; `scale` is the one to use unless the options name another. */
export function checkerOf(source: KitSource, scale: () => number): CheckStore {
  return async (factory, options = {}) => {
    const kit = await source();
    const settings = settingsOf(options, scale());
    const results: CaseResult[] = [];
    for (const storeCase of casesOf(kit, options)) {
      results.push(await runCase(kit, storeCase, factory, settings));
    }
    return results;
  };
}
