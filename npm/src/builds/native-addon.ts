/**
 * Finds and loads the native addon that was built for this platform.
 *
 * @module
 */

import { createRequire } from "node:module";
import { bindingUnavailable, messageOf, TenureError } from "../values/error.js";
import { type Binding, type Build, buildOf } from "./binding.js";

const require = createRequire(import.meta.url);

let loaded: Build | TenureError | undefined;

/** The native build. Throws `BINDING_UNAVAILABLE` where there is none for this platform. */
export function nativeBuild(): Build {
  loaded ??= load();
  if (loaded instanceof TenureError) throw loaded;
  return loaded;
}

function load(): Build | TenureError {
  const platform = platformName();
  const path = `../../native/tenure-${platform}.node`;
  try {
    return buildOf(require(path) as Binding, "continue");
  } catch (thrown) {
    const missing = isMissing(thrown);
    const problem = missing
      ? `this package has no native addon for ${platform}`
      : `the native addon for ${platform} cannot be loaded: ${messageOf(thrown)}`;
    return bindingUnavailable(problem, thrown);
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "MODULE_NOT_FOUND";
}

function platformName(): string {
  const musl = process.platform === "linux" && !usesGlibc() ? "-musl" : "";
  return `${process.platform}-${process.arch}${musl}`;
}

/**
 * Whether Node runs on the GNU C library. Its version is in Node's report; with musl there is none.
 */
function usesGlibc(): boolean {
  const { report } = process;
  // Without this the report also resolves network interfaces, which can take seconds.
  if ("excludeNetwork" in report) report.excludeNetwork = true;
  const header: unknown = Object.entries(report.getReport()).find(
    ([name]) => name === "header",
  )?.[1];
  return typeof header === "object" && header !== null && "glibcVersionRuntime" in header;
}
