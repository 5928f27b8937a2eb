// The contents of the packed package.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, sep } from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { installedIn, newProject } from "./support/project.js";

const { files } = inject("packed");

let installed: string;

beforeAll(async () => {
  installed = installedIn(await newProject("esm"));
});

describe("the packed package", () => {
  it("contains code, types and package metadata only", () => {
    const expected =
      /^(package\.json|README\.md|LICENSE-(MIT|APACHE)|dist\/([a-z]+\/)?[a-z-]+\.(js|d\.ts)|wasm\/(tenure_(wasm|testing)(_bg)?\.(js|wasm|d\.ts|wasm\.d\.ts)|tenure_complete_bg\.wasm)|bin\/tenure|native\/tenure-[a-z0-9-]+\.node|src\/(builds\/wasm|testing\/kit)-glue\.d\.ts)$/;
    expect(files.filter((path) => !expected.test(path))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "bin/tenure",
        "wasm/tenure_complete_bg.wasm",
        "wasm/tenure_wasm_bg.wasm",
        expect.stringMatching(
          new RegExp(`^native/tenure-${process.platform}-${process.arch}(-musl)?\\.node$`),
        ),
      ]),
    );
  });

  it("has types for every module", () => {
    const modules = files.filter((path) => /^dist\/.*\.js$/.test(path));
    const typed = modules.map((path) => path.replace(/\.js$/, ".d.ts"));
    expect(files).toEqual(expect.arrayContaining(typed));
  });

  it("contains every file that its manifest names", () => {
    const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    const { main, types, bin, exports, imports } = manifest;
    const named = targets({ main, types, bin, exports, imports });
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
  });

  it("contains the command, which starts without Node", () => {
    const command = join(installed, "..", ".bin", "tenure");
    const said = execFileSync(command, ["--version"], { encoding: "utf8", env: {} });
    const { version } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    expect(said).toBe(`tenure ${version}\n`);
  });

  it("has no dependencies and no install scripts", () => {
    const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    expect(manifest).not.toHaveProperty("dependencies");
    expect(Object.keys(manifest.scripts ?? {})).not.toContainEqual(
      expect.stringMatching(/install$|^prepare$/),
    );
  });

  it("contains no path of the build machine", () => {
    const repository = join(import.meta.dirname, "..", "..");
    const { CARGO_HOME, RUSTUP_HOME } = process.env;
    const folders = [repository, homedir(), CARGO_HOME, RUSTUP_HOME]
      .filter((folder) => folder !== undefined && dirname(folder) !== folder)
      .map((folder) => `${folder}${sep}`);
    const found = files.flatMap((path) => {
      const content = readFileSync(join(installed, path));
      return folders
        .filter((folder) => content.includes(folder))
        .map((folder) => `${path}: ${folder}`);
    });
    expect(found).toEqual([]);
  });
});

/** All paths in a part of a manifest. */
function targets(part: unknown): string[] {
  if (typeof part === "string") return [part];
  if (typeof part !== "object" || part === null) return [];
  return Object.values(part).flatMap(targets);
}
