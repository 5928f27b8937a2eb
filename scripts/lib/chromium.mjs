// Finds Chromium and its driver for the browser tests, and installs them where that needs no
// interaction.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { canInstallDebianPackages, installDebianPackages } from "./debian.mjs";
import { inRoot } from "./paths.mjs";
import { nodeTool, Problem, probe, run } from "./run.mjs";

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

/**
 * The paths of a browser and of its driver. The driver is `undefined` when the browser came without
 * one. `installing` is called before anything is installed.
 */
export async function ensureChromium(installing = () => {}) {
  if (!findChromium()) {
    installing();
    await installChromium();
  }
  const browser = findChromium();
  if (!browser)
    throw new Problem(
      "the browser tests need Chromium: install it, or name it in the variable CHROMIUM",
    );
  let driver = findDriver();
  if (!driver && browser === "/usr/bin/chromium" && canInstallDebianPackages()) {
    installing();
    await installDebianPackages("chromium-driver");
    driver = findDriver();
  }
  return { browser, driver };
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

function findDriver() {
  const candidates = [
    process.env.CHROMEDRIVER,
    "chromedriver",
    "/usr/bin/chromedriver",
    "/usr/lib/chromium/chromedriver",
  ];
  return candidates.find((path) => path && probe(path, ["--version"]) !== undefined);
}

async function installChromium() {
  if (process.env.CHROMIUM) return;
  if (canInstallDebianPackages()) {
    try {
      return await installDebianPackages("chromium", "chromium-driver");
    } catch {
      // Not every distribution based on Debian has the package, so there is a fallback.
    }
  }
  const [node, playwright] = nodeTool("playwright", "playwright", inRoot("tests"));
  await run(node, [playwright, "install", "chromium"], { timeoutMs: 600_000 }).catch(() => {});
}
