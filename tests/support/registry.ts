// A registry for tests: one that no other process of this machine uses.

import { newFolder } from "./folders.js";

/** What makes a process use a registry of its own, as variables of its environment. */
export function newRegistry(): { readonly XDG_RUNTIME_DIR: string } {
  return { XDG_RUNTIME_DIR: newFolder() };
}
