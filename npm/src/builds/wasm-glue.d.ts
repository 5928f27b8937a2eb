// The part of wasm-bindgen's glue that is used, imported as `#wasm`. It is written by hand because
// the build generates the glue, so it may not exist when this is compiled.

declare function init(source?: { module_or_path: unknown }): Promise<unknown>;

// biome-ignore lint/style/noDefaultExport: the glue has one.
export { init as default };
export function initSync(source: { module: BufferSource | WebAssembly.Module }): unknown;

export function info(): string;
export function hasRoom(bytes: number): boolean;
export function open(url: string, options: string): string;
export function call(
  handle: number,
  operation: string,
  params: string,
  now: number,
  entropy?: string,
  answers?: string,
): string;
export function start(
  handle: number,
  operation: string,
  params: string,
  now: number,
  entropy?: string,
  answers?: string,
): string;
export function resume(handle: number, operation: number, reply: string): string;
export function cancel(handle: number, operation: number): string;
export function setModels(handle: number, params: string): string;
export function allows(kind: string, version: number, stored: number): boolean | undefined;
export function rangeOf(
  kind: string,
  value: number,
  limit: number,
  eventCount: number,
): Float64Array | undefined;
export function userData(): string;
export function loadHeads(handle: number, bytes: Uint8Array): string;
export function close(handle: number): string;
export function startJob(name: string, params: string): string;
export function resumeJob(job: number, reply: string, elapsed: number): string;
export function cancelJob(job: number): string;
