// What the tests of a file share: a site, a browser, and a context of the browser for each test.

import type { Browser, BrowserContext } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { type Site, serveSite, startBrowser } from "./site.js";

export interface Pages {
  readonly site: Site;
  /** The context of the current test. */
  readonly context: BrowserContext;
}

/** Starts what the tests of a file share. Its parts are there when a test begins. */
export function sharedPages(): Pages {
  let site: Site | undefined;
  let browser: Browser | undefined;
  let context: BrowserContext | undefined;
  beforeAll(async () => {
    [site, browser] = await Promise.all([serveSite(), startBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });
  beforeEach(async () => {
    context = await browser?.newContext();
  });
  afterEach(() => context?.close());
  return {
    get site() {
      return started(site);
    },
    get context() {
      return started(context);
    },
  };
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("no test has begun");
  return part;
}
