// The pictures of the README and of the page about the web UI. Each run takes them, and writes them into
// `target/screenshots`. With TENURE_UPDATE_SCREENSHOTS=1 it writes those of `docs/images`.

import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalUi } from "../support/ui.js";
import { fillWeek, WEEK_ENDS } from "../support/week.js";

const root = new URL("../../../", import.meta.url);
const images = new URL("docs/images/", root);
const updates = process.env.TENURE_UPDATE_SCREENSHOTS === "1";
const target = updates ? images : new URL("target/screenshots/", root);
/** The greatest size of all pictures together, in bytes. */
const MOST_BYTES = 600 * 1024;

/** The pictures: a view, a text that it shows when it is complete, its colours, and its height. */
const PICTURES: readonly {
  readonly name: string;
  readonly view: string;
  readonly text: string;
  readonly colours: "light" | "dark";
  readonly height: number;
  /** Brings the view into the state of the picture. */
  readonly prepare?: (page: Page) => Promise<void>;
}[] = [
  {
    name: "ui-overview",
    view: "#/overview",
    text: "95th percentile of durations",
    colours: "light",
    height: 900,
  },
  {
    name: "ui-sessions",
    view: "#/sessions",
    text: "Make the import of large files resumable",
    colours: "light",
    height: 662,
  },
  {
    name: "ui-sessions-dark",
    view: "#/sessions",
    text: "Make the import of large files resumable",
    colours: "dark",
    height: 662,
  },
  {
    name: "ui-session",
    view: "#/session/developer-1261",
    text: "resumable-import",
    colours: "light",
    height: 720,
    prepare: async (page) => {
      for (const key of ["g", "g"]) await page.keyboard.press(key);
      const call = page.getByRole("article", { name: "Event 10: tool_call" });
      await call.getByRole("button").first().click();
      await page.getByText("passed: 41").waitFor();
      await page.mouse.move(0, 0);
    },
  },
];

let ui: LocalUi;

beforeAll(async () => {
  ui = await LocalUi.start({
    viewport: { width: 1440, height: 900 },
    timezoneId: "UTC",
    locale: "en-GB",
    reducedMotion: "reduce",
  });
  await ui.change(fillWeek);
  await mkdir(target, { recursive: true });
});

afterAll(async () => {
  await ui?.reset();
  await ui?.close();
});

/** The width and the height of a PNG; `undefined` for another file. */
function sizeOf(png: Buffer): readonly [number, number] | undefined {
  const isPng = png.subarray(1, 4).toString() === "PNG";
  return isPng ? [png.readUInt32BE(16), png.readUInt32BE(20)] : undefined;
}

describe("the pictures of the web UI", () => {
  it.each(PICTURES)("$name is there, in the size that the page has now", async (picture) => {
    const { name, view, text, colours, height, prepare } = picture;
    const page = await ui.open(view, async (page) => {
      await page.clock.setFixedTime(WEEK_ENDS);
      await page.setViewportSize({ width: 1440, height });
      await page.emulateMedia({ colorScheme: colours });
    });
    await page.locator("main", { hasText: text }).first().waitFor();
    await prepare?.(page);
    const taken = await page.screenshot({ animations: "disabled", caret: "hide" });
    await writeFile(new URL(`${name}.png`, target), taken);
    const committed = await readFile(new URL(`${name}.png`, images));
    expect(sizeOf(committed)).toEqual(sizeOf(taken));
    const readers = ["README.md", "docs/ui.md"].map((file) =>
      readFile(new URL(file, root), "utf8"),
    );
    expect((await Promise.all(readers)).join("\n")).toContain(`images/${name}.png`);
  });

  it("are no others, and are small together", async () => {
    const files = await readdir(images);
    expect(files.sort()).toEqual(PICTURES.map(({ name }) => `${name}.png`).sort());
    const sizes = await Promise.all(files.map((file) => stat(new URL(file, images))));
    const sum = sizes.reduce((sum, { size }) => sum + size, 0);
    expect(sum, fileURLToPath(images)).toBeLessThan(MOST_BYTES);
  });
});
