// The web UI in a browser, over a store that a test fills: a database of the browser, or a SQLite file that a
// server serves.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright";
import { open, type Sessions } from "tenure";
import { expect } from "vitest";
import { newSqlite, startUi, type Ui } from "../../support/server.js";
import { newPage, type Site, serveSite, startBrowser } from "./site.js";

/** What a test does with the sessions. It may run in a page, so that it uses nothing outside of itself. */
type Work = (sessions: Sessions) => Promise<unknown>;

/** The web UI for the tests of a file, which share a browser. */
export abstract class WebUi {
  readonly context: BrowserContext;
  protected readonly browser: Browser;
  /** What has gone wrong in the pages: errors, and violations of their policy. */
  readonly #problems: string[] = [];

  protected constructor(browser: Browser, context: BrowserContext) {
    this.browser = browser;
    this.context = context;
  }

  /** Changes the sessions as another tab or another process does. */
  abstract change(work: Work): Promise<void>;

  /** The address of a view. */
  protected abstract address(link: string): Promise<string>;

  /** Removes what a test has stored. */
  protected abstract empty(): Promise<void>;

  /** Pages that are no pages of the web UI. */
  protected isOther(_: Page): boolean {
    return false;
  }

  /** Whether a message of the browser is none of the page's. */
  protected isExpected(_: string): boolean {
    return false;
  }

  /** Opens a page of the web UI, after it was prepared. */
  async open(
    link = "#/sessions",
    prepare: (page: Page) => Promise<void> = async () => {},
  ): Promise<Page> {
    const page = await this.context.newPage();
    await prepare(page);
    page.on("pageerror", (error) => this.#problems.push(error.message));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !this.isExpected(text)) this.#problems.push(text);
    });
    await page.goto(await this.address(link));
    await loaded(page);
    return page;
  }

  /** Opens another view in a page. */
  async goTo(page: Page, link: string): Promise<void> {
    await page.evaluate((link) => {
      location.hash = link;
    }, link);
  }

  /** Closes the pages, and removes what a test has stored. Fails if something has gone wrong. */
  async reset(): Promise<void> {
    const pages = this.context.pages().filter((page) => !this.isOther(page));
    await Promise.all(pages.map((page) => page.close()));
    await this.empty();
    expect(this.#problems.splice(0)).toEqual([]);
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

/** The web UI over IndexedDB. */
export class LocalUi extends WebUi {
  readonly #site: Site;
  /** A page with the package, as another tab. */
  readonly #other: Page;

  private constructor(site: Site, browser: Browser, context: BrowserContext, other: Page) {
    super(browser, context);
    this.#site = site;
    this.#other = other;
  }

  static async start(options?: BrowserContextOptions): Promise<LocalUi> {
    const [site, browser] = await Promise.all([serveSite(), startBrowser()]);
    const context = await browser.newContext(options);
    const other = await newPage(context, site);
    // Some operations are in the complete module alone.
    await other.evaluate(() =>
      tenure.init({ module: new URL("/npm/wasm/tenure_complete_bg.wasm", location.href) }),
    );
    return new LocalUi(site, browser, context, other);
  }

  async change(work: Work): Promise<void> {
    await this.#other.evaluate(`(async () => {
      const sessions = await tenure.open("indexeddb:tenure");
      await (${work})(sessions);
      await sessions.close();
    })()`);
  }

  protected async address(link: string): Promise<string> {
    return `${this.#site.url}ui/${link}`;
  }

  protected override isOther(page: Page): boolean {
    return page === this.#other;
  }

  protected async empty(): Promise<void> {
    await this.#other.evaluate(async () => {
      localStorage.clear();
      await new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase("tenure");
        request.onsuccess = resolve;
        request.onerror = reject;
      });
    });
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#site.close();
  }
}

/** The web UI over a SQLite file. One server serves the page, and another process makes the other changes. */
export class ServedUi extends WebUi {
  #folder: string | undefined;
  #servers: Promise<readonly [Ui, Ui]> | undefined;

  static async start(): Promise<ServedUi> {
    const browser = await startBrowser();
    return new ServedUi(browser, await browser.newContext());
  }

  async change(work: Work): Promise<void> {
    const [, { url, token }] = await this.#started();
    const sessions = await open(url, { token });
    await work(sessions);
    await sessions.close();
  }

  protected async address(link: string): Promise<string> {
    const [{ url, token }] = await this.#started();
    return `${url}?token=${token}${link}`;
  }

  /** The browser itself reports each request that is refused. */
  protected override isExpected(message: string): boolean {
    return message.includes("the server responded with a status of 4");
  }

  protected async empty(): Promise<void> {
    const servers = await this.#servers;
    this.#servers = undefined;
    for (const server of servers ?? []) await server.kill();
    await this.context.clearCookies();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true });
    this.#folder = undefined;
  }

  #started(): Promise<readonly [Ui, Ui]> {
    this.#servers ??= this.#start();
    return this.#servers;
  }

  async #start(): Promise<readonly [Ui, Ui]> {
    this.#folder = await mkdtemp(join(tmpdir(), "tenure-ui-"));
    const store = await newSqlite(this.#folder);
    const start = (): Promise<Ui> => startUi("--store", store, "--port", "0");
    return Promise.all([start(), start()]);
  }
}

/** Waits until the store of the page is open. */
export async function loaded(page: Page): Promise<void> {
  await page.waitForFunction(
    () => document.querySelector("main") && !document.querySelector(".loading"),
  );
}
