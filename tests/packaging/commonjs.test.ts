// The packed package in a CommonJS project.

import { expect, it } from "vitest";
import { newProject } from "./support/project.js";
import { node, ok } from "./support/run.js";

it("a project of CommonJS requires the package, without a warning", async () => {
  const project = await newProject("commonjs");
  expect(await node(project, ["index.js"])).toEqual(
    ok("native completed\nwasm\ntrue true\ntrue true"),
  );
});
