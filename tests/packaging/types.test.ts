// The types of the packed package under the strictest settings, including the package's own
// declarations. Expected errors are marked in the compiled files.

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { nodeTool } from "../../scripts/lib/run.mjs";
import { newProject } from "./support/project.js";
import { node, ok } from "./support/run.js";

const tests = fileURLToPath(new URL("..", import.meta.url));
const [, compiler = ""] = nodeTool("typescript", "tsc", tests);
const nodeTypes = dirname(dirname(fileURLToPath(import.meta.resolve("@types/node/package.json"))));

const strictly = [
  ...["--noEmit", "--pretty", "false"],
  ...["--target", "es2022"],
  ...["--strict", "--skipLibCheck", "false"],
  ...["--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"],
];
const nodenext = ["--module", "nodenext"];
const bundler = ["--module", "preserve", "--moduleResolution", "bundler"];
const inNode = ["--lib", "es2022", "--typeRoots", nodeTypes, "--types", "node"];
const inPages = ["--lib", "es2022,dom,dom.iterable", "--types", ""];

const inModules = ["node.ts", "compat.ts", "own-types.ts", "outcomes.ts"];

let project: string;

beforeAll(async () => {
  project = await newProject("types");
});

describe("the types", () => {
  it.each([
    ["to ES modules in Node", inModules, [...nodenext, ...inNode]],
    ["to ES modules that go through a bundler", inModules, [...bundler, ...inNode]],
    ["to suites in Node", ["testing.ts"], [...nodenext, ...inNode]],
    ["to suites in pages", ["testing.ts"], [...bundler, ...inPages]],
    ["to CommonJS", ["commonjs.cts"], [...nodenext, ...inNode]],
    ["to pages", ["page.ts", "assets.d.ts"], [...bundler, ...inPages]],
  ])("are correct %s", async (_, files, options) => {
    const outcome = await node(project, [compiler, ...strictly, ...options, ...files]);
    expect(outcome).toEqual(ok(""));
  });
});
