// docs/deploying.md is correct: what it says is done with the packed package, and what is made runs
// in a folder without the package.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, inject, it } from "vitest";
import type { Configuration } from "webpack";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { codeBlocks, sectionOf } from "../support/readme.js";
import { installedIn, newProject } from "./support/project.js";
import { environment, node, ok } from "./support/run.js";
import { pack } from "./support/webpack.js";

const page = readFileSync(inRoot("docs", "deploying.md"), "utf8");
const works = ok("native completed 1");

let project: string;

beforeAll(async () => {
  project = await newProject("deploying");
  for (const name of ["@rollup", "@vercel"])
    await symlink(inRoot("node_modules", name), join(project, "node_modules", name), "junction");
});

/** The code block of a language in a section of the page. */
function block(section: string, language: "sh" | "js"): string {
  const [code = "", ...others] = codeBlocks(sectionOf(page, section), language);
  expect(others).toEqual([]);
  return code;
}

/** Runs the commands of the page in the project. */
function shell(commands: string): void {
  const PATH = `${inRoot("node_modules", ".bin")}:${process.env.PATH}`;
  const options = { cwd: project, env: { ...environment(), PATH }, stdio: "pipe" } as const;
  execFileSync("/bin/sh", ["-ec", commands], options);
}

/** Writes the file that a block of the page begins with the name of. */
async function writeBlock(section: string): Promise<string> {
  const code = block(section, "js");
  const name = /^\/\/ (\S+)$/m.exec(code)?.[1] ?? "";
  await writeFile(join(project, name), code);
  return join(project, name);
}

/** Moves what the commands made out of the project, to where there is no package. */
async function deployed(folder: string): Promise<string> {
  const target = join(await mkdtemp(join(inject("packed").workshop, "deployed-")), "app");
  await rename(join(project, folder), target);
  for (const path of await readdir(target, { recursive: true })) {
    if (!/\.[cm]?js$/.test(path)) continue;
    expect(await readFile(join(target, path), "utf8"), path).not.toContain(project);
  }
  return target;
}

describe("esbuild", () => {
  const [bundle = "", copy = ""] = block("esbuild", "sh").trim().split("\n");
  const other = /`--format=cjs --outfile=dist\/bot\.cjs`/.exec(page)?.[0].replaceAll("`", "") ?? "";
  const asCommonjs = bundle.replace(/--format=.*/, other);

  it.each([
    ["an ES module", "bot.mjs", bundle],
    ["CommonJS", "bot.cjs", asCommonjs],
    ["CommonJS from CommonJS", "bot.cjs", asCommonjs.replace("bot.mjs", "bot.cjs")],
  ])("makes %s that works", async (_, name, command) => {
    shell(`${command} --log-level=warning\n${copy}`);
    expect(await node(await deployed("dist"), [name])).toEqual(works);
  });

  it.each([
    ["an ES module", "bot.mjs", bundle],
    ["CommonJS", "bot.cjs", asCommonjs],
  ])(
    "makes %s that finds the installed package, or says what to copy",
    async (_, name, command) => {
      shell(command);
      expect(await node(project, [join("dist", name), "memory:"])).toEqual(works);
      const folder = await deployed("dist");
      const { stdout, ...rest } = await node(folder, [name]);
      expect(rest).toEqual({ status: 1, stderr: "" });
      const [, file = ""] = /copy (\S+) of the package tenure into (\S+) \(docs/.exec(stdout) ?? [];
      expect(stdout).toMatch(/^BINDING_UNAVAILABLE: sqlite: needs the native addon: /);
      expect(stdout).toContain(`into ${folder} (docs/deploying.md)`);
      await cp(join(installedIn(project), file), join(folder, file.replace(/^.*\//, "")));
      expect(await node(folder, [name])).toEqual(works);
    },
  );

  it("makes a bundle that works with frozen intrinsics", async () => {
    shell(`${bundle}\n${copy}`);
    const options = ["--frozen-intrinsics", "--no-warnings"];
    expect(await node(await deployed("dist"), [...options, "bot.mjs"])).toEqual(works);
  });

  it("makes a bundle that uses the WebAssembly beside it where there is no addon", async () => {
    shell(`${bundle}\ncp node_modules/tenure/wasm/tenure_complete_bg.wasm dist`);
    const outcome = await node(await deployed("dist"), ["bot.mjs", "memory:"]);
    expect(outcome).toMatchObject({ status: 0, stdout: "wasm completed 1" });
    expect(outcome.stderr).toContain("TENURE_WASM_FALLBACK");
  });

  it("makes a bundle that names the WebAssembly that it does not find", async () => {
    shell(bundle);
    const folder = await deployed("dist");
    const options = { env: { TENURE_BINDING: "wasm" } };
    const { status, stdout } = await node(folder, ["bot.mjs", "memory:"], options);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^BINDING_UNAVAILABLE: .*: copy wasm\/tenure_complete_bg\.wasm of the/);
  });

  it("makes a bundle that refuses the addon of another version", async () => {
    shell(`${bundle}\n${copy}`);
    const folder = await deployed("dist");
    const code = await readFile(join(folder, "bot.mjs"), "utf8");
    const newer = code.replace(/VERSION = "[0-9.]+"/, 'VERSION = "99.0.0"');
    expect(newer).not.toBe(code);
    await writeFile(join(folder, "bot.mjs"), newer);
    const { status, stdout } = await node(folder, ["bot.mjs"]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^BINDING_UNAVAILABLE: .* and the code of version 99\.0\.0: copy/);
  });

  it("leaves the package outside", async () => {
    shell(block("Outside of the bundle", "sh"));
    expect(await readFile(join(project, "dist", "bot.mjs"), "utf8")).toContain('from "tenure"');
    expect(await node(project, ["dist/bot.mjs", "memory:"])).toEqual(works);
  });
});

describe("webpack", () => {
  let configuration: Configuration;

  beforeAll(async () => {
    const file = await writeBlock("webpack");
    const { default: exported } = await import(pathToFileURL(file).href);
    // The command takes the current folder, the library its own.
    const output = { ...exported.output, path: join(project, "dist") };
    configuration = { ...exported, context: project, output, performance: false };
    expect(page).toContain('`filename: "bot.cjs"`');
  });

  const commonjs = ({ experiments, ...rest }: Configuration): Configuration => ({
    ...rest,
    output: { path: join(project, "dist"), filename: "bot.cjs" },
    // Minimizing takes most of the time, and is tried with the configuration of the page.
    optimization: { minimize: false },
  });

  it.each<[string, string, (given: Configuration) => Configuration]>([
    ["an ES module", "bot.mjs", (given) => given],
    ["CommonJS", "bot.cjs", commonjs],
    ["CommonJS from CommonJS", "bot.cjs", (given) => commonjs({ ...given, entry: "./bot.cjs" })],
    ["a development build", "bot.cjs", (given) => commonjs({ ...given, mode: "development" })],
  ])("makes %s that works, with the files beside it", async (_, name, of) => {
    await pack(of(configuration));
    expect(await node(await deployed("dist"), [name])).toEqual(works);
  });

  it.each(["commonjs", "module"])("leaves the package outside of %s", async (type) => {
    const external = `${type} tenure`;
    expect(page).toContain(`\`externals: { tenure: "${external}" }\``);
    const given = type === "module" ? configuration : commonjs(configuration);
    await pack({ ...given, externals: { tenure: external } });
    expect(await readdir(join(project, "dist"))).toHaveLength(1);
    const name = type === "module" ? "bot.mjs" : "bot.cjs";
    expect(await node(project, [join("dist", name), "memory:"])).toEqual(works);
    await rm(join(project, "dist"), { recursive: true });
  });
});

describe("rollup", () => {
  it.each(["es", "cjs"])("makes a bundle of the format %s that works", async (format) => {
    const file = await writeBlock("rollup");
    const name = format === "es" ? "bot.mjs" : "bot.cjs";
    const code = await readFile(file, "utf8");
    await writeFile(
      file,
      code.replace('"es"', `"${format}"`).replace("dist/bot.mjs", `dist/${name}`),
    );
    shell(block("rollup", "sh"));
    expect(await node(await deployed("dist"), [name])).toEqual(works);
  });
});

describe("ncc", () => {
  it.each(["bot.mjs", "bot.cjs"])("makes a folder of %s that works", async (entry) => {
    shell(block("ncc", "sh").replace("bot.mjs", entry));
    const folder = await deployed("dist");
    const index = entry.replace("bot", "index");
    expect(await node(folder, [index])).toEqual(works);
    const env = { TENURE_BINDING: "wasm" };
    expect(await node(folder, [index, "memory:"], { env })).toEqual(ok("wasm completed 1"));
  });
});

describe("a file tracer", () => {
  it.each(["bot.mjs", "bot.cjs"])("lists everything that %s needs", async (entry) => {
    const file = await writeBlock("File tracers");
    await writeFile(file, readFileSync(file, "utf8").replace("bot.mjs", entry));
    const { status, stdout, stderr } = await node(project, [file]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const paths = stdout.split("\n");
    expect(paths).toContainEqual(expect.stringMatching(/native\/tenure-[a-z0-9-]+\.node$/));
    for (const path of paths) await cp(join(project, path), join(project, "dist", path));
    const folder = await deployed("dist");
    expect(await node(folder, [entry])).toEqual(works);
    const env = { TENURE_BINDING: "wasm" };
    expect(await node(folder, [entry, "memory:"], { env })).toEqual(ok("wasm completed 1"));
  });
});

describe("Jest", () => {
  const code = `const { openSync, TenureError } = require("tenure");
    const { configure } = require("tenure/compat");
    test("the build and the errors", () => {
      expect(openSync("sqlite:./jest.db").binding).toBe("native");
      expect(() => openSync("memory:").get("../x")).toThrow(TenureError);
      expect(() => configure({ stor: 1 })).toThrow(TenureError);
    });`;

  it("runs suites in CommonJS without configuration, one after the other in one process", async () => {
    const file = await writeBlock("Jest in CommonJS");
    const suites = join(project, "suites");
    await cp(file, join(suites, "bot.test.js"));
    for (const name of ["one", "two"]) await writeFile(join(suites, `${name}.test.js`), code);
    // The manifest of the project says that its files are ES modules.
    await writeFile(join(suites, "package.json"), "{}");
    const jest = inRoot("node_modules", "jest", "bin", "jest.js");
    const { status, stderr } = await node(suites, [jest, "--ci", "--runInBand"]);
    expect(status, stderr).toBe(0);
    expect(stderr).toContain("Tests:       3 passed, 3 total");
  });
});

it("the page names files that the package has", async () => {
  const installed = installedIn(project);
  const names = await readdir(join(installed, "native"));
  expect(names).toContainEqual(expect.stringMatching(/^tenure-[a-z0-9]+-[a-z0-9]+(-musl)?\.node$/));
  expect(page).toMatch(/`native\/tenure-<platform>-<arch>\.node`/);
  const [, module = ""] = /`(wasm\/\w+\.wasm)`/.exec(page) ?? [];
  expect(await readdir(join(installed, "wasm"))).toContain(module.replace("wasm/", ""));
  const [electron = "{}"] = codeBlocks(sectionOf(page, "Electron"), "json");
  expect(JSON.parse(electron)).toEqual({ asarUnpack: ["node_modules/tenure/native/**"] });
});
