/**
 * A list of any length, of which only the visible items are in the document.
 *
 * @module
 */

import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
  Virtualizer,
} from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** Options of a list. */
export interface VirtualOptions {
  readonly count: number;
  /** The height of an item in pixels, before it is measured. */
  readonly height: number;
  readonly overscan?: number;
}

/** A list as its view uses it. */
export interface Virtual {
  /** The element that scrolls. */
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly items: readonly VirtualItem[];
  readonly totalHeight: number;
  /** Measures an item whose element has the attribute `data-index`. */
  readonly measure: (element: Element | null) => void;
  /** Scrolls until an item is visible. */
  readonly scrollTo: (index: number, align?: "auto" | "start" | "center" | "end") => void;
}

/** A list whose element scrolls. */
export function useVirtual({ count, height, overscan = 12 }: VirtualOptions): Virtual {
  const scroller = useRef<HTMLDivElement>(null);
  const [, setTimes] = useState(0);
  const made = useRef<Virtualizer<HTMLDivElement, Element> | undefined>(undefined);
  const options = {
    count,
    overscan,
    estimateSize: () => height,
    getScrollElement: () => scroller.current,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => setTimes((times) => times + 1),
  };
  made.current ??= new Virtualizer<HTMLDivElement, Element>(options);
  const virtualizer = made.current;
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  useLayoutEffect(() => {
    virtualizer.measure();
  }, [virtualizer, height]);
  return {
    scroller,
    items: virtualizer.getVirtualItems(),
    totalHeight: virtualizer.getTotalSize(),
    measure: virtualizer.measureElement,
    scrollTo: (index, align = "auto") => virtualizer.scrollToIndex(index, { align }),
  };
}
