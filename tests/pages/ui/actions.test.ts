// Every action of the web UI, over IndexedDB and over a SQLite file that a server serves.

import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { LocalUi, loaded, ServedUi, type WebUi } from "../support/ui.js";

/** The actions that are offered, and those that are shown and refused. */
const actions = (page: Page, state: ":enabled" | ":disabled" = ":enabled"): Promise<string[]> =>
  page.getByRole("group", { name: "Actions" }).locator(`button${state}`).allTextContents();

const dialog = (page: Page) => page.getByRole("dialog");

/** The actions that every session outside of the trash has. */
const ALWAYS = ["Export", "Move to the trash"];

/** Performs an action of the session that a page shows, by its dialog. */
async function act(page: Page, name: string, fields: Readonly<Record<string, string>> = {}) {
  await page.getByRole("button", { name, exact: true }).click();
  for (const [label, value] of Object.entries(fields)) {
    await dialog(page).getByLabel(label, { exact: true }).fill(value);
  }
  await dialog(page).getByRole("button", { name, exact: true }).click();
  await dialog(page).waitFor({ state: "detached" });
}

/** The line about the state of the session that a page shows. */
const line = (page: Page, text: string): Promise<void> =>
  page.locator(".session-line", { hasText: text }).waitFor();

describe.each([
  ["over IndexedDB", () => LocalUi.start()],
  ["over a SQLite file of a server", () => ServedUi.start()],
] as const)("the actions %s", (_, start) => {
  let ui: WebUi;

  beforeAll(async () => {
    ui = await start();
  });

  afterAll(() => ui?.close());

  afterEach(() => ui.reset());

  /** Stores a session in the slot of a task. */
  const fillSlot = (): Promise<void> =>
    ui.change((sessions) =>
      sessions.startInSlots([
        {
          taskId: "T-42",
          phase: "plan",
          model: "opus-4",
          id: "planned",
          task: "Plan it",
          mode: "planner",
        },
      ]),
    );

  it("are those that are legal in the state of the session", async () => {
    await ui.change(async (sessions) => {
      const start = (id: string) => sessions.start({ id, mode: "m", task: id, maxIterations: 1 });
      for (const id of ["active", "paused", "timeout", "completed", "trashed"]) await start(id);
      await sessions.pause("paused");
      await sessions.incrementIteration("timeout");
      await sessions.complete("completed");
      await sessions.trash("trashed");
      await sessions.agents.create({ id: "agent-1", agentName: "deployer" });
      await sessions.agents.requestApproval("agent-1");
      await sessions.agents.create({ id: "denied", agentName: "deployer" });
      await sessions.agents.requestApproval("denied");
      await sessions.agents.deny("denied");
    });
    const page = await ui.open("#/session/active");
    const expected: Readonly<Record<string, readonly string[]>> = {
      active: ["Pause", "Complete", "Fail", "Abandon", "Fork", ...ALWAYS],
      paused: ["Resume", "Complete", "Fail", "Abandon", "Fork", ...ALWAYS],
      timeout: ["Resume", "Pause", "Complete", "Fail", "Abandon", "Fork", ...ALWAYS],
      completed: ["Fork", ...ALWAYS],
      trashed: ["Fork", "Export", "Restore"],
      "agent-1": ["Approve", "Deny", "Fail", "Abandon", "Fork", ...ALWAYS],
      denied: ["Fork", ...ALWAYS],
    };
    for (const [id, names] of Object.entries(expected)) {
      await ui.goTo(page, `#/session/${id}`);
      await expect.poll(() => actions(page)).toEqual(names);
    }
  });

  it("of a session that is held name its holder, and are refused until it is released", async () => {
    await ui.change(async (sessions) => {
      await sessions.start({ id: "s", mode: "m", task: "t" });
      await sessions.leases.acquire("session:s", { holder: "ci-7", leaseDurationMs: 600_000 });
    });
    const page = await ui.open("#/session/s");
    await page.getByText("held by ci-7").waitFor();
    expect(await actions(page)).toEqual(["Fork", "Export"]);
    const refused = ["Pause", "Complete", "Fail", "Abandon", "Move to the trash"];
    expect(await actions(page, ":disabled")).toEqual(refused);
    await ui.change(async (sessions) => {
      const lease = await sessions.leases.get("session:s");
      await sessions.leases.release("session:s", { token: lease?.token ?? 0, holder: "ci-7" });
    });
    await page.getByText("held by ci-7").waitFor({ state: "detached" });
    expect(await actions(page, ":disabled")).toEqual([]);
  });

  it("pause with a reason, and resume with more iterations", async () => {
    await ui.change((sessions) =>
      sessions.start({ id: "s", mode: "m", task: "t", maxIterations: 1 }),
    );
    const page = await ui.open("#/session/s");
    await act(page, "Pause", { Reason: "lunch" });
    await page
      .getByRole("article", { name: /pause$/ })
      .getByText("lunch")
      .waitFor();
    await act(page, "Resume", { "More iterations": "7" });
    await page.getByText("0/8").waitFor();
  });

  it("end a session in each way", async () => {
    await ui.change(async (sessions) => {
      for (const id of ["a", "b", "c"]) await sessions.start({ id, mode: "m", task: id });
    });
    const page = await ui.open("#/session/a");
    await act(page, "Complete", { Result: "it works" });
    await line(page, "completed");
    await page.getByRole("complementary").getByText("it works").waitFor();
    await ui.goTo(page, "#/session/b");
    await act(page, "Fail", { Error: "no disk space" });
    await line(page, "failed");
    await ui.goTo(page, "#/session/c");
    await act(page, "Abandon", { Reason: "not needed" });
    await line(page, "abandoned");
  });

  it("approve and deny with a name", async () => {
    await ui.change(async (sessions) => {
      for (const id of ["agent-1", "agent-2"]) {
        await sessions.agents.create({ id, agentName: "deployer" });
        await sessions.agents.requestApproval(id);
      }
    });
    const page = await ui.open("#/session/agent-1");
    for (const [id, name, person] of [
      ["agent-1", "Approve", "alice"],
      ["agent-2", "Deny", "bob"],
    ] as const) {
      await ui.goTo(page, `#/session/${id}`);
      await act(page, name, { "Your name": person });
      await page
        .getByRole("article", { name: /approval$/ })
        .getByText(person)
        .waitFor();
    }
  });

  it("that another one has made impossible show the error of the core", async () => {
    await ui.change((sessions) => sessions.start({ id: "s", mode: "m", task: "t" }));
    const page = await ui.open("#/session/s");
    await page.getByRole("button", { name: "Fail" }).click();
    await ui.change((sessions) => sessions.complete("s"));
    await page.getByLabel("Error", { exact: true }).fill("no");
    await dialog(page).getByRole("button", { name: "Fail" }).click();
    await dialog(page).getByText("INVALID_TRANSITION").waitFor();
  });

  it("fork after an event, with the context of then", async () => {
    await ui.change(async (sessions) => {
      await sessions.start({ id: "s", mode: "m", task: "The task", context: { plan: "A" } });
      await sessions.updateContext("s", { plan: "B" });
      await sessions.updateContext("s", { plan: "C" });
    });
    const page = await ui.open("#/session/s");
    await page
      .getByRole("button", { name: /context_change/ })
      .first()
      .click();
    await page.getByRole("button", { name: "Context after this event" }).click();
    const details = page.getByRole("complementary", { name: "Details" });
    await details.getByText('"B"').waitFor();
    await page.getByRole("button", { name: "Fork after this event" }).click();
    await dialog(page).getByRole("button", { name: "Fork" }).click();
    await details.getByText("Forked from").waitFor();
    await details.getByText('"B"').waitFor();
  });

  it("move a session to the trash, and restore it", async () => {
    await ui.change((sessions) => sessions.start({ id: "s", mode: "m", task: "t" }));
    const page = await ui.open("#/session/s");
    await page.getByRole("button", { name: "Move to the trash" }).click();
    await line(page, "in the trash");
    await page.getByRole("button", { name: "Restore" }).click();
    await page.getByRole("button", { name: "Pause" }).waitFor();
  });

  it("move many sessions to the trash, take that back, and delete them permanently", async () => {
    await ui.change((sessions) =>
      Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          sessions.start({ id: `s-${index}`, mode: "m", task: `Task ${index}` }),
        ),
      ),
    );
    const page = await ui.open();
    for (const key of ["j", "x", "j", "j", "X"]) await page.keyboard.press(key);
    await page.getByText("3 selected").waitFor();
    await page.keyboard.press("t");
    await page.getByText("3 sessions moved to the trash").waitFor();
    await page.getByText("47 sessions", { exact: true }).waitFor();
    await page.keyboard.press("u");
    await page.getByText("3 sessions restored").waitFor();
    await page.getByText("50 sessions", { exact: true }).waitFor();
    await page.keyboard.press("a");
    await page.getByRole("button", { name: "Move to the trash" }).click();
    await page.getByText("There are no sessions yet").waitFor();
    await ui.goTo(page, "#/sessions?trash=only");
    await page.getByRole("button", { name: "Select all" }).click();
    const remove = page.getByRole("button", { name: "Delete permanently" });
    const question = dialog(page).getByText("Delete 50 sessions permanently?");
    await remove.click();
    await question.waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("50 selected").waitFor();
    await remove.click();
    await question.waitFor();
    await page.keyboard.press("Control+Enter");
    await page.getByText("The trash is empty").waitFor();
  });

  it("start the first session", async () => {
    const page = await ui.open();
    await page.getByRole("button", { name: "Start a session here" }).click();
    // Without a task there is nothing to start.
    await page.keyboard.press("Control+Enter");
    await dialog(page).getByLabel("Task", { exact: true }).fill("Fix the build");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("heading", { name: "Fix the build" }).waitFor();
  });

  /** Starts into the slot that {@link fillSlot} fills. */
  async function startInSlot(page: Page, model: string): Promise<void> {
    await page.keyboard.press("n");
    await dialog(page).getByLabel("Task", { exact: true }).fill("Plan it again");
    await dialog(page).getByLabel("Model").fill(model);
    await dialog(page).getByLabel("Task id of a slot").fill("T-42");
    await dialog(page).getByLabel("Phase of the slot").selectOption("plan");
    await dialog(page).getByRole("button", { name: "Start" }).click();
  }

  it("replace a session in its slot after a question, and export it before", async () => {
    await fillSlot();
    const page = await ui.open("#/slots");
    await startInSlot(page, "sonnet-5");
    const question = page.getByRole("dialog", { name: "Replace the session?" });
    await question.locator(".warning").waitFor();
    const download = page.waitForEvent("download");
    await question.getByRole("button", { name: "Export the session" }).click();
    expect((await download).suggestedFilename()).toBe("planned.json");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("heading", { name: "Plan it again" }).waitFor();
    await ui.goTo(page, "#/session/planned");
    await line(page, "in the trash");
  });

  it("ask again about a session in a slot that has changed meanwhile", async () => {
    await fillSlot();
    const page = await ui.open("#/slots");
    await startInSlot(page, "sonnet-5");
    const question = page.getByRole("dialog", { name: "Replace the session?" });
    await question.getByText("0/100").waitFor();
    await ui.change((sessions) => sessions.incrementIteration("planned"));
    await question.getByRole("button", { name: "Replace" }).click();
    await question.getByText("has changed since you were asked").waitFor();
    await question.getByText("1/100").waitFor();
    await question.getByRole("button", { name: "Replace" }).click();
    await page.getByRole("heading", { name: "Plan it again" }).waitFor();
  });

  it("lead to the session that is in the slot, if it has the same model", async () => {
    await fillSlot();
    const page = await ui.open("#/slots");
    await startInSlot(page, "opus-4");
    const answer = page.getByRole("dialog", { name: "The slot is occupied" });
    await answer.getByRole("link", { name: "Open the session" }).click();
    await page.getByRole("heading", { name: "Plan it" }).waitFor();
  });

  it("export sessions, and import them again; other files are listed with the reason", async () => {
    await ui.change(async (sessions) => {
      await sessions.start({ id: "a", mode: "m", task: "Task a" });
      await sessions.addEvent("a", "note", { text: "a note" });
    });
    const page = await ui.open("#/session/a");
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    const path = join(tmpdir(), `tenure-ui-${process.pid}.json`);
    const other = join(tmpdir(), `tenure-ui-${process.pid}-other.json`);
    try {
      await (await download).saveAs(path);
      expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ id: "a" });
      await writeFile(other, "{}");
      await page.getByRole("button", { name: "Move to the trash" }).click();
      await ui.goTo(page, "#/files");
      await page.getByLabel("Choose files").setInputFiles([path, other]);
      await page.getByText("Imported 1 session; 1 file could not be read").waitFor();
      await page.locator(".problems", { hasText: "other.json" }).waitFor();
      await ui.goTo(page, "#/session/a");
      await page.getByRole("button", { name: "Pause" }).waitFor();
      await page.getByText("a note").waitFor();
    } finally {
      await Promise.all([path, other].map((file) => rm(file, { force: true })));
    }
  });

  it("are shown in another window", async () => {
    await ui.change((sessions) => sessions.start({ id: "s", mode: "m", task: "t" }));
    const [list, session] = await Promise.all([ui.open(), ui.open("#/session/s")]);
    await session.getByRole("button", { name: "Move to the trash" }).click();
    await list.getByText("There are no sessions yet").waitFor();
    // Also after its message is gone.
    await session.getByRole("button", { name: "Dismiss" }).click();
    await session.keyboard.press("u");
    await list.getByRole("link", { name: "t", exact: true }).waitFor();
    // The operation that restored it can be undone, too.
    await session.keyboard.press("u");
    await list.getByText("There are no sessions yet").waitFor();
    await session.keyboard.press("u");
    await list.reload();
    await loaded(list);
    await list.getByRole("link", { name: "t", exact: true }).waitFor();
  });
});
