/**
 * Finds and loads the native addon that was built for this platform.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { locations } from "#files/addons";
import { bindingUnavailable, messageOf, TenureError } from "../values/error.js";
import { VERSION } from "../values/version.js";
import { nodePost } from "../webhooks/node-post.js";
import { type Binding, type Build, buildOf } from "./binding.js";
import { adviceFor, findFile, requireFrom } from "./package-file.js";

let loaded: Build | TenureError | undefined;

/** The native build. Throws `BINDING_UNAVAILABLE` where there is none for this platform. */
export function nativeBuild(): Build {
  loaded ??= load();
  if (loaded instanceof TenureError) throw loaded;
  return loaded;
}

function load(): Build | TenureError {
  const platform = platformName();
  const name = `tenure-${platform}.node`;
  const path = findFile("native", name, locations);
  if (path === undefined) {
    const problem =
      name in locations
        ? `no native addon for ${platform} was found: ${adviceFor("native", name)}`
        : `this package has no native addon for ${platform}`;
    return bindingUnavailable(problem);
  }
  let build: Build;
  try {
    const addon = requireFrom(path)(path) as Binding;
    build = buildOf({ ...addon, page: pageBeside(path) }, "continue", nodePost);
  } catch (thrown) {
    const problem = `the native addon for ${platform} cannot be loaded: ${messageOf(thrown)}`;
    return bindingUnavailable(problem, thrown);
  }
  const { version } = build.info;
  if (version === VERSION) return build;
  return bindingUnavailable(
    `${path} is of version ${version}, and the code of version ${VERSION}: copy the addon again`,
  );
}

/** The folder of the web UI in the package of an addon. A bundle has none. */
function pageBeside(addon: string): string | undefined {
  const folder = join(dirname(dirname(addon)), "ui");
  return existsSync(join(folder, "server.html")) ? folder : undefined;
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
