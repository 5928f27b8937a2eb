// The part of wasm-bindgen's glue for the conformance kit that is used, imported as `#testing`. It
// is written by hand because the build generates the glue, so it may not exist when this is
// compiled.

declare function init(source?: { module_or_path: unknown }): Promise<unknown>;

// biome-ignore lint/style/noDefaultExport: the glue has one.
export { init as default };
export function initSync(source: { module: BufferSource | WebAssembly.Module }): unknown;

export function cases(): string;
export function start(name: string, scale: number): string;
export function resume(run: number, reply: string): string;
export function cancel(run: number): string;
