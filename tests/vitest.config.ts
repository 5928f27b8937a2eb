// One suite runs in three environments: Node with the native addon, Node with WebAssembly, and a
// browser. In addition there are tests for one environment only, and tests of the packed package in
// projects that install it.
//
// The constant `__BUILD__` tells a test its environment.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { chromiumSwitches } from "../scripts/lib/chromium.mjs";
import { examplesOf } from "./support/examples.js";

const suite = "suite/**/*.test.ts";

const build = (name: "native" | "wasm" | "browser") => ({ __BUILD__: JSON.stringify(name) });

/** Node loads the package itself, as it does for a user; vitest transforms only the tests. */
const packageAsIs = { deps: { external: [/\/npm\/dist\//] } };

const workflowParser = /@actions\/workflow-parser\/.*\.js$/;

/** Removes references to source maps whose sources are not in the package. */
const withoutSourceMaps = (files: RegExp) => ({
  name: "without-source-maps",
  load: (id: string) =>
    files.test(id) ? readFileSync(id, "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "") : null,
});

/** The examples of a document as modules, such as `example:store.ts`. */
const examples = (document: string) => {
  const folder = `${fileURLToPath(new URL("examples", import.meta.url))}/`;
  return {
    name: "examples",
    enforce: "pre" as const,
    resolveId: (id: string, importer = "") => {
      if (id.startsWith("example:")) return folder + id.slice("example:".length);
      return importer.startsWith(folder) && id.startsWith("./")
        ? folder + id.slice(2).replace(/js$/, "ts")
        : null;
    },
    load: (id: string) =>
      examplesOf(document).find(({ file }) => id === folder + file)?.code ?? null,
  };
};

// Timeouts end tests that hang. They are long, since no test measures speed.
export default defineConfig({
  test: {
    projects: [
      {
        define: build("native"),
        test: {
          name: "native",
          include: [suite, "native/**/*.test.ts"],
          env: { TENURE_BINDING: "native" },
          server: packageAsIs,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        define: build("wasm"),
        test: {
          name: "wasm",
          include: [suite],
          env: { TENURE_BINDING: "wasm" },
          server: packageAsIs,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        define: build("browser"),
        plugins: [examples("docs/writing-a-store.md")],
        // Pre-bundled glue would look for its module in the folder of the bundle.
        optimizeDeps: { exclude: ["tenure"], include: ["fast-check"] },
        server: { fs: { allow: [fileURLToPath(new URL("..", import.meta.url))] } },
        test: {
          name: "browser",
          include: [suite, "browser/**/*.test.ts"],
          exclude: ["**/*.node.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                ...(process.env.CHROMIUM ? { executablePath: process.env.CHROMIUM } : {}),
                args: chromiumSwitches,
              },
            }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
      {
        test: {
          name: "pages",
          include: ["pages/**/*.test.ts"],
          expect: { poll: { timeout: 30_000 } },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        plugins: [withoutSourceMaps(workflowParser)],
        test: {
          name: "packaging",
          include: ["packaging/**/*.test.ts"],
          globalSetup: "packaging/setup.ts",
          // It imports JSON with a syntax that Node does not support.
          server: { deps: { inline: [workflowParser] } },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
