/**
 * Exports sessions of any size in parts, which are read one by one when they are needed. The core
 * makes the parts.
 *
 * @module
 */

import type { Ask, Params } from "../connection/call.js";
import { checkOptions, withOptions } from "../values/options.js";
import type { TrashOption } from "./operations.js";

/** The parts of the text that `export` returns. */
export async function* exportParts(
  ask: Ask<"async">,
  id: string,
  options: TrashOption = {},
): AsyncGenerator<string, void, undefined> {
  let after: string | undefined;
  do {
    const { text, next } = await ask("exportPart", () => partParams(id, options, after));
    if (text !== "") yield text;
    after = next;
  } while (after !== undefined);
}

/** See {@link exportParts}. */
export function* exportPartsSync(
  ask: Ask<"sync">,
  id: string,
  options: TrashOption = {},
): Generator<string, void, undefined> {
  let after: string | undefined;
  do {
    const { text, next } = ask("exportPart", () => partParams(id, options, after));
    if (text !== "") yield text;
    after = next;
  } while (after !== undefined);
}

function partParams(
  id: string,
  options: TrashOption,
  after: string | undefined,
): Params<"exportPart"> {
  // The core would take the position of a part, too.
  checkOptions(options, { trash: "any" });
  return withOptions(options, { id, after });
}
