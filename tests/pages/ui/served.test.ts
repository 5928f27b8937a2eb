// The web UI as `tenure ui` serves it.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { command, startUi, type Ui } from "../../support/server.js";
import { startBrowser } from "../support/site.js";
import { loaded } from "../support/ui.js";

let browser: Browser;
let server: Ui;
let page: Page;
const problems: string[] = [];

const run = promisify(execFile);
const TOKEN = "a-token-of-the-tests";

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

it("is written into a folder that needs no server, which must be empty", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tenure-site-"));
  try {
    const site = join(folder, "site");
    const exported = await run(command, ["ui", "--export", site]);
    expect(exported.stdout).toMatch(/^\d+ files written into /);
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
