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
const [, compiler5 = ""] = nodeTool("typescript-5", "tsc", tests);
const nodeTypes = dirname(dirname(fileURLToPath(import.meta.resolve("@types/node/package.json"))));

const strictly = [
  ...["--noEmit", "--pretty", "false"],
  ...["--target", "es2022"],
  ...["--strict", "--skipLibCheck", "false"],
  ...["--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"],
];
const nodenext = ["--module", "nodenext"];
const node16 = ["--module", "node16"];
// TypeScript 7 does not have it any more.
const node10 = ["--module", "commonjs", "--moduleResolution", "node10"];
const bundler = ["--module", "preserve", "--moduleResolution", "bundler"];
const inNode = ["--lib", "es2022", "--typeRoots", nodeTypes, "--types", "node"];
const inPages = ["--lib", "es2022,dom,dom.iterable", "--types", ""];

const inModules = ["node.ts", "compat.ts", "own-types.ts", "outcomes.ts"];
/** ES modules and CommonJS. */
const everywhere = [...inModules, "testing.ts", "commonjs.cts"];

let project: string;

beforeAll(async () => {
  project = await newProject("types");
});

describe("the types", () => {
  it.each([
    ["to ES modules, CommonJS and suites in Node", everywhere, [...nodenext, ...inNode]],
    ["to ES modules that go through a bundler", inModules, [...bundler, ...inNode]],
    [
      "to pages and suites in them",
      ["page.ts", "assets.d.ts", "testing.ts"],
      [...bundler, ...inPages],
    ],
  ])("are correct %s", async (_, files, options) => {
    const outcome = await node(project, [compiler, ...strictly, ...options, ...files]);
    expect(outcome).toEqual(ok(""));
  });

  it.each([
    ["under node10, with TypeScript 5", compiler5, node10, [...inModules, "testing.ts"]],
    // TypeScript 7 checks the same declarations in a tenth of the time.
    ["under node16, with TypeScript 5", compiler5, [...node16, "--skipLibCheck"], everywhere],
    ["under node16, with TypeScript 7", compiler, node16, everywhere],
  ])("are correct %s", async (_, compiler, resolution, files) => {
    const options = [...strictly, ...resolution, ...inNode];
    expect(await node(project, [compiler, ...options, ...files])).toEqual(ok(""));
  });
});
