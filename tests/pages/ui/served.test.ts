// The web UI as `tenure ui` serves it.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright";
import { open as openStore, type Sessions } from "tenure";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { MapStore } from "../../support/map-store.js";
import { command, newSqlite, startUi, type Ui } from "../../support/server.js";
import { startBrowser } from "../support/site.js";
import { loaded } from "../support/ui.js";

const closers: (() => unknown)[] = [];

let browser: Browser;
let server: Ui;
let page: Page;
const problems: string[] = [];

const run = promisify(execFile);
const TOKEN = "a-token-of-the-tests";
const isLong = Number(process.env.TENURE_TEST_SCALE ?? 0.1) >= 1;
/** How many changes two browsers make, and how often a server is killed. */
const [changes, kills] = isLong ? [20, 2] : [6, 1];

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(() => browser?.close());

beforeEach(async () => {
  server = await startUi("--store", "memory:", "--port", "0", "--token", TOKEN);
  const context = await browser.newContext();
  page = await context.newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
});

afterEach(async () => {
  await page.context().close();
  for (const close of closers.splice(0).reverse()) await close();
  expect(problems.splice(0)).toEqual([]);
});

/** Calls an operation of the server, as another client. */
async function call(operation: string, params: object): Promise<void> {
  const response = await fetch(`${server.url}v1/${operation}`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(params),
  });
  expect(response.status).toBe(200);
}

/** Opens the URL that the server has printed. */
async function open(): Promise<void> {
  await page.goto(`${server.url}?token=${TOKEN}`);
  await loaded(page);
}

it("shows the sessions of its server, follows them and changes them", async () => {
  await call("start", { id: "s", mode: "m", task: "On the server" });
  await open();
  await page.getByRole("link", { name: "On the server" }).click();
  await call("addEvent", { id: "s", type: "note", data: { text: "from another client" } });
  await page.getByText("from another client").waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await page.goto(`${server.url}#/overview`);
  await page.getByText("95th percentile of durations").waitFor();
  await page.goto(`${server.url}#/audit`);
  await page.getByRole("heading", { name: "Audit" }).waitFor();
});

it("loads the browser's WebAssembly, and not the complete one", async () => {
  await open();
  const files = await page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname),
  );
  const modules = files.filter((file) => file.endsWith(".wasm"));
  expect(modules).toEqual([expect.stringMatching(/tenure_wasm_bg/)]);
  expect(await page.evaluate(() => navigator.serviceWorker?.getRegistrations())).toEqual([]);
});

it("shows the first rows before all sessions are loaded", async () => {
  await call("start", { id: "s", mode: "m", task: "One of many" });
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/v1/heads", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${server.url}?token=${TOKEN}`);
  const row = page.locator('[data-id="s"]');
  await row.getByRole("link", { name: "One of many" }).waitFor();
  await page.getByRole("status").getByText("Loading").waitFor();
  const top = await row.evaluate((element) => element.getBoundingClientRect().top);
  release();
  await loaded(page);
  await page.getByText("1 session", { exact: true }).waitFor();
  expect(await row.evaluate((element) => element.getBoundingClientRect().top)).toBe(top);
});

it("shows the progress of an export, and cancels it", async () => {
  const ids = Array.from({ length: 20 }, (_, at) => `s-${at}`);
  for (const id of ids) await call("start", { id, mode: "m", task: id });
  let read = 0;
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.addInitScript(() => {
    // As in a browser without access to folders.
    Object.defineProperty(globalThis, "showDirectoryPicker", { value: undefined });
  });
  await page.route("**/v1/exportPart", async (route) => {
    read += 1;
    if (read > 10) await released;
    await route.continue();
  });
  await open();
  await page.evaluate(() => {
    location.hash = "#/files";
  });
  const button = page.getByRole("button", { name: "Export all 20" });
  await button.click();
  await page.getByText("10 of 20", { exact: true }).waitFor();
  expect(await button.isDisabled()).toBe(true);
  await page.getByRole("button", { name: "Cancel" }).click();
  release();
  await page.getByText("of 20", { exact: true }).waitFor({ state: "detached" });
  await expect.poll(() => button.isEnabled()).toBe(true);
  // Those that were under way.
  expect(read).toBe(16);
  const download = page.waitForEvent("download");
  await button.click();
  const { size } = await stat(await (await download).path());
  expect(size).toBeGreaterThan(20 * 100);
  expect(read).toBe(36);
});

it("says how to get in without the token", async () => {
  await page.goto(server.url);
  await page.getByRole("alert").getByText("UNAUTHORIZED").waitFor();
  // The browser itself reports the refused request.
  expect(problems.splice(0)).toEqual([expect.stringContaining("401")]);
});

it("shows what it has while the server is away, and goes on when it is back", async () => {
  await call("start", { id: "before", mode: "m", task: "Before" });
  await open();
  const { port } = new URL(server.url);
  await server.kill();
  await page.getByText("(away)").waitFor();
  await page.getByRole("link", { name: "Before" }).waitFor();
  server = await startUi("--store", "memory:", "--port", port, "--token", TOKEN);
  await call("start", { id: "after", mode: "m", task: "After" });
  await page.getByRole("link", { name: "After" }).waitFor();
  await page.getByText("(away)").waitFor({ state: "detached" });
  // The browser itself reports each request without an answer.
  problems.splice(0);
});

it("says what is not known while the server is away, and that a new server wants another token", async () => {
  await call("start", { id: "s", mode: "m", task: "Before" });
  await open();
  const { port } = new URL(server.url);
  await server.kill();
  await page.keyboard.press("j");
  await page.keyboard.press("t");
  const toast = page.locator(".toasts").getByText("OUTCOME_UNKNOWN");
  await toast.waitFor();
  expect(await toast.textContent()).not.toContain("started");
  server = await startUi(
    "--store",
    "memory:",
    "--port",
    port,
    "--token",
    "another-token-of-the-tests",
  );
  await page.getByRole("alert").getByText("UNAUTHORIZED").waitFor();
  await page.getByText("With --token-file FILE it keeps its token").waitFor();
  // Other requests may still be refused.
  await page.close();
  // The browser itself reports each request that was refused or got no answer.
  problems.splice(0);
});

it("shows the sessions of a store in JavaScript, and the reference of an error of that store", async () => {
  class FailingStore extends MapStore {
    override commit(...changes: Parameters<MapStore["commit"]>): ReturnType<MapStore["commit"]> {
      if (this.sessions.size > 0) throw new Error("the disk is on fire");
      return super.commit(...changes);
    }
  }
  const sessions = await openStore(new FailingStore());
  closers.push(() => sessions.close());
  await sessions.start({ id: "s", mode: "m", task: "In JavaScript" });
  const { url, token } = await sessions.serve();
  await page.goto(`${url}?token=${token}`);
  await page.getByRole("link", { name: "In JavaScript" }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  const problem = page.getByRole("dialog").getByRole("alert");
  await problem.getByText(/the disk is on fire/).waitFor();
  expect(await problem.textContent()).toMatch(/STORE_FAILED, reference [0-9a-f]{12}/);
  // The browser itself reports the refused request.
  expect(problems.splice(0)).toEqual([expect.stringContaining("503")]);
});

/** A client of a server of the test. */
async function clientOf({ url }: Ui): Promise<Sessions> {
  const client = await openStore(url, { token: TOKEN });
  closers.push(() => client.close());
  return client;
}

/** Two servers over one SQLite file: the page's, and one through which other processes write. */
async function overSqlite(): Promise<{ readonly store: string; readonly others: Sessions }> {
  await server.kill();
  const folder = await mkdtemp(join(tmpdir(), "tenure-served-"));
  closers.push(() => rm(folder, { recursive: true }));
  const store = await newSqlite(folder);
  server = await startUi("--store", store, "--port", "0", "--token", TOKEN);
  const other = await startUi("--store", store, "--port", "0", "--token", TOKEN);
  return { store, others: await clientOf(other) };
}

/** All sessions that a list of the page shows, with their statuses, read by scrolling through it. */
async function shown(view: string): Promise<Readonly<Record<string, string>>> {
  await page.evaluate((view) => {
    location.hash = view;
  }, view);
  await page.locator(".canvas > .row").first().waitFor();
  return page.evaluate(async () => {
    const painted = () =>
      new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const scroller = document.querySelector(".scroller");
    if (scroller === null) throw new Error("the list does not scroll");
    const statuses: Record<string, string> = {};
    for (let top = 0; top <= scroller.scrollHeight; top += scroller.clientHeight / 2) {
      scroller.scrollTop = top;
      await painted();
      for (const row of document.querySelectorAll<HTMLElement>(".canvas > .row")) {
        statuses[row.dataset.id ?? ""] = row.querySelector(".status")?.textContent ?? "";
      }
    }
    return statuses;
  });
}

/** All sessions of a store, with their statuses. */
async function stored(
  sessions: Sessions,
  filter: { readonly trash?: "only" },
): Promise<Readonly<Record<string, string>>> {
  const statuses: Record<string, string> = {};
  for await (const { id, status } of sessions.list({ ...filter, limit: 1000 })) {
    statuses[id] = status;
  }
  return statuses;
}

it("shows exactly what the store has after its server was killed, while other processes wrote", async () => {
  const { store, others } = await overSqlite();
  const ids = Array.from({ length: 200 }, (_, at) => `s-${at}`);
  const slice = (from: number, to: number): string[] => ids.slice(from, to);
  await Promise.all(ids.map((id) => others.start({ id, mode: "m", task: id })));
  await others.trashMany(slice(180, 200));
  await open();
  expect(await shown("#/sessions")).toEqual(await stored(others, {}));
  const { port } = new URL(server.url);
  for (let round = 0; round < kills; round += 1) {
    const at = round * 60;
    await server.kill();
    await page.getByText("(away)").waitFor();
    await others.deleteMany(slice(at, at + 10));
    await others.trashMany(slice(at + 10, at + 20));
    await others.restoreMany(slice(180 + 5 * round, 185 + 5 * round));
    for (const id of slice(at + 20, at + 30)) await others.complete(id);
    for (const id of slice(at + 30, at + 40)) await others.fail(id, "no disk space");
    for (const id of slice(at + 40, at + 50)) await others.pause(id);
    await others.deleteMany(slice(195 + round, 196 + round));
    for (let more = 0; more < 10; more += 1) {
      await others.start({ id: `new-${round}-${more}`, mode: "m", task: "While away" });
    }
    server = await startUi("--store", store, "--port", port, "--token", TOKEN);
    await page.getByText("(away)").waitFor({ state: "detached" });
    // What comes after all of these changes.
    await others.start({ id: `last-${round}`, mode: "m", task: "The last one" });
    await page.locator(".scroller").evaluate((element) => element.scrollTo(0, 0));
    await page.locator(`[data-id="last-${round}"]`).waitFor();
    expect(await shown("#/sessions?trash=only")).toEqual(await stored(others, { trash: "only" }));
    expect(await shown("#/sessions")).toEqual(await stored(others, {}));
  }
  // The browser itself reports each request without an answer.
  problems.splice(0);
});

it("shows each change of another browser, in both directions", async () => {
  await overSqlite();
  const other = await startBrowser();
  try {
    await open();
    const second = await (await other.newContext()).newPage();
    await second.goto(`${server.url}?token=${TOKEN}`);
    await loaded(second);
    for (let change = 0; change < changes; change += 1) {
      const [from, to] = change % 2 === 0 ? [page, second] : [second, page];
      await from.keyboard.press("n");
      await from.getByRole("dialog").getByLabel("Task", { exact: true }).fill(`Change ${change}`);
      await from.getByRole("dialog").getByRole("button", { name: "Start" }).click();
      const link = to.getByRole("link", { name: `Change ${change}`, exact: true });
      await link.waitFor();
      await from.getByRole("heading", { name: `Change ${change}`, exact: true }).waitFor();
      // And back: the other one removes it.
      await link.focus();
      await to.keyboard.press("t");
      await from.locator(".session-line", { hasText: "in the trash" }).waitFor();
      await from.goBack();
      await from.locator(".view-list").waitFor();
    }
  } finally {
    await other.close();
  }
});

it("offers nothing that writes if the server is read-only, and says that it is", async () => {
  const { store, others } = await overSqlite();
  await others.start({ id: "s", mode: "m", task: "Read only" });
  await others.start({ id: "gone", mode: "m", task: "In the trash" });
  await others.startInSlots([
    { taskId: "T", phase: "plan", model: "opus", id: "slot", task: "Plan", mode: "m" },
  ]);
  await others.trash("gone");
  await server.kill();
  server = await startUi("--store", store, "--port", "0", "--token", TOKEN, "--read-only");
  await open();
  await page.getByText("read-only", { exact: true }).waitFor();
  const writes =
    /start|pause|resume|complete|fail|abandon|fork|trash|restore|delete|import|choose/i;
  for (const [view, text] of [
    ["#/sessions", "Read only"],
    ["#/sessions?trash=only", "In the trash"],
    ["#/session/s", "start"],
    ["#/session/gone", "start"],
    ["#/slots", "Plan"],
    ["#/files", "Export all"],
    ["#/leases", "There are no leases"],
    ["#/machines", "No process is registered"],
    ["#/overview", "95th percentile of durations"],
  ] as const) {
    await page.evaluate((view) => {
      location.hash = view;
    }, view);
    await page.locator("main", { hasText: text }).first().waitFor();
    // With sessions selected, with the data of an event, and after each key that could write.
    for (const key of ["j", "Enter", "a", "t", "n", "u"]) {
      if (view.startsWith("#/sessions") && key === "Enter") continue;
      await page.keyboard.press(key);
    }
    expect(await page.getByRole("dialog").count()).toBe(0);
    const buttons = await page
      .locator("button:not([aria-pressed], .event-head), label.button")
      .allTextContents();
    expect(
      buttons.filter((name) => writes.test(name)),
      view,
    ).toEqual([]);
  }
  expect(await stored(others, {})).toEqual({ s: "active", slot: "active" });
});

it("marks the sessions whose models are missing in every list", async () => {
  const { store, others } = await overSqlite();
  await others.startInSlots([
    { taskId: "T", phase: "plan", model: "opus", id: "a", task: "Known", mode: "m" },
    { taskId: "T", phase: "run", model: "gone", id: "b", task: "Missing", mode: "m" },
  ]);
  await server.kill();
  server = await startUi("--store", store, "--port", "0", "--token", TOKEN, "--models", "opus");
  await open();
  const marks = page.getByText("model missing");
  await page.locator('[data-id="b"]').getByText("model missing").waitFor();
  expect(await marks.count()).toBe(1);
  await page.getByRole("link", { name: "Slots" }).click();
  await page
    .getByRole("row", { name: /Missing/ })
    .getByText("model missing")
    .waitFor();
  expect(await marks.count()).toBe(1);
  await page.getByRole("link", { name: "Missing" }).click();
  await page.locator(".session-line").getByText("model missing").waitFor();
  const offered = page.getByRole("group", { name: "Actions" }).getByRole("button");
  await expect.poll(() => offered.allTextContents()).not.toContain("Fork");
  expect(await offered.allTextContents()).toContain("Complete");
});

it("is written into a folder that needs no server, which must be empty", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tenure-site-"));
  try {
    const site = join(folder, "site");
    const exported = await run(command, ["ui", "--export", site, "--models", 'opus,"<a&b>"']);
    expect(exported.stdout).toMatch(/^\d+ files written into /);
    const written = await readFile(join(site, "index.html"), "utf8");
    expect(written).toContain('<meta name="tenure-models" content="opus,&quot;<a&amp;b>&quot;" />');
    const files = await readdir(site);
    expect(files).toEqual(expect.arrayContaining(["assets", "index.html", "service-worker.js"]));
    expect(files).not.toContain("server.html");
    const again = await run(command, ["ui", "--export", site]).catch((error: unknown) => error);
    expect(again).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("not an empty folder"),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
