// Finds Chromium for the browser tests, and installs it where that needs no interaction.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { canInstallDebianPackages, installDebianPackages } from "./debian.mjs";
import { inRoot } from "./paths.mjs";
import { nodeTool, Problem, run } from "./run.mjs";

const wellKnown = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/opt/google/chrome/chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
];

/**
 * Switches for a headless browser in tests: it also has to run as root, and should connect only to
 * the test's own server.
 */
export const chromiumSwitches = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The path of a browser. `installing` is called before anything is installed. */
export async function ensureChromium(installing = () => {}) {
  if (!findChromium()) {
    installing();
    await installChromium();
  }
  const browser = findChromium();
  if (!browser) throw new Problem(missing());
  return browser;
}

function missing() {
  const named = process.env.CHROMIUM;
  return named
    ? `CHROMIUM names ${named}, and there is no such file: name a browser that exists, or nothing to have one installed`
    : "the browser tests need Chromium: install it, or name it in the variable CHROMIUM";
}

/** The path of the browser, if there is one. */
export function findChromium() {
  const named = process.env.CHROMIUM;
  if (named) return existsSync(named) ? named : undefined;
  return [...wellKnown, playwrightsOwn()].find((path) => path && existsSync(path));
}

function playwrightsOwn() {
  try {
    return createRequire(inRoot("tests", "package.json"))("playwright").chromium.executablePath();
  } catch {
    return undefined;
  }
}

async function installChromium() {
  if (process.env.CHROMIUM) return;
  if (canInstallDebianPackages()) {
    try {
      return await installDebianPackages("chromium");
    } catch {
      // Not every distribution based on Debian has the package, so there is a fallback.
    }
  }
  const [node, playwright] = nodeTool("playwright", "playwright", inRoot("tests"));
  await run(node, [playwright, "install", "chromium"], { timeoutMs: 600_000 }).catch(() => {});
}
