// The package's types without Node: compiled, never run.

import { type InitOptions, init, open, openSync, type Session } from "tenure";
import * as wasm from "tenure/wasm";
import address from "tenure/wasm/tenure_wasm_bg.wasm?url";

export async function use(module: WebAssembly.Module, bytes: Uint8Array): Promise<Session> {
  await init();
  for (const source of [module, bytes, fetch(address), new URL(address, location.href)]) {
    await init({ module: await source });
  }
  wasm.open satisfies typeof open;
  const sync = openSync("memory:");
  sync.on("error", ({ code, message }) => console.error(code, message));
  await using sessions = await open("memory:", {
    webhook: { url: "/hooks", fetch: (url, options) => fetch(url, options) },
  });
  // @ts-expect-error: there is no such property
  ({ modul: module }) satisfies InitOptions;
  // @ts-expect-error: a number is no source to load from
  await init({ module: 7 });
  return sessions.start({ mode: "writer", task: "Draft" });
}
