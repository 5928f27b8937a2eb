// The packed package in pages, built by common bundlers. Only one of them needs configuration.
// `deploying.test.ts` is about bundles for Node.

import { readFileSync } from "node:fs";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { serve, startBrowser, visit } from "./support/browser.js";
import { installedIn, newProject } from "./support/project.js";
import { type Vite, viteBuild, viteDev } from "./support/vite.js";
import { pack } from "./support/webpack.js";

let project: string;
let browser: Browser;

beforeAll(async () => {
  [project, browser] = await Promise.all([newProject("web"), startBrowser()]);
});

afterAll(() => browser?.close());

const works = {
  state: "done",
  outcome: {
    before: "WASM_NOT_READY",
    after: "wasm",
    sameEntry: true,
    binding: "wasm",
    listed: ["Draft the notes: completed"],
    history: ["start", "note", "complete"],
    bot: 1,
  },
  complaints: [],
};

const readme = readFileSync(inRoot("README.md"), "utf8");

/** The configuration for older versions of Vite. */
const advice = 'optimizeDeps: { exclude: ["tenure"] }';

describe.each<[string, Vite]>([
  ["Vite 8", "vite"],
  ["Vite 7", "vite-7"],
])("%s", (_, vite) => {
  it("builds a page that works", async () => {
    const { status, stderr } = await viteBuild(vite, project);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { url, close } = await serve(join(project, "dist"));
    const visited = await visit(browser, url).finally(close);
    expect(visited).toEqual({ ...works, wasm: [expect.stringMatching(/^\/assets\/.*\.wasm$/)] });
    await expectTidy(join(project, "dist"));
  });

  it("serves a working page in development", async () => {
    const { url, output, close } = await viteDev(vite, project);
    const visited = await visit(browser, url).finally(close);
    expect(visited, output()).toEqual({ ...works, wasm: [expect.stringMatching(/\.wasm$/)] });
    expect(output()).not.toMatch(/error|warn/i);
  });
});

// Vite pre-bundles packages into a folder of the page, from which their original location cannot be
// derived.
describe("Vite 7 in a workspace, in development", () => {
  let page: string;

  beforeAll(async () => {
    page = join(project, "page");
    await mkdir(page);
    for (const name of ["index.html", "main.js"]) await cp(join(project, name), join(page, name));
    await writeFile(join(page, "package.json"), '{"private":true,"type":"module"}');
  });

  it("reports the required configuration", async () => {
    const { url, close } = await viteDev("vite-7", page);
    const { state, outcome } = await visit(browser, url).finally(close);
    expect({ state, outcome }).toEqual({
      state: "failed",
      outcome: {
        code: "BINDING_UNAVAILABLE",
        message: expect.stringContaining(`with Vite, set \`${advice}\``),
      },
    });
  });

  it("works with this configuration", async () => {
    await writeFile(join(page, "vite.config.js"), `export default { ${advice} };`);
    const { url, output, close } = await viteDev("vite-7", page);
    const visited = await visit(browser, url).finally(close);
    expect(visited, output()).toEqual({ ...works, wasm: [expect.stringMatching(/\.wasm$/)] });
  });
});

describe("webpack 5", () => {
  it("builds a page that works", async () => {
    const output = join(project, "webpack");
    await pack({
      mode: "production",
      context: project,
      entry: "./main.js",
      output: { path: output, filename: "main.js" },
      // Performance hints about file sizes are irrelevant here.
      performance: false,
    });
    await cp(join(project, "index.html"), join(output, "index.html"));
    const { url, close } = await serve(output);
    const visited = await visit(browser, url).finally(close);
    expect(visited).toEqual({ ...works, wasm: [expect.stringMatching(/\.wasm$/)] });
    await expectTidy(output);
  });

  it("builds a page that works under a Content-Security-Policy with the README's source", async () => {
    const [source = ""] = readme.match(/(?<=`script-src )'[a-z-]+'(?=`)/) ?? [];
    const others = "default-src 'none'; connect-src 'self'; img-src data:; script-src 'self'";
    const visitUnder = async (policy: string) => {
      const headers = { "content-security-policy": policy };
      const { url, close } = await serve(join(project, "webpack"), headers);
      return visit(browser, url).finally(close);
    };
    expect(await visitUnder(`${others} ${source}`)).toMatchObject({ ...works });
    expect(await visitUnder(others)).toMatchObject({
      state: "failed",
      outcome: { code: "BINDING_UNAVAILABLE" },
    });
  });
});

/** The output has WebAssembly as a separate file, and no path of the build machine. */
async function expectTidy(folder: string): Promise<void> {
  const paths = await readdir(folder, { recursive: true });
  const module = await readFile(join(installedIn(project), "wasm", "tenure_wasm_bg.wasm"));
  const modules = paths.filter((path) => path.endsWith(".wasm"));
  expect(modules).toHaveLength(1);
  expect(module.equals(await readFile(join(folder, modules[0] ?? "")))).toBe(true);
  for (const path of paths.filter((path) => path.endsWith(".js"))) {
    const code = await readFile(join(folder, path), "utf8");
    expect(code).not.toContain(project);
    expect(code.length, "the WebAssembly is not in the code").toBeLessThan(150_000);
  }
}
