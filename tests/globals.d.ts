/** Where a test of the suite runs; vitest.config.ts sets it for each project. */
declare const __BUILD__: "native" | "wasm" | "browser";

/** The address of a file, as Vite gives it. */
declare module "*?url" {
  const url: string;
  // biome-ignore lint/style/noDefaultExport: that is how Vite gives it.
  export default url;
}

/** A document as text, as Vite serves it. */
declare module "*.md?raw" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: that is how Vite gives it.
  export default text;
}
