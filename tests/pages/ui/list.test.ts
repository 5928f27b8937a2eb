// The list of sessions in the web UI.

import type { Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { LocalUi, loaded } from "../support/ui.js";

let ui: LocalUi;

beforeAll(async () => {
  ui = await LocalUi.start();
});

afterAll(() => ui?.close());

afterEach(() => ui.reset());

/** Fills the database with 300 sessions, `s-000` to `s-299`: every third one has failed. */
const fillMany = (): Promise<void> =>
  ui.change((sessions) =>
    Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const id = `s-${String(index).padStart(3, "0")}`;
        const mode = index % 2 === 0 ? "developer" : "reviewer";
        await sessions.start({ id, mode, task: `Task ${index}` });
        if (index % 3 === 0) await sessions.fail(id, "no disk space");
      }),
    ),
  );

/** Fills the database with two sessions, `a` and `b`. */
const fillTwo = (): Promise<void> =>
  ui.change(async (sessions) => {
    await sessions.start({ id: "a", mode: "developer", task: "Fix the build" });
    await sessions.start({ id: "b", mode: "reviewer", task: "Review the change" });
  });

/** The number of sessions that the list says it has. */
const total = (page: Page): Promise<number> =>
  page
    .getByRole("table", { name: "Sessions" })
    .getAttribute("aria-rowcount")
    .then((rows) => Number(rows) - 1);

const rows = (page: Page): Promise<number> => page.locator(".canvas > .row").count();

describe("the list", () => {
  it("has only the visible rows of many sessions in the document, and reaches the last one", async () => {
    await fillMany();
    const page = await ui.open();
    expect(await total(page)).toBe(300);
    expect(await rows(page)).toBeLessThan(100);
    await page.keyboard.press("G");
    await page.locator('[aria-rowindex="301"] a:focus').waitFor();
    expect(await rows(page)).toBeLessThan(100);
  });

  it("keeps its filters in the address, and shows the same sessions after a reload", async () => {
    await fillMany();
    const page = await ui.open();
    await page.getByRole("button", { name: /^failed/ }).click();
    await expect.poll(() => total(page)).toBe(100);
    await page.getByLabel("Mode", { exact: true }).selectOption("developer");
    await expect.poll(() => total(page)).toBe(50);
    await page.keyboard.press("/");
    await page.keyboard.type("task 12");
    await expect.poll(() => total(page)).toBe(3);
    expect(new URL(page.url()).hash).toBe("#/sessions?status=failed&mode=developer&text=task+12");
    await page.reload();
    await loaded(page);
    expect(await total(page)).toBe(3);
    await page.getByRole("searchbox", { name: "Search tasks" }).fill("no such task");
    await page.getByText("No session matches").waitFor();
    await page.getByRole("link", { name: "Show all sessions" }).click();
    await expect.poll(() => total(page)).toBe(300);
  });

  it("opens a session by a click anywhere in its row, but for the box that selects it", async () => {
    await fillTwo();
    const page = await ui.open();
    await page.getByRole("checkbox", { name: "Select b" }).click();
    await page.getByText("1 selected").waitFor();
    // What is clicked there is the link, which covers the row.
    const mode = page.getByRole("row").filter({ hasText: "Fix the build" }).getByText("developer");
    await mode.click({ force: true });
    await page.getByRole("heading", { name: "Fix the build" }).waitFor();
  });

  it("leaves the focus in the search, also when a text leads back to a list that was left", async () => {
    await fillTwo();
    const page = await ui.open("#/sessions?text=b");
    await page.keyboard.press("j");
    const search = page.getByRole("searchbox", { name: "Search tasks" });
    const shows = (text: string): Promise<void> =>
      expect.poll(() => new URL(page.url()).hash).toBe(`#/sessions?text=${text}`);
    await search.fill("build");
    await shows("build");
    await search.fill("b");
    await shows("b");
    await page.locator(".canvas > .row").waitFor();
    await page.keyboard.type("ui");
    await shows("bui");
  });

  it("says what is wrong with a filter of the address", async () => {
    await fillTwo();
    const page = await ui.open("#/sessions?status=running");
    expect(await page.getByRole("alert").textContent()).toContain("status");
    // A filter that is not known must not show other sessions than it seems to.
    await ui.goTo(page, "#/sessions?user=ada");
    await page.getByRole("alert").getByText(/user/).waitFor();
    await ui.goTo(page, "#/sessions?minIterations=few");
    await page
      .getByRole("alert")
      .getByText(/minIterations/)
      .waitFor();
  });

  it("shows the changes of another tab", async () => {
    await fillTwo();
    const page = await ui.open();
    await ui.change(async (sessions) => {
      await sessions.complete("a", "done");
      await sessions.start({ id: "c", mode: "developer", task: "From another tab" });
    });
    await page.getByRole("link", { name: "From another tab" }).waitFor();
    await page.locator('[data-id="a"] .status-completed').waitFor();
  });

  it("names the model of each session", async () => {
    await ui.change(async (sessions) => {
      const start = { mode: "m", task: "t" };
      await sessions.start({ ...start, id: "none" });
      await sessions.start({ ...start, id: "own", metadata: { model: "opus-4" } });
      const model = { name: "haiku", version: "5" };
      await sessions.startInSlot({ ...start, id: "slot", taskId: "T", phase: "plan", model });
    });
    const page = await ui.open();
    const models = page.locator(".canvas .cell-model");
    await expect.poll(() => models.allTextContents()).toEqual(["haiku 5", "opus-4", ""]);
  });

  it("is not covered by messages", async () => {
    await fillMany();
    const page = await ui.open();
    for (const key of ["j", "t"]) await page.keyboard.press(key);
    await page.getByRole("button", { name: "Undo" }).waitFor();
    const [list, messages] = await Promise.all(
      [".scroller", ".toasts"].map((part) => page.locator(part).boundingBox()),
    );
    expect((list?.y ?? 0) + (list?.height ?? 0)).toBeLessThanOrEqual(messages?.y ?? 0);
  });

  it("shows no time in the future", async () => {
    await fillTwo();
    const page = await ui.open();
    // The time by which ages are shown was read when the page was loaded.
    await page.waitForTimeout(1500);
    await ui.change((sessions) => sessions.start({ id: "c", mode: "m", task: "Just now" }));
    const row = page.locator('[data-id="c"]');
    await row.waitFor();
    expect(await row.locator("time").allTextContents()).toEqual(["now", "now"]);
  });

  it("counts the sessions of each status after the changes of another tab", async () => {
    await ui.change((sessions) => sessions.start({ id: "a", mode: "m", task: "First" }));
    const page = await ui.open();
    const chip = (status: string, number: number) =>
      page.locator(".chip", { hasText: `${status} ${number}` }).waitFor();
    await chip("active", 1);
    await ui.change((sessions) => sessions.start({ id: "b", mode: "n", task: "Second" }));
    await chip("active", 2);
    await ui.change((sessions) => sessions.pause("b"));
    await chip("active", 1);
    await chip("paused", 1);
    expect(await page.getByLabel("Mode").locator("option").allTextContents()).toContain("n");
  });

  it("says how to start the first session", async () => {
    const page = await ui.open();
    expect(await page.locator(".code").textContent()).toContain('open("indexeddb:tenure")');
  });
});

describe("by the keyboard alone", () => {
  it("a session is found, opened and left", async () => {
    await fillTwo();
    const page = await ui.open();
    await page.keyboard.press("/");
    await page.keyboard.type("review");
    await expect.poll(() => total(page)).toBe(1);
    await page.keyboard.press("Enter");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Review the change" }).waitFor();
    await page.keyboard.press("Backspace");
    await expect.poll(() => total(page)).toBe(1);
  });

  it("the list is where it was left, after a session was opened", async () => {
    await fillMany();
    const page = await ui.open();
    await page.keyboard.press("G");
    await page.locator('[aria-rowindex="301"] a:focus').waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Task" }).waitFor();
    await page.keyboard.press("Backspace");
    await page.locator('[aria-rowindex="301"] a:focus').waitFor();
  });

  it("the first key marks the first session", async () => {
    await fillTwo();
    const page = await ui.open();
    for (const index of [0, 1]) {
      await page.keyboard.press("j");
      await page.locator(`a[data-index="${index}"]:focus`).waitFor();
    }
    await page.keyboard.press("k");
    await page.locator('a[data-index="0"]:focus').waitFor();
  });

  it("an id is copied with one key", async () => {
    await ui.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await fillTwo();
    const page = await ui.open();
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("c");
    await page.getByText("Copied b").waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("b");
  });

  it("the keys are shown, and the focus returns when they are closed", async () => {
    await fillTwo();
    const page = await ui.open();
    await page.keyboard.press("j");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.locator("a[data-index]:focus").waitFor();
  });
});

describe("a view", () => {
  it("is saved under a name, and is there after a reload", async () => {
    await fillTwo();
    const page = await ui.open("#/sessions?mode=reviewer");
    await page.getByRole("button", { name: "Save this view" }).click();
    await page.keyboard.type("Reviews");
    await page.keyboard.press("Enter");
    await ui.goTo(page, "#/sessions");
    await page.reload();
    await loaded(page);
    await page.getByRole("link", { name: "Reviews 1" }).click();
    await expect.poll(() => total(page)).toBe(1);
    await page.getByRole("button", { name: "Remove the view Reviews" }).click();
    await page.getByRole("link", { name: "Reviews" }).waitFor({ state: "detached" });
  });
});
