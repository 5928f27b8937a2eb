/** The build that a test of the suite runs on; vitest.config.ts sets it for each project. */
declare const __BUILD__: "native" | "wasm" | "browser";

/** The URL of a file, as a Vite import. */
declare module "*?url" {
  const url: string;
  // biome-ignore lint/style/noDefaultExport: Vite exports it as the default.
  export default url;
}

/** A document as text, as a Vite import. */
declare module "*.md?raw" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: Vite exports it as the default.
  export default text;
}
