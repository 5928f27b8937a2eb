// All views of the web UI: they can be used by everybody, also on a phone, and say what they show. Slots, files,
// and the page without a network.

import { readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { loaded, WebUi } from "../support/ui.js";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let ui: WebUi;

beforeAll(async () => {
  ui = await WebUi.start();
});

afterAll(() => ui?.close());

afterEach(() => ui.reset());

/** Fills the database with something for every view. */
const fillAll = (): Promise<void> =>
  ui.change(async (sessions) => {
    const metadata = {
      model: "opus-4",
      cost: 0.5,
      tokens: { prompt: 90, completion: 9, total: 99 },
    };
    for (const id of ["a", "b", "c", "d", "e", "f"]) {
      await sessions.start({
        id,
        mode: "developer",
        userId: "alice",
        task: `Task ${id}`,
        metadata,
      });
    }
    await sessions.pause("b", "lunch");
    await sessions.complete("c", "done");
    await sessions.fail("d", "no disk space");
    await sessions.abandon("e");
    await sessions.updateContext("a", { step: 1, files: ["a.ts"] });
    await sessions.recordToolCall("a", "bash", { command: "make" }, { exitCode: 0 });
    await sessions.agents.create({ id: "agent-1", agentName: "deployer", purpose: "Deploy" });
    await sessions.agents.update("agent-1", { phase: "planning", error: "the host is away" });
    await sessions.agents.requestApproval("agent-1");
    const slot = { taskId: "T-42", phase: "plan", model: "opus-4" } as const;
    await sessions.startInSlot({ ...slot, id: "planned", task: "Plan it", mode: "planner" });
    await sessions.leases.acquire("deploy:prod", { holder: "ci-7" });
    await sessions.agents.finalize("agent-1", "abandoned");
    const run = { eventType: "push", workflow: "CI", runId: "1" };
    const { key } = await sessions.dedup.admit(run);
    await sessions.dedup.audit({ ...run, key, executed: false, jobStatus: "skipped" });
  });

/** The views, with a text that each shows when it is complete. */
const VIEWS: readonly (readonly [string, string])[] = [
  ["#/sessions", "Task a"],
  ["#/sessions?trash=only", "The trash is empty"],
  ["#/session/a", "tool_call"],
  ["#/session/agent-1", "approval"],
  ["#/session/unknown", "There is no such session"],
  ["#/overview", "95th percentile of durations"],
  ["#/slots", "T-42"],
  ["#/leases", "deploy:prod"],
  ["#/machines", "No machine is orphaned"],
  ["#/runs", "push"],
  ["#/audit", "agent.finalization"],
  ["#/files", "Choose files"],
  ["#/nothing", "There is no such view"],
];

/** Opens each view in turn, and waits until it is complete. */
async function eachView(page: Page, use: (link: string) => Promise<void>): Promise<void> {
  for (const [link, text] of VIEWS) {
    await page.evaluate((link) => {
      location.hash = link;
    }, link);
    await page.locator("main", { hasText: text }).first().waitFor();
    await use(link);
  }
}

/** What axe finds in a page: the rules, and the elements that break them. */
async function findings(page: Page): Promise<readonly string[]> {
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      readonly axe: {
        run(options: object): Promise<{
          readonly violations: readonly {
            readonly id: string;
            readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
          }[];
        }>;
      };
    };
    const { violations } = await axe.run({ resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
    );
  });
}

describe("every view", () => {
  it.each(["light", "dark"] as const)(
    "has no finding of axe in %s colours",
    async (colorScheme) => {
      await fillAll();
      const page = await ui.open();
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // Through the debugger: the policy of the page lets no other script in.
      await page.evaluate(await readFile(axe, "utf8"));
      await eachView(page, async (link) => {
        expect(await findings(page), link).toEqual([]);
      });
      for (const key of ["n", "?"]) {
        await page.keyboard.press(key);
        await page.getByRole("dialog").waitFor();
        expect(await findings(page), `the dialog of ${key}`).toEqual([]);
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "detached" });
      }
      await ui.goTo(page, "#/sessions");
      await page.getByRole("link", { name: "Task a" }).focus();
      for (const key of ["x", "j", "t"]) await page.keyboard.press(key);
      await page.getByRole("button", { name: "Undo" }).waitFor();
      expect(await findings(page), "a message").toEqual([]);
    },
  );

  it("fits into the width of a phone", async () => {
    await fillAll();
    const page = await ui.open();
    await page.setViewportSize({ width: 390, height: 844 });
    await eachView(page, async (link) => {
      const width = await page.evaluate(() =>
        Math.max(
          document.documentElement.scrollWidth,
          document.querySelector("#view")?.scrollWidth ?? 0,
        ),
      );
      expect(width, link).toBeLessThanOrEqual(390);
    });
  });

  it("is reached by the keyboard alone", async () => {
    await fillAll();
    const page = await ui.open();
    for (const name of [
      "Overview",
      "Sessions",
      "Slots",
      "Leases",
      "Machines",
      "Runs",
      "Audit",
      "Files",
    ]) {
      const link = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name });
      for (let steps = 0; steps < 100; steps += 1) {
        if (await link.evaluate((element) => element === document.activeElement)) break;
        await page.keyboard.press("Tab");
      }
      await page.keyboard.press("Enter");
      await expect.poll(() => page.title()).toBe(`${name} · Tenure`);
    }
  });

  it("moves nothing while it loads", async () => {
    await fillAll();
    const page = await ui.open();
    await page.evaluate(() => {
      const shifts: number[] = [];
      Object.assign(globalThis, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          shifts.push((entry as PerformanceEntry & { readonly value: number }).value);
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.waitForTimeout(200);
    const sum = await page.evaluate(() =>
      (globalThis as unknown as { shifts: number[] }).shifts.reduce((one, other) => one + other, 0),
    );
    expect(sum).toBeLessThan(0.02);
  });
});

describe("the overview", () => {
  it("links its numbers and bars to the sessions that they count", async () => {
    await fillAll();
    const page = await ui.open("#/overview");
    const bar = page.locator(".chart-bars").first().getByRole("link").last();
    expect(await bar.getAttribute("aria-label")).toMatch(/: 3 active, .* 1 failed/);
    await bar.focus();
    expect(await page.locator(".chart-reading").first().textContent()).toContain("1 failed");
    await bar.click();
    await page.getByText("8 sessions").waitFor();
    await page.goBack();
    await page.locator(".tile", { hasText: "failed" }).getByRole("link").click();
    await page.getByRole("link", { name: "Task d" }).waitFor();
    await page.getByText("1 session", { exact: true }).waitFor();
  });

  it("has a table of the same numbers for each chart", async () => {
    await fillAll();
    const page = await ui.open("#/overview");
    await page.locator("figure").first().getByText("Table").click();
    const table = page.getByRole("table", { name: "Sessions by the time of their start" });
    expect(await table.getByRole("row").last().getByRole("cell").allTextContents()).toEqual([
      "3",
      "1",
      "0",
      "1",
      "1",
      "2",
    ]);
  });
});

describe("starting into an occupied slot", () => {
  const start = async (page: Page, model: string): Promise<void> => {
    await page.keyboard.press("n");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Task", { exact: true }).fill("Plan it again");
    await dialog.getByLabel("Model").fill(model);
    await dialog.getByLabel("Task id of a slot").fill("T-42");
    await dialog.getByLabel("Phase of the slot").selectOption("plan");
    await dialog.getByRole("button", { name: "Start" }).click();
  };

  it("with another model asks, exports and replaces", async () => {
    await fillAll();
    const page = await ui.open("#/slots");
    await start(page, "sonnet-5");
    const dialog = page.getByRole("dialog", { name: "Replace the session?" });
    await dialog.locator(".warning").waitFor();
    const download = page.waitForEvent("download");
    await dialog.getByRole("button", { name: "Export the session" }).click();
    expect((await download).suggestedFilename()).toBe("planned.json");
    await dialog.getByRole("button", { name: "Replace" }).click();
    await page.getByRole("heading", { name: "Plan it again" }).waitFor();
    await ui.goTo(page, "#/session/planned");
    await page.locator(".session-line", { hasText: "in the trash" }).waitFor();
  });

  it("with the same model leads to the session that is there", async () => {
    await fillAll();
    const page = await ui.open("#/slots");
    await start(page, "opus-4");
    const dialog = page.getByRole("dialog", { name: "The slot is occupied" });
    await dialog.getByRole("link", { name: "Open the session" }).click();
    await page.getByRole("heading", { name: "Plan it" }).waitFor();
  });
});

describe("files", () => {
  it("that were exported are imported again, and others are listed with the reason", async () => {
    await fillAll();
    const page = await ui.open("#/session/a");
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    const path = join(tmpdir(), `tenure-ui-${process.pid}.json`);
    const other = join(tmpdir(), `tenure-ui-${process.pid}-other.json`);
    try {
      await (await download).saveAs(path);
      await writeFile(other, "{}");
      await page.getByRole("button", { name: "Move to the trash" }).click();
      await ui.goTo(page, "#/files");
      await page.getByLabel("Choose files").setInputFiles([path, other]);
      await page.getByText("Imported 1 session; 1 file could not be read").waitFor();
      await page.locator(".problems", { hasText: "other.json" }).waitFor();
      await ui.goTo(page, "#/session/a");
      await page.getByRole("button", { name: "Pause" }).waitFor();
    } finally {
      await Promise.all([path, other].map((file) => rm(file, { force: true })));
    }
  });
});

describe("without a network", () => {
  it("the page opens, and shows and changes sessions", async () => {
    await fillAll();
    const page = await ui.open();
    await page.evaluate(() => navigator.serviceWorker.ready);
    await ui.context.setOffline(true);
    try {
      await page.reload();
      await loaded(page);
      await page.getByRole("link", { name: "Task a" }).click();
      await page.getByRole("button", { name: "Move to the trash" }).click();
      await page.getByText("1 session moved to the trash").waitFor();
    } finally {
      await ui.context.setOffline(false);
    }
  });

  it("the page can be installed", async () => {
    const page = await ui.open();
    const session = await ui.context.newCDPSession(page);
    const { errors } = await session.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
    // The windows of tests are private ones.
    const others = installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito");
    expect(others).toEqual([]);
  });
});
