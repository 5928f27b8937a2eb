// Writes that IndexedDB acknowledged survive when the browser is killed.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newProfile, startOwn } from "./support/process.js";
import { newPage, type Site, serveSite } from "./support/site.js";

let site: Site;

beforeAll(async () => {
  site = await serveSite();
});

afterAll(() => site?.close());

/**
 * Whether Chromium itself has removed the folder with the databases of the site, and created a new one.
 * A browser that is killed does so about once in some hundred times. Deleting a database keeps the
 * folder.
 */
async function wasDiscarded(profile: string): Promise<boolean> {
  const folder = join(profile, "Default", "IndexedDB");
  const ofSites = (await readdir(folder)).filter((name) => name.endsWith(".leveldb"));
  const logs = ofSites.map((name) => readFile(join(folder, name, "LOG"), "utf8"));
  return (await Promise.all(logs)).some((log) => log.includes("since it was missing"));
}

it.each(["normal", "full"] as const)(
  "what was acknowledged survives a killed browser with durability %s",
  async (durability) => {
    const profile = await newProfile();
    try {
      let least = 0;
      let discarded = 0;
      for (let round = 0; round < 3; round += 1) {
        const own = await startOwn(profile.path);
        try {
          const context = own.browser.contexts()[0];
          if (context === undefined) throw new Error("the browser has no context");
          const page = await newPage(context, site);
          let acknowledged = 0;
          await page.exposeFunction("acknowledge", (sequence: number) => {
            acknowledged = sequence;
          });
          const found = await page.evaluate(async (durability) => {
            state.sessions = await tenure.open("indexeddb:app", { durability });
            const key = { mode: "m", task: "t", maxIterations: 1e6, idempotencyKey: "k" };
            const { id } = await state.sessions.start(key);
            return state.sessions.get(id, { history: "all" });
          }, durability);
          if (least > 0 && (await wasDiscarded(profile.path))) {
            discarded += 1;
            expect(discarded).toBe(1);
            expect(found?.eventCount).toBe(1);
            least = 0;
            round = 0;
          }
          expect(found?.eventCount).toBeGreaterThanOrEqual(least);
          expect(found?.history).toHaveLength(found?.eventCount ?? 0);
          expect(found?.iterations).toBe((found?.eventCount ?? 0) - 1);
          // Runs until the browser is killed.
          void page
            .evaluate(async (id) => {
              for (;;) {
                const { lastSequence } = await state.sessions.incrementIteration(id);
                await acknowledge(lastSequence);
              }
            }, found?.id ?? "")
            .catch(() => {});
          const goal = least + 50;
          await expect.poll(() => acknowledged, { timeout: 20_000 }).toBeGreaterThan(goal);
          await own.kill();
          least = acknowledged;
        } finally {
          await own.kill();
        }
      }
      expect(least).toBeGreaterThan(150);
    } finally {
      await profile.remove();
    }
  },
);
