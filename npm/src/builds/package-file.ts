/**
 * Finds the files of the package that are no code: the native addons and the WebAssembly modules.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The locations of files, by their names. */
export type Locations = Readonly<Record<string, () => URL | string>>;

/**
 * The path of a file in a folder of the package. Where a bundler has moved the code without the file,
 * the file is searched for beside the code, and in the package that is installed there.
 */
export function findFile(
  folder: "native" | "wasm",
  name: string,
  locations: Locations,
): string | undefined {
  const candidates = [
    () => pathOf(locations[name]?.()),
    () => join(runningFolder(), name),
    () => join(dirname(requireFrom(runningFile()).resolve("tenure/package.json")), folder, name),
  ];
  for (const candidate of candidates) {
    try {
      const path = candidate();
      if (path !== undefined && existsSync(path)) return path;
    } catch {
      // Bundles that are CommonJS have no `import.meta.url`, and the package may not be installed.
    }
  }
  return undefined;
}

/** What to do about a file that was not found. */
export function adviceFor(folder: "native" | "wasm", name: string): string {
  return `copy ${folder}/${name} of the package tenure into ${runningFolder()} (docs/deploying.md)`;
}

/** The `require` of a file. Bundlers do not see it, so they leave its calls as they are. */
export function requireFrom(path: string): NodeJS.Require {
  return process.getBuiltinModule("node:module").createRequire(path);
}

function pathOf(location: URL | string | undefined): string | undefined {
  return location instanceof URL ? fileURLToPath(location) : location;
}

function runningFolder(): string {
  return dirname(runningFile());
}

/**
 * The file that runs this code, which is the bundle if there is one. It is read from the call stack:
 * bundlers replace `import.meta.url` and `__filename`, some of them by a path of the build machine.
 */
function runningFile(): string {
  const file = filesOfCalls().find((file) => typeof file === "string") ?? process.argv[1] ?? "";
  return file.startsWith("file:") ? fileURLToPath(file) : file;
}

/** The files of the functions on the call stack. There are none if the intrinsics are frozen. */
function filesOfCalls(): readonly (string | null | undefined)[] {
  const { prepareStackTrace } = Error;
  let files: readonly (string | null | undefined)[] = [];
  const prepare = (_: Error, sites: readonly NodeJS.CallSite[]): void => {
    files = sites.map((site) => site.getFileName());
  };
  if (!Reflect.set(Error, "prepareStackTrace", prepare)) return [];
  // Reading it makes it.
  void new Error().stack;
  if (prepareStackTrace) Error.prepareStackTrace = prepareStackTrace;
  else Reflect.deleteProperty(Error, "prepareStackTrace");
  return files;
}
