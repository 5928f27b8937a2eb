// A browser for pages that use the package, and a server for built pages.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { type Browser, chromium } from "playwright";
import { inject } from "vitest";
import { chromiumSwitches } from "../../../scripts/lib/chromium.mjs";

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: inject("chromium"), args: chromiumSwitches });

/** The result of a page, and the requests that it made. */
export interface Visit {
  readonly state: string;
  readonly outcome: unknown;
  /** The paths of the loaded WebAssembly files. */
  readonly wasm: readonly string[];
  /** Uncaught errors, and the warnings and errors of the console. */
  readonly complaints: readonly string[];
}

/** Opens the page of the project `web` and waits for its result. */
export async function visit(browser: Browser, url: string): Promise<Visit> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const wasm: string[] = [];
    const complaints: string[] = [];
    page.on("response", (response) => {
      const type = response.headers()["content-type"] ?? "";
      if (type.includes("wasm")) wasm.push(new URL(response.url()).pathname);
      if (!response.ok()) complaints.push(`${response.status()} ${response.url()}`);
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(url);
    // A development server may reload a page when it bundles a package for the first time.
    const body = page.locator("body[data-state]");
    await body.waitFor({ state: "attached", timeout: 60_000 });
    const [state, outcome] = await Promise.all([
      body.getAttribute("data-state"),
      body.getAttribute("data-outcome"),
    ]);
    return { state: state ?? "", outcome: JSON.parse(outcome ?? "null"), wasm, complaints };
  } finally {
    await context.close();
  }
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

/** Serves the files of a folder on loopback, each with these headers. */
export async function serve(
  folder: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = join(
      folder,
      normalize(pathname.endsWith("/") ? `${pathname}index.html` : pathname),
    );
    const isFile = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    if (!isFile) return void response.writeHead(404).end();
    const type = types[extname(path)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, ...headers });
    createReadStream(path).pipe(response);
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
