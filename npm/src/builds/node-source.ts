/**
 * Where Node has its build from: the native addon, or the WebAssembly where there is no addon for the
 * platform and the store does not need one. `TENURE_BINDING=native` or `=wasm` in the environment
 * decides.
 *
 * @module
 */

import { createRequire } from "node:module";
import { type Target, urlOf } from "../stores/target.js";
import { bindingUnavailable, messageOf } from "../values/error.js";
import type { Build } from "./binding.js";
import { nativeBuild } from "./native-addon.js";
import type { Source } from "./source.js";
import { type Glue, wasmBuild } from "./wasm-file.js";

const require = createRequire(import.meta.url);

let warned = false;

/** Node's build: there at once. */
export const nodeSource: Source = { now: buildFor, prepare: () => undefined };

function buildFor(target: Target | undefined): Build {
  const forced = process.env.TENURE_BINDING || undefined;
  switch (forced) {
    case "native":
      return nativeBuild();
    case "wasm":
      return wasm();
    case undefined:
      try {
        return nativeBuild();
      } catch (thrown) {
        return instead(target, thrown);
      }
    default:
      throw bindingUnavailable(
        `TENURE_BINDING is ${JSON.stringify(forced)}: expected "native" or "wasm"`,
      );
  }
}

/** The WebAssembly in place of the addon, for the stores that it serves. */
function instead(target: Target | undefined, thrown: unknown): Build {
  const url = urlOf(target);
  const scheme = url.slice(0, url.indexOf(":"));
  const build = wasmIfThere();
  if (!build?.info.stores.includes(scheme)) {
    throw bindingUnavailable(`${messageOf(thrown)}, which ${url} needs`, thrown);
  }
  if (!warned) {
    warned = true;
    process.emitWarning(`${messageOf(thrown)}: using WebAssembly instead`, {
      code: "TENURE_WASM_FALLBACK",
    });
  }
  return build;
}

function wasmIfThere(): Build | undefined {
  try {
    return wasm();
  } catch {
    return undefined;
  }
}

function wasm(): Build {
  // Only loaded when it is needed, and then at once: Node requires modules that await nothing.
  return wasmBuild(() => require("../../wasm/tenure_wasm.js") as Glue);
}
