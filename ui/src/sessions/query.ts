/**
 * The filter and the order of the list in the address of the view. The parameters have the names of the
 * properties of `list`, so that the core checks their values.
 *
 * @module
 */

import type { Filter, ListOptions } from "tenure";

/** The parameters that are lists of words. */
const LISTS = ["status", "phase", "taskIds", "slotPhase"] as const;
/** The parameters that are one text. */
const TEXTS = [
  "text",
  "mode",
  "model",
  "userId",
  "channelId",
  "parentId",
  "createdAfter",
  "createdBefore",
  "updatedAfter",
  "updatedBefore",
  "trash",
] as const;

/** The parameters that are one number. */
const NUMBERS = ["minIterations", "maxIterations"] as const;

/** The parameters of a filter. */
export const FILTERS: readonly string[] = [...LISTS, ...TEXTS, ...NUMBERS];
/** The parameters of the list: those of the filter, and the order. */
export const PARAMETERS: readonly string[] = [...FILTERS, "orderBy", "direction"];

/** The filter in an address. */
export function filterOf(query: URLSearchParams): Filter {
  const filter: Record<string, string | number | readonly string[]> = {};
  for (const name of TEXTS) {
    const value = query.get(name);
    if (value) filter[name] = value;
  }
  for (const name of NUMBERS) {
    const value = query.get(name);
    if (value) filter[name] = /^\d+$/.test(value) ? Number(value) : value;
  }
  for (const name of LISTS) {
    const value = query.get(name);
    if (value) filter[name] = value.split(",");
  }
  for (const [name, value] of query) if (!PARAMETERS.includes(name)) filter[name] = value;
  // The core says which of them are no statuses, no phases, no times, no numbers and no filters at all.
  return filter as Filter;
}

/** The order in an address. */
export function orderOf(query: URLSearchParams): Pick<ListOptions, "orderBy" | "direction"> {
  const order: Record<string, string> = {};
  for (const name of ["orderBy", "direction"]) {
    const value = query.get(name);
    if (value) order[name] = value;
  }
  return order as Pick<ListOptions, "orderBy" | "direction">;
}

/** The parameters with one replaced; an empty value removes it. */
export function withParameter(
  query: URLSearchParams,
  name: string,
  value: string | undefined,
): URLSearchParams {
  const next = new URLSearchParams(query);
  if (value === undefined || value === "") next.delete(name);
  else next.set(name, value);
  return next;
}

/** The parameters with a word of a list added, or removed if it is there. */
export function withToggled(query: URLSearchParams, name: string, word: string): URLSearchParams {
  const words = new Set(
    query
      .get(name)
      ?.split(",")
      .filter((word) => word !== ""),
  );
  if (!words.delete(word)) words.add(word);
  return withParameter(query, name, [...words].join(","));
}
