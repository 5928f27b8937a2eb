// Loading WebAssembly from bytes.

import { init, openSync } from "tenure";
import url from "tenure/wasm/tenure_wasm_bg.wasm?url";
import { expect, it } from "vitest";

it("init accepts bytes", async () => {
  await init({ module: await (await fetch(url)).arrayBuffer() });
  using sessions = openSync("memory:");
  expect(sessions.start({ task: "t", mode: "m" }).status).toBe("active");
});
