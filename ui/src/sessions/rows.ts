/**
 * The rows of the list. The mirror lists the pages that are visible; nothing else is read.
 *
 * @module
 */

import { useMemo } from "preact/hooks";
import type { Filter, ListOptions, Mirror, SessionHead, Stats } from "tenure";
import { opened, sessionsRevision } from "../store.js";

/** The number of rows that are listed at a time. */
const PAGE = 100;

/** The matching sessions in their order. */
export interface Rows {
  /** Statistics of the matching sessions. */
  readonly stats: Stats;
  readonly total: number;
  /** The session in a row; `undefined` if it has just left the list. */
  at(index: number): SessionHead | undefined;
  /** The row of a session among those that are loaded. */
  indexOf(id: string): number;
  /** The ids of all matching sessions, up to a limit. */
  ids(limit: number): readonly string[];
}

/** Lists the sessions of a filter, again whenever sessions have changed. Returns the error of a wrong filter. */
export function useRows(
  filter: Filter,
  order: Pick<ListOptions, "orderBy" | "direction">,
): Rows | { readonly error: unknown } {
  const { mirror } = opened();
  const revision = sessionsRevision.value;
  const key = JSON.stringify([filter, order]);
  return useMemo(() => {
    try {
      return rowsOf(mirror, filter, order);
    } catch (error) {
      return { error };
    }
  }, [mirror, key, revision]);
}

/** The last counts, which the list and its filters both show. */
let counted: { readonly mirror: Mirror; readonly key: string; readonly stats: Stats } | undefined;

/** Statistics of the sessions of a filter. They are counted once after each change. */
export function countsOf(mirror: Mirror, filter: Filter): Stats {
  // Whatever shows the counts is rendered again after a change.
  const key = JSON.stringify([sessionsRevision.value, filter]);
  if (counted?.mirror !== mirror || counted.key !== key) {
    counted = { mirror, key, stats: mirror.stats(filter) };
  }
  return counted.stats;
}

function rowsOf(
  mirror: Mirror,
  filter: Filter,
  order: Pick<ListOptions, "orderBy" | "direction">,
): Rows {
  const stats = countsOf(mirror, filter);
  const pages = new Map<number, readonly SessionHead[]>();
  /** The cursors of pages that come after one that is loaded: those are found at once. */
  const cursors = new Map<number, string>();
  const load = (page: number): readonly SessionHead[] => {
    const heads: SessionHead[] = [];
    let cursor = cursors.get(page);
    do {
      const start = cursor === undefined ? { offset: page * PAGE } : { cursor };
      const found = mirror.list({ ...filter, ...order, ...start, limit: PAGE - heads.length });
      heads.push(...found.items);
      cursor = found.nextCursor;
      // A page of large sessions ends earlier.
    } while (heads.length < PAGE && cursor !== undefined);
    if (cursor !== undefined) cursors.set(page + 1, cursor);
    return heads;
  };
  return {
    stats,
    total: stats.total,
    at(index) {
      const page = Math.floor(index / PAGE);
      let heads = pages.get(page);
      if (heads === undefined) {
        heads = load(page);
        pages.set(page, heads);
      }
      return heads[index % PAGE];
    },
    indexOf(id) {
      for (const [page, heads] of pages) {
        const at = heads.findIndex((head) => head.id === id);
        if (at >= 0) return page * PAGE + at;
      }
      return -1;
    },
    ids(limit) {
      const ids: string[] = [];
      for (const { id } of mirror.list({ ...filter, ...order, limit: Math.min(limit, 1000) })) {
        ids.push(id);
        if (ids.length === limit) break;
      }
      return ids;
    },
  };
}
