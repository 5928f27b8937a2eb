// One session in the web UI.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { LocalUi } from "../support/ui.js";

let ui: LocalUi;

beforeAll(async () => {
  ui = await LocalUi.start();
});

afterAll(() => ui?.close());

afterEach(() => ui.reset());

describe("the timeline", () => {
  it("shows tool calls with arguments, results and durations, and phases as bands", async () => {
    await ui.change(async (sessions) => {
      await sessions.agents.create({ id: "agent-1", agentName: "deployer" });
      await sessions.agents.update("agent-1", { phase: "planning" });
      const { callId } = await sessions.startToolCall("agent-1", "bash", { command: "make" });
      await sessions.finishToolCall("agent-1", callId, { exitCode: 2 });
    });
    const page = await ui.open("#/session/agent-1");
    const call = page.getByRole("article", { name: /: tool_call$/ });
    expect(await call.locator(".event-took").textContent()).toMatch(/ ms$/);
    await call.getByRole("button", { name: /tool_call/ }).click();
    expect(await call.textContent()).toMatch(/command: "make".*exitCode: 2/);
    const bands = page.getByRole("list", { name: "Phases" }).getByRole("listitem");
    expect(await bands.count()).toBe(2);
    await page.getByRole("button", { name: "Errors" }).click();
    await page.getByText("No events of this kind").waitFor();
  });

  it("has a tool call that runs in the details", async () => {
    await ui.change(async (sessions) => {
      await sessions.start({ id: "s", mode: "m", task: "t" });
      await sessions.startToolCall("s", "deploy", { to: "prod" }, { callId: "c" });
    });
    const page = await ui.open("#/session/s");
    const details = page.getByRole("complementary", { name: "Details" });
    const heading = details.getByRole("heading", { name: "Unfinished tool calls" });
    await heading.waitFor();
    await ui.change((sessions) => sessions.finishToolCall("s", "c"));
    await heading.waitFor({ state: "detached" });
  });

  it("follows the end while the reader is there, and stays otherwise", async () => {
    await ui.change(async (sessions) => {
      await sessions.start({ id: "s", mode: "m", task: "t", maxIterations: 1000 });
      const events = Array.from({ length: 100 }, (_, text) => ({ type: "note", data: { text } }));
      await sessions.addEvents("s", events);
    });
    const page = await ui.open("#/session/s");
    const newest = (sequence: number) => page.getByText(`#${sequence}`, { exact: true }).waitFor();
    await newest(101);
    await ui.change((sessions) => sessions.addEvent("s", "note"));
    await newest(102);
    await page.locator(".events").evaluate((element) => element.scrollTo(0, 0));
    await newest(1);
    await ui.change((sessions) => sessions.addEvent("s", "note"));
    await page.getByRole("button", { name: /^1 new event/ }).waitFor();
    await newest(1);
    await page.getByRole("button", { name: /^1 new event/ }).click();
    await newest(103);
  });

  it("opens the event that the keys before have moved to, however quickly they are pressed", async () => {
    await ui.change(async (sessions) => {
      await sessions.start({ id: "s", mode: "m", task: "t" });
      await sessions.addEvents(
        "s",
        Array.from({ length: 9 }, () => ({ type: "note" })),
      );
    });
    // The address of a list, with an id, is that of the session, too.
    const page = await ui.open("#/sessions/s");
    await page.getByText("#10", { exact: true }).waitFor();
    for (const key of ["g", "g", "j", "j", "j", "Enter"]) await page.keyboard.press(key);
    const open = page.locator('.event-head[aria-expanded="true"]');
    await open.waitFor();
    expect(await open.textContent()).toContain("#4");
  });

  it("says in one line what has happened to the session", async () => {
    await ui.change(async (sessions) => {
      await sessions.agents.create({ id: "s", agentName: "deployer" });
      await sessions.incrementIteration("s", { step: "tests" });
      await sessions.agents.requestApproval("s");
      await sessions.agents.approve("s", { by: "ada", reason: "it is late" });
    });
    const page = await ui.open("#/session/s");
    const summary = (text: string | RegExp) =>
      page.locator(".event-summary").getByText(text).waitFor();
    await summary("step: tests");
    await summary("approved by ada: it is late");
    await summary(/^after \d/);
  });

  it("counts no events as new that are in view", async () => {
    await ui.change(async (sessions) => {
      await sessions.start({ id: "s", mode: "m", task: "t", paused: true });
    });
    const page = await ui.open("#/session/s");
    const newest = (sequence: number) => page.getByText(`#${sequence}`, { exact: true }).waitFor();
    await newest(1);
    await ui.change((sessions) => sessions.addEvents("s", [{ type: "note" }, { type: "note" }]));
    await newest(3);
    expect(await page.getByRole("button", { name: /new event/ }).count()).toBe(0);
  });

  it("of 10,000 events has only the visible ones in the document", async () => {
    await ui.change(async (sessions) => {
      await sessions.start({ id: "s", mode: "m", task: "t" });
      for (let part = 0; part < 10; part += 1) {
        const events = Array.from({ length: 1000 }, () => ({ type: "note", data: { part } }));
        await sessions.addEvents("s", events);
      }
      await sessions.complete("s");
    });
    const page = await ui.open("#/session/s");
    await page.getByText("10,002 events").waitFor();
    await page.getByText("#1", { exact: true }).waitFor();
    await page.keyboard.press("G");
    await page.getByText("#10002", { exact: true }).waitFor();
    await page.locator(".events").evaluate((element) => {
      element.scrollTop = element.scrollHeight / 2;
    });
    await page
      .locator(".event-sequence", { hasText: /^#50\d\d$/ })
      .first()
      .waitFor();
    expect(await page.locator(".event-row").count()).toBeLessThan(120);
  });
});

/** Characters that hide or turn others, and halves of characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that must not be there.
const HIDDEN = /[\u202a-\u202e\u2066-\u2069\u0000-\u0008]|[\ud800-\udbff](?![\udc00-\udfff])/;

describe("a hostile session", () => {
  it("is shown as text", async () => {
    await ui.change(async (sessions) => {
      const markup = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
      await sessions.start({
        id: "s",
        mode: markup,
        task: `${markup}\u202e\u2066 reversed \ud800 half`,
        userId: markup,
        context: { [markup]: markup, ["__proto__"]: { polluted: true }, deep: "x".repeat(100_000) },
      });
      await sessions.recordToolCall("s", markup, { markup, long: "y".repeat(1_000_000) }, markup);
      await sessions.addEvent("s", "constructor", { text: "\u202e\u0000\u0007\udfff" });
      await sessions.fail("s", `${markup}${"z".repeat(200_000)}`);
    });
    const page = await ui.open();
    const row = page.locator('[data-id="s"]');
    expect(await row.textContent()).toContain("<img src=x");
    expect(await row.textContent()).toContain("\u27e8202E\u27e9");
    await ui.goTo(page, "#/session/s");
    await page
      .getByRole("article", { name: /tool_call$/ })
      .getByRole("button")
      .first()
      .click();
    await page
      .getByRole("article", { name: /constructor$/ })
      .getByRole("button")
      .first()
      .click();
    await page.getByText("Show more of this error").waitFor();
    await page.getByText("Raw JSON").click();
    const text = (await page.locator("main").textContent()) ?? "";
    expect(text).not.toMatch(HIDDEN);
    expect(text.length).toBeLessThan(60_000);
    expect(await page.locator("img, #page script, iframe").count()).toBe(0);
    expect(await page.title()).toMatch(/^<img src=x onerror=/);
    // The page is no wider than the window.
    expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(
      false,
    );
  });
});
