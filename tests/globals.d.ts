/** Where a test of the suite runs; vitest.config.ts sets it for each project. */
declare const __BUILD__: "native" | "wasm" | "browser";
