// The web UI in a browser, over a database that a test fills.

import type { Browser, BrowserContext, Page } from "playwright";
import { expect } from "vitest";
import { newPage, type Site, serveSite, startBrowser } from "./site.js";

type Work = (sessions: import("tenure").Sessions) => Promise<unknown>;

/** The web UI for the tests of a file, which share a browser. */
export class WebUi {
  readonly context: BrowserContext;
  readonly #site: Site;
  readonly #browser: Browser;
  /** A page with the package, as another tab. */
  readonly #other: Page;
  /** What has gone wrong in the pages: errors, and violations of their policy. */
  readonly #problems: string[] = [];

  private constructor(site: Site, browser: Browser, context: BrowserContext, other: Page) {
    this.context = context;
    this.#site = site;
    this.#browser = browser;
    this.#other = other;
  }

  static async start(): Promise<WebUi> {
    const [site, browser] = await Promise.all([serveSite(), startBrowser()]);
    const context = await browser.newContext();
    const other = await newPage(context, site);
    // Some operations are in the complete module alone.
    await other.evaluate(() =>
      tenure.init({ module: new URL("/npm/wasm/tenure_complete_bg.wasm", location.href) }),
    );
    return new WebUi(site, browser, context, other);
  }

  /** Changes the sessions of the web UI's database in another tab. */
  async change(work: Work): Promise<void> {
    await this.#other.evaluate(`(async () => {
      const sessions = await tenure.open("indexeddb:tenure");
      await (${work})(sessions);
      await sessions.close();
    })()`);
  }

  /** Opens a page of the web UI. */
  async open(link = "#/sessions"): Promise<Page> {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.#problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") this.#problems.push(message.text());
    });
    await page.goto(`${this.#site.url}ui/${link}`);
    await loaded(page);
    return page;
  }

  /** Opens another view in a page. */
  async goTo(page: Page, link: string): Promise<void> {
    await page.goto(`${this.#site.url}ui/${link}`);
  }

  /** Closes the pages, and removes what a test has stored. Fails if something has gone wrong. */
  async reset(): Promise<void> {
    const pages = this.context.pages().filter((page) => page !== this.#other);
    await Promise.all(pages.map((page) => page.close()));
    await this.#other.evaluate(async () => {
      localStorage.clear();
      await new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase("tenure");
        request.onsuccess = resolve;
        request.onerror = reject;
      });
    });
    expect(this.#problems.splice(0)).toEqual([]);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#site.close();
  }
}

/** Waits until the store of the page is open. */
export async function loaded(page: Page): Promise<void> {
  await page.waitForFunction(
    () => document.querySelector("main") && !document.querySelector(".loading"),
  );
}
