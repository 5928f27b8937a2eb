/**
 * The kit where there is no Node: fetched when it is first asked for.
 *
 * @module
 */

import * as glue from "#testing";
import { fetchInto } from "../builds/wasm-fetch.js";
import { Kit } from "./kit.js";

let loading: Promise<Kit> | undefined;

/** The kit. */
export function browserKit(): Promise<Kit> {
  loading ??= load();
  return loading;
}

/** A tenth: there is no environment to ask. */
export function browserScale(): number {
  return 0.1;
}

async function load(): Promise<Kit> {
  try {
    await fetchInto(glue, "tenure_testing_bg.wasm");
    return new Kit(glue);
  } catch (thrown) {
    // After a failure, such as a lost connection, the next call tries again.
    loading = undefined;
    throw thrown;
  }
}
