/**
 * The kit as tests of vitest: one `describe` a group, one `it` a case. It is the one module that needs
 * vitest.
 *
 * @module
 */

import { describe, it } from "vitest";
import type { Kit, KitSource, StoreCase } from "./kit.js";
import {
  type CheckOptions,
  type CheckSettings,
  casesOf,
  runCase,
  type StoreFactory,
  settingsOf,
} from "./run.js";

/** Makes tests of every case of the kit. */
export type DescribeStore = (name: string, factory: StoreFactory, options?: CheckOptions) => void;

/** The function for a kit; `scale` is the one to use unless the options name another. */
export function describerOf(source: KitSource, scale: () => number): DescribeStore {
  return (name, factory, options = {}) => {
    describe(name, async () => {
      const kit = await source();
      const settings = settingsOf(options, scale());
      const groups = new Map<string, StoreCase[]>();
      for (const storeCase of casesOf(kit, options)) {
        const group = groups.get(storeCase.group) ?? [];
        groups.set(storeCase.group, [...group, storeCase]);
      }
      for (const [group, cases] of groups) {
        describe(words(group), () => {
          for (const storeCase of cases) test(kit, storeCase, factory, settings);
        });
      }
    });
  };
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
  // A run has an end of its own, whatever the store does, and says more about it.
  it(words(storeCase.name), run, 0);
}

function words(name: string): string {
  return name.replaceAll("_", " ");
}
