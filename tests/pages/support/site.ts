// A site for tests with several pages: a server for the built package, and pages that import it as
// `tenure`.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { chromiumSwitches } from "../../../scripts/lib/chromium.mjs";

/** The folders that are served, by their names in the address. */
const folders: Readonly<Record<string, string>> = {
  npm: fileURLToPath(new URL("../../../npm", import.meta.url)),
  ui: fileURLToPath(new URL("../../../ui/dist", import.meta.url)),
};

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

const own: Readonly<Record<string, string>> = {
  "/index.html": `<!doctype html><title>Tenure</title><script type="module">
    import * as tenure from "/npm/dist/entry/browser.js";
    import { Database } from "/npm/dist/stores/indexeddb-database.js";
    globalThis.state = { received: [], posted: [] };
    globalThis.Database = Database;
    globalThis.outcomeOf = (call) => call().then(
      () => "done",
      ({ code, message, cause }) => ({ code, message, cause: cause?.name }),
    );
    globalThis.tenure = tenure;
  </script>`,
  // The worker receives code as text and returns the result as text.
  "/worker.js": `import * as tenure from "/npm/dist/entry/browser.js";
    globalThis.tenure = tenure;
    onmessage = async ({ data }) => postMessage(await (0, eval)("(" + data + ")")());`,
  "/denied.html": `<!doctype html><title>Denied</title>
    <iframe sandbox="allow-scripts" src="/index.html"></iframe>`,
};

/** The switches for a browser in which pages can trigger garbage collection. */
export const switches: readonly string[] = [...chromiumSwitches, "--js-flags=--expose-gc"];

/** The path of Chromium, if it is not the default of Playwright. */
export const executable: { readonly executablePath?: string } = process.env.CHROMIUM
  ? { executablePath: process.env.CHROMIUM }
  : {};

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ ...executable, args: [...switches] });

export interface Site {
  /** The URL of its page. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the page, the worker, the package under `/npm/`, and the web UI under `/ui/`. */
export async function serveSite(): Promise<Site> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = normalize(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    const body = await contentOf(path).catch(() => undefined);
    if (body === undefined) return void response.writeHead(404).end();
    // A sandboxed frame has an opaque origin, to which its own site is foreign.
    const headers = { "access-control-allow-origin": "*", "cache-control": "no-store" };
    response.writeHead(200, { ...headers, "content-type": types[extname(path)] ?? "text/plain" });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function contentOf(path: string): Promise<string | Buffer | undefined> {
  if (path in own) return own[path];
  const [, name = "", ...names] = path.split("/");
  const folder = folders[name];
  if (folder === undefined) return undefined;
  const content = await readFile(join(folder, ...names));
  // The only import that has to be resolved from the package's manifest.
  return extname(path) === ".js"
    ? content.toString().replaceAll('"#wasm"', '"/npm/wasm/tenure_wasm.js"')
    : content;
}

/** Opens the site's page, with the package loaded. */
export async function newPage(context: BrowserContext, site: Site): Promise<Page> {
  const page = await context.newPage();
  await page.goto(site.url);
  await ready(page);
  return page;
}

/** Waits until a page has loaded the package. */
export async function ready(page: Page): Promise<void> {
  await page.waitForFunction(() => "tenure" in globalThis);
}
