/**
 * Lists that the store returns in pages, which a view reads one by one.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { type Loaded, useLoaded } from "./load.js";

/** A page of a list. */
export interface ListPage<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

/** The items that have been read. */
export interface Paged<Item> extends Loaded<readonly Item[]> {
  /** Reads another page; absent at the end. */
  readonly onMore: (() => void) | undefined;
}

/** Reads pages, again when one of the inputs changes. */
export function usePages<Item>(
  read: (cursor: string | undefined) => Promise<ListPage<Item>>,
  inputs: readonly unknown[],
): Paged<Item> {
  const [pages, setPages] = useState(1);
  const { value, error, reload } = useLoaded(async () => {
    const items: Item[] = [];
    let cursor: string | undefined;
    let isFirst = true;
    for (let at = 0; at < pages && (isFirst || cursor !== undefined); at += 1) {
      const page: ListPage<Item> = await read(cursor);
      items.push(...page.items);
      cursor = page.nextCursor;
      isFirst = false;
    }
    return { items, hasMore: cursor !== undefined };
  }, [...inputs, pages]);
  return {
    value: value?.items,
    error,
    reload,
    onMore: value?.hasMore ? () => setPages(pages + 1) : undefined,
  };
}
