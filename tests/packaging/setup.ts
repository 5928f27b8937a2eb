// Packs the package as for publishing and installs it, once for all tests, and cleans up after them.

import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { ensureChromium } from "../../scripts/lib/chromium.mjs";
import { npm } from "../../scripts/lib/packages.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { bytes } from "../../scripts/lib/progress.mjs";

/** The packed package. */
export interface Packed {
  readonly tarball: string;
  /** The paths of its files. */
  readonly files: readonly string[];
  /** The folder of the projects that install it. */
  readonly workshop: string;
  /** A folder into which npm has installed it. */
  readonly installed: string;
}

declare module "vitest" {
  interface ProvidedContext {
    packed: Packed;
    chromium: string;
  }
}

interface Report {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

let workshop: string;

export async function setup({ provide }: TestProject): Promise<void> {
  workshop = await realpath(await mkdtemp(join(tmpdir(), "tenure-packaging-")));
  const options = ["--json", "--foreground-scripts=false", "--pack-destination", workshop];
  const { stdout } = await npm(["pack", ...options], inRoot("npm"));
  const [report] = JSON.parse(stdout) as readonly Report[];
  if (report === undefined) throw new Error("npm has packed nothing");
  const { filename, size, unpackedSize, files } = report;
  console.log(`packed ${filename}: ${bytes(size)}, unpacked ${bytes(unpackedSize)}`);
  const tarball = join(workshop, filename);
  provide("packed", {
    tarball,
    files: files.map(({ path }) => path),
    workshop,
    installed: await install(tarball),
  });
  provide("chromium", await ensureChromium());
}

/** Installs the package into a new folder as users do. */
async function install(tarball: string): Promise<string> {
  const folder = join(workshop, "installed");
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), '{"private":true}');
  // The package has no dependencies, so no registry is needed.
  const quietly = ["--offline", "--no-audit", "--no-fund", "--no-update-notifier"];
  await npm(["install", ...quietly, "--cache", join(folder, ".npm"), tarball], folder);
  return folder;
}

export async function teardown(): Promise<void> {
  await rm(workshop, { recursive: true, force: true });
}
