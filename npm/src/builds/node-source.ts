/**
 * The build in Node: the native addon, or WebAssembly if there is no addon for the platform and the
 * store does not need it. The environment variable `TENURE_BINDING` (`native` or `wasm`) overrides
 * this.
 *
 * @module
 */

import { type Target, urlOf } from "../stores/target.js";
import { bindingUnavailable, messageOf } from "../values/error.js";
import type { Build } from "./binding.js";
import { nativeBuild } from "./native-addon.js";
import type { Source } from "./source.js";
import { wasmBuild } from "./wasm-file.js";

let warned = false;

/** The source of the build in Node. It loads synchronously. */
export const nodeSource: Source = { now: buildFor, prepare: () => undefined };

function buildFor(target: Target | undefined): Build {
  const forced = process.env.TENURE_BINDING || undefined;
  switch (forced) {
    case "native":
      return nativeBuild();
    case "wasm":
      return wasmBuild();
    case undefined:
      try {
        return nativeBuild();
      } catch (thrown) {
        return wasmFallback(target, thrown);
      }
    default:
      throw bindingUnavailable(
        `TENURE_BINDING is ${JSON.stringify(forced)}: expected "native" or "wasm"`,
      );
  }
}

/** The WebAssembly build as a fallback, for the stores that it supports. */
function wasmFallback(target: Target | undefined, thrown: unknown): Build {
  const url = urlOf(target);
  const scheme = url.slice(0, url.indexOf(":"));
  const build = tryWasm();
  if (!build?.info.stores.includes(scheme)) {
    throw bindingUnavailable(`${scheme}: needs the native addon: ${messageOf(thrown)}`, thrown);
  }
  if (!warned) {
    warned = true;
    process.emitWarning(`${messageOf(thrown)}: using WebAssembly instead`, {
      code: "TENURE_WASM_FALLBACK",
    });
  }
  return build;
}

function tryWasm(): Build | undefined {
  try {
    return wasmBuild();
  } catch {
    return undefined;
  }
}
