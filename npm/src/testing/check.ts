/**
 * Checks a store with the conformance kit and returns the results as values, for any test runner.
 * `describe.ts` defines vitest tests instead.
 *
 * @module
 */

import { exactlyAsync } from "../values/arguments.js";
import type { KitSource } from "./kit.js";
import {
  type CaseResult,
  type CheckOptions,
  casesOf,
  runCase,
  type StoreFactory,
  settingsOf,
} from "./run.js";

/** Checks a store with every case of the kit. */
export type CheckStore = (
  factory: StoreFactory,
  options?: CheckOptions,
) => Promise<readonly CaseResult[]>;

/** Creates the function for a kit; `scale` returns the default scale. */
export function checkerOf(source: KitSource, scale: () => number): CheckStore {
  return exactlyAsync(
    "checkStore",
    2,
    async (factory: StoreFactory, options: CheckOptions = {}) => {
      const settings = settingsOf(factory, options, scale());
      const kit = await source();
      const results: CaseResult[] = [];
      for (const storeCase of casesOf(kit, options)) {
        results.push(await runCase(kit, storeCase, factory, settings));
      }
      return results;
    },
  );
}
