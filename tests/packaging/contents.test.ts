// The contents of the packed package.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, sep } from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { linkedFiles } from "../support/readme.js";
import { installedIn, newProject } from "./support/project.js";

const { files } = inject("packed");

let installed: string;

beforeAll(async () => {
  installed = installedIn(await newProject("esm"));
});

describe("the packed package", () => {
  it("contains code, types, documents and package metadata only", () => {
    const expected = [
      /^(package\.json|(README|CHANGELOG)\.md|LICENSE-(MIT|APACHE)|docs\/[a-z-]+\.(md|svg))$/,
      /^dist\/(commonjs\/)?([a-z]+\/)?[a-z-]+\.(js|d\.ts)$/,
      /^dist\/commonjs\/(package\.json|wasm\/tenure_(wasm|testing)\.js)$/,
      /^wasm\/(tenure_(wasm|testing)(_bg)?\.(js|wasm|d\.ts|wasm\.d\.ts)|tenure_complete_bg\.wasm)$/,
      /^(bin\/tenure|native\/tenure-[a-z0-9-]+\.node)$/,
      /^ui\/((index|server)\.html|(files|manifest)\.(json|webmanifest)|icon\.svg|service-worker\.js)$/,
      /^ui\/assets\/[a-z_]+-[\w-]{8}\.(js|css|wasm)$/,
      /^src\/(builds\/(wasm-glue|locations)|testing\/kit-glue)\.d\.ts$/,
    ];
    const isExpected = (path: string) => expected.some((paths) => paths.test(path));
    expect(files.filter((path) => !isExpected(path))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        "CHANGELOG.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "bin/tenure",
        ...readdirSync(inRoot("docs"), { withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map(({ name }) => `docs/${name}`),
        "ui/index.html",
        "ui/server.html",
        "wasm/tenure_complete_bg.wasm",
        "wasm/tenure_wasm_bg.wasm",
        expect.stringMatching(
          new RegExp(`^native/tenure-${process.platform}-${process.arch}(-musl)?\\.node$`),
        ),
      ]),
    );
  });

  it("has types for every module", () => {
    // No declaration refers to those that only the code of the package imports.
    const modules = files.filter((path) => /^dist\/(?!(.*\/)?(files|wasm)\/).*\.js$/.test(path));
    const typed = modules.map((path) => path.replace(/\.js$/, ".d.ts"));
    expect(files).toEqual(expect.arrayContaining(typed));
  });

  it("contains every file that its manifest names", () => {
    const { main, types, typesVersions, bin, exports, imports } = manifestOf(installed);
    const named = targets({ main, types, typesVersions, bin, exports, imports });
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
  });

  it("links to files that it contains, or to its repository", () => {
    const { repository, bugs, homepage } = manifestOf(installed);
    const page = repository.url.replace(/^git\+|\.git$/g, "");
    expect(bugs).toBe(`${page}/issues`);
    expect(homepage).toBe(`${page}#readme`);
    const documents = files
      .filter((path) => path.endsWith(".md"))
      .map((path) => [path, readFileSync(join(installed, path), "utf8")] as const);
    const links = documents.flatMap(([path, text]) =>
      linkedFiles(text).map((file) => join(dirname(path), file)),
    );
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter((file) => !files.includes(file))).toEqual([]);
    const elsewhere = documents.flatMap(([, text]) => [
      ...text.matchAll(/\]\(([^)\s]+)\/(?:blob|raw)\/HEAD\/([^)#\s]+)/g),
    ]);
    expect(elsewhere.length).toBeGreaterThan(0);
    for (const [, host, file = ""] of elsewhere) {
      expect(host).toBe(page);
      expect(existsSync(inRoot(file)), file).toBe(true);
    }
  });

  it("contains the command, which starts without Node", () => {
    const command = join(installed, "..", ".bin", "tenure");
    const said = execFileSync(command, ["--version"], { encoding: "utf8", env: {} });
    const { version } = manifestOf(installed);
    expect(said).toBe(`tenure ${version}\n`);
  });

  it("has no dependencies and no install scripts", () => {
    const manifest = manifestOf(installed);
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

/** The manifest of the installed package. */
const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** All paths in a part of a manifest. */
function targets(part: unknown): string[] {
  if (typeof part === "string") return [part];
  if (typeof part !== "object" || part === null) return [];
  return Object.values(part).flatMap(targets);
}
