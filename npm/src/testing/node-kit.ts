/**
 * The conformance kit in Node: read from the package's files on first use.
 *
 * @module
 */

import { locations } from "#files/testing";
import * as glue from "#testing";
import { instantiated } from "../builds/wasm-file.js";
import { Kit } from "./kit.js";

let kit: Kit | undefined;

/** Returns the kit. */
export function nodeKit(): Kit {
  kit ??= new Kit(instantiated(glue, "tenure_testing_bg.wasm", locations));
  return kit;
}

/** The default scale: the environment variable `TENURE_TEST_SCALE`, or a tenth. */
export function nodeScale(): number {
  const scale = Number(process.env.TENURE_TEST_SCALE);
  return scale > 0 ? scale : 0.1;
}
