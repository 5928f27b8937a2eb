// The packed package in an ES module project in Node.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { installedIn, newProject } from "./support/project.js";
import { node, ok } from "./support/run.js";

let project: string;

beforeAll(async () => {
  project = await newProject("esm");
});

describe("a project of ES modules", () => {
  const life = "start iteration tool_call pause resume complete; completed; 1 listed";

  it.each([
    ["sqlite:./life.db", "tenure", {}, "native"],
    ["memory:", "tenure", {}, "native"],
    ["memory:", "tenure", { TENURE_BINDING: "wasm" }, "wasm"],
    ["memory:", "tenure/wasm", {}, "wasm"],
  ])("runs over %s with %s %o, and exits normally", async (url, entry, env, build) => {
    const outcome = await node(project, ["life.js", url, entry], { env });
    expect(outcome).toEqual(ok(`${build}: ${life}`));
  });

  it("imports both entry points by name, with one error class and one version", async () => {
    const manifest = await readFile(join(installedIn(project), "package.json"), "utf8");
    const { version } = JSON.parse(manifest);
    const caught = "INVALID_ID true true INVALID_ID true true CLOSED";
    expect(await node(project, ["static.js"])).toEqual(ok(`${version} ${version} ${caught}`));
  });

  it("imports the modules of tenure/compat, with the units of each", async () => {
    const refused = "INVALID_ARGUMENT INVALID_ARGUMENT";
    expect(await node(project, ["modules.js"])).toEqual(ok(`completed ${refused} 0`));
  });

  it("exits after the pending calls", async () => {
    expect(await node(project, ["pending.js"])).toEqual(ok("waiting\nall are done"));
  });

  it("writes to one database from two threads without losing anything", async () => {
    const { stdout, ...rest } = await node(project, ["threads.js"]);
    expect(rest).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      codes: [0, 0],
      // The events of both writers, and the start event.
      events: 401,
      inOrder: [true, true],
      own: 40,
    });
  });
});
