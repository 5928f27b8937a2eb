/** The build that a test of the suite runs on; vitest.config.ts sets it for each project. */
declare const __BUILD__: "native" | "wasm" | "browser";

/** The URL of a file, as a Vite import. */
declare module "*?url" {
  const url: string;
  // biome-ignore lint/style/noDefaultExport: Vite exports it as the default.
  export default url;
}

/** The store of the guide to writing a store. */
declare module "example:store.ts" {
  export const MapStore: new () => import("tenure").Store;
}
/** The guide's check of its store. */
declare module "example:check.ts";

/** A document as text, as a Vite import. */
declare module "*.md?raw" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: Vite exports it as the default.
  export default text;
}
