/**
 * The conformance kit in browsers: fetched on first use.
 *
 * @module
 */

import * as glue from "#testing";
import { browserSource } from "../builds/browser-source.js";
import { fetchInto } from "../builds/wasm-fetch.js";
import { Kit } from "./kit.js";

let loading: Promise<Kit> | undefined;

/** Returns the kit. */
export function browserKit(): Promise<Kit> {
  loading ??= load();
  return loading;
}

/** The default scale: a tenth. Browsers have no environment variables. */
export function browserScale(): number {
  return 0.1;
}

async function load(): Promise<Kit> {
  try {
    // A store under test may call `storeRules`, which need the other module.
    await Promise.all([fetchInto(glue, "tenure_testing_bg.wasm"), browserSource.prepare()]);
    return new Kit(glue);
  } catch (thrown) {
    // After a failure, such as a lost connection, the next call retries.
    loading = undefined;
    throw thrown;
  }
}
