// All views of the web UI: they can be used by everybody, also on a phone, and say what they show. The page
// without a network.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { LocalUi, loaded } from "../support/ui.js";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let ui: LocalUi;

beforeAll(async () => {
  ui = await LocalUi.start();
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
      // The views scroll, and the page around them does not.
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      expect(height, link).toBeLessThanOrEqual(844);
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

  it("links the bars of iterations to the sessions that have used as many", async () => {
    await fillAll();
    await ui.change(async (sessions) => {
      for (const _ of [1, 2, 3, 4, 5]) await sessions.incrementIteration("a");
    });
    const page = await ui.open("#/overview");
    const chart = page.locator("figure", { hasText: "Iterations used" });
    await chart.getByRole("link", { name: "1-5: 1" }).click();
    await page.getByRole("link", { name: "Task a" }).waitFor();
    await page.getByText("1 session", { exact: true }).waitFor();
    await page.getByRole("button", { name: "iterations from 1" }).click();
    await page.getByText("8 sessions").waitFor();
    await page.goBack();
    await chart.getByRole("link", { name: "0: 7" }).click();
    await page.getByText("7 sessions").waitFor();
    await page.goBack();
    await chart.getByRole("link", { name: /^201\+: 0|^201\+: none/ }).click();
    await page.getByText("No session matches").waitFor();
  });

  it("names the hours of a day", async () => {
    await fillAll();
    const page = await ui.open("#/overview?period=24h");
    const labels = await page.locator(".chart-axis").first().locator("span").allTextContents();
    expect(labels).toHaveLength(3);
    for (const label of labels) expect(label).toMatch(/^[A-Z][a-z]+ \d{1,2}, [012]\d:\d\d$/);
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

describe("the models that a page without a server names", () => {
  it("are those that are available", async () => {
    await ui.change((sessions) =>
      sessions.startInSlots([
        { taskId: "T", phase: "plan", model: "opus", id: "a", task: "Known", mode: "m" },
        { taskId: "T", phase: "run", model: "gone", id: "b", task: "Missing", mode: "m" },
      ]),
    );
    const marks = (page: Page) => page.getByText("model missing");
    const page = await ui.open();
    await page.getByRole("link", { name: "Missing" }).waitFor();
    expect(await marks(page).count()).toBe(0);
    // As `tenure ui --export DIR --models opus,haiku` writes it.
    const naming = await ui.open("#/sessions", async (page) => {
      await page.addInitScript(() => {
        new MutationObserver(() => {
          const meta = document.querySelector('meta[name="tenure-models"]');
          meta?.setAttribute("content", "opus, haiku");
        }).observe(document, { childList: true, subtree: true });
      });
    });
    await naming.locator('[data-id="b"]').getByText("model missing").waitFor();
    expect(await marks(naming).count()).toBe(1);
  });
});

describe("the audit log", () => {
  it("begins with the newest entries, and goes on to the oldest", async () => {
    await ui.change(async (sessions) => {
      await sessions.leases.acquire("before", { holder: "h" });
      await sessions.leases.clear({ prefix: "before" });
      const ids = Array.from({ length: 250 }, (_, at) => `s-${at}`);
      await Promise.all(ids.map((id) => sessions.start({ id, mode: "m", task: id })));
      await sessions.trashMany(ids);
      await sessions.restore("s-7");
    });
    const page = await ui.open("#/audit");
    const rows = page.getByRole("table").locator("tbody tr");
    await rows.first().getByText("session.restore").waitFor();
    expect(await rows.count()).toBe(200);
    await page.getByRole("button", { name: "Show more" }).click();
    await expect.poll(() => rows.count()).toBe(252);
    expect(await rows.last().textContent()).toContain("lease.clear");
    await ui.change((sessions) => sessions.restore("s-8"));
    await rows.first().getByRole("link", { name: "s-8" }).waitFor();
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
