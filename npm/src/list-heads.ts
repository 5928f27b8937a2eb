/**
 * The whole of `list` for a store that has no better way: the core picks and orders.
 *
 * @module
 */

import { type Build, parseAnswer, resultOf } from "./binding.js";
import { encode } from "./encode.js";
import type { StoredHead, StoredPage, StoredQuery } from "./stored.js";

/** Answers a query from all heads that a store has. */
export type ListHeads = (heads: Iterable<StoredHead>, query: StoredQuery) => StoredPage;

/** Makes the function for a build, which is there by the time that a store is asked for a list. */
export function listHeadsWith(build: () => Build): ListHeads {
  return (heads, query) => {
    const request = encode("query", { query, heads: [...heads] });
    return resultOf(parseAnswer<StoredPage>(build().binding.page(request)));
  };
}
