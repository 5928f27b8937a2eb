// A page in Chromium with a profile on disk, which can import the package and the benchmark's
// modules.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromiumSwitches, findChromium } from "../../scripts/lib/chromium.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const types = { ".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm" };

/** Starts Chromium with a profile in the folder `profile`. `undefined` without Chromium or its driver. */
export async function startChromium(profile, options) {
  const executablePath = findChromium();
  const playwright = playwrightOfTests();
  if (executablePath === undefined || playwright === undefined) return undefined;
  return playwright.chromium.launchPersistentContext(profile, {
    ...options,
    executablePath,
    args: chromiumSwitches,
  });
}

/**
 * Opens a page whose profile is in the folder `profile`, with a function `close`. `undefined`
 * without Chromium or its driver.
 */
export async function openPage(profile) {
  const context = await startChromium(profile);
  if (context === undefined) return undefined;
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  return {
    page,
    version: context.browser()?.version(),
    async close() {
      await context.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

function playwrightOfTests() {
  try {
    return createRequire(join(root, "tests", "package.json"))("playwright");
  } catch {
    return undefined;
  }
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const headers = {
    // Only a cross-origin isolated page has a sufficiently precise clock.
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  };
  if (pathname === "/") {
    response.writeHead(200, { ...headers, "content-type": "text/html" });
    return response.end("<!doctype html><title>Benchmark</title>");
  }
  const path = normalize(pathname);
  const content = await readFile(join(root, path)).catch(() => undefined);
  const type = types[extname(path)];
  if (content === undefined || type === undefined) return response.writeHead(404).end();
  response.writeHead(200, { ...headers, "content-type": type });
  // The only import that has to be resolved from the package's manifest.
  response.end(
    type === types[".js"]
      ? content.toString().replaceAll('"#wasm"', '"/npm/wasm/tenure_wasm.js"')
      : content,
  );
}
