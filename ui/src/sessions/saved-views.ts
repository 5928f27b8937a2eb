/**
 * Views of the list that a person has saved in this browser: names for filters.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** A filter with a name. */
export interface SavedView {
  readonly name: string;
  /** The parameters of the address. */
  readonly query: string;
}

/** The views that everybody has. */
export const BUILT_IN: readonly SavedView[] = [
  { name: "All", query: "" },
  { name: "Running", query: "status=active" },
  { name: "Waiting for approval", query: "status=paused&phase=approval" },
  { name: "Failed or timed out", query: "status=failed%2Ctimeout" },
  { name: "Trash", query: "trash=only" },
];

const KEY = "tenure.views";

/** The saved views. */
export const savedViews = signal<readonly SavedView[]>(read());

globalThis.addEventListener("storage", ({ key }) => {
  if (key === KEY) savedViews.value = read();
});

/** Saves a view. One of the same name is replaced. */
export function saveView(view: SavedView): void {
  write([...savedViews.peek().filter(({ name }) => name !== view.name), view]);
}

/** Removes a view. */
export function removeView(name: string): void {
  write(savedViews.peek().filter((view) => view.name !== name));
}

function write(views: readonly SavedView[]): void {
  savedViews.value = views;
  try {
    localStorage.setItem(KEY, JSON.stringify(views));
  } catch {
    // A browser that stores nothing keeps them until the page is closed.
  }
}

function read(): readonly SavedView[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isView) : [];
  } catch {
    return [];
  }
}

function isView(value: unknown): value is SavedView {
  if (typeof value !== "object" || value === null) return false;
  const { name, query } = value as Partial<Record<keyof SavedView, unknown>>;
  return typeof name === "string" && typeof query === "string";
}
