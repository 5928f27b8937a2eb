// The packed package on a platform without an addon.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { installedIn, newProject } from "./support/project.js";
import { node } from "./support/run.js";

let project: string;

beforeAll(async () => {
  project = await newProject("esm");
  await rm(join(installedIn(project), "native"), { recursive: true });
});

describe("without an addon for the platform", () => {
  it("WebAssembly is used where possible, with one warning", async () => {
    const { status, stdout, stderr } = await node(project, ["life.js", "memory:"]);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^wasm: .* completed; 1 listed$/),
    });
    expect(stderr.match(/TENURE_WASM_FALLBACK/g)).toHaveLength(1);
  });

  it("SQLite is refused with the missing platform in the message", async () => {
    const { status, stderr } = await node(project, ["life.js", "sqlite:./life.db"]);
    expect(status).toBe(1);
    expect(stderr).toContain("code: 'BINDING_UNAVAILABLE'");
    const platform = `${process.platform}-${process.arch}`;
    expect(stderr).toMatch(new RegExp(`sqlite: needs the native addon: no .* for ${platform}`));
  });
});
