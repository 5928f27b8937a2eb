/**
 * The colours of the page: those of the system, or light or dark ones.
 *
 * @module
 */

import { effect, signal } from "@preact/signals";

const KEY = "tenure.theme";
const THEMES = ["system", "light", "dark"] as const;

/** The name of a theme. */
export type Theme = (typeof THEMES)[number];

/** The chosen theme. */
export const theme = signal<Theme>(read());

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // A browser that stores nothing keeps it until the page is closed.
  }
});

/** Chooses the next theme. */
export function nextTheme(): void {
  const at = THEMES.indexOf(theme.peek());
  theme.value = THEMES[(at + 1) % THEMES.length] ?? "system";
}

function read(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return THEMES.find((name) => name === stored) ?? "system";
  } catch {
    return "system";
  }
}
