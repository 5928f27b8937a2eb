/**
 * The conformance kit as vitest tests: a `describe` for each group, an `it` for each case. This is
 * the only module that needs vitest.
 *
 * @module
 */

import { describe, it } from "vitest";
import { exactly } from "../values/arguments.js";
import { invalidArgument } from "../values/error.js";
import type { Kit, KitSource, StoreCase } from "./kit.js";
import {
  type CheckOptions,
  type CheckSettings,
  casesOf,
  runCase,
  type StoreFactory,
  settingsOf,
} from "./run.js";

/** Defines a test for every case of the kit. */
export type DescribeStore = (name: string, factory: StoreFactory, options?: CheckOptions) => void;

/** Creates the function for a kit; `scale` returns the default scale. */
export function describerOf(source: KitSource, scale: () => number): DescribeStore {
  return exactly("describeStore", 3, (name, factory, options = {}) => {
    if (typeof name !== "string") throw invalidArgument("name", "expected a text");
    const settings = settingsOf(factory, options, scale());
    describe(name, async () => {
      const kit = await source();
      const groups = new Map<string, StoreCase[]>();
      for (const storeCase of casesOf(kit, options)) {
        const group = groups.get(storeCase.group) ?? [];
        groups.set(storeCase.group, [...group, storeCase]);
      }
      for (const [group, cases] of groups) {
        describe(titleOf(group), () => {
          for (const storeCase of cases) test(kit, storeCase, factory, settings);
        });
      }
    });
  });
}

function test(
  kit: Kit,
  storeCase: StoreCase,
  factory: StoreFactory,
  settings: CheckSettings,
): void {
  const run = async (context: { skip(note?: string): void }): Promise<void> => {
    const { outcome, message, cause } = await runCase(kit, storeCase, factory, settings);
    if (outcome === "skipped") context.skip(message);
    if (outcome === "failed") throw new Error(message, cause === undefined ? {} : { cause });
  };
  // The test has no timeout: the run has its own, with a better message.
  it(titleOf(storeCase.name), run, 0);
}

function titleOf(name: string): string {
  return name.replaceAll("_", " ");
}
