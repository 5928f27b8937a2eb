// Loading the WebAssembly from what the caller has at hand.

import { init, openSync } from "tenure";
import url from "tenure/wasm/tenure_wasm_bg.wasm?url";
import { expect, it } from "vitest";

it("init takes module", async () => {
  await init({ module: await WebAssembly.compileStreaming(fetch(url)) });
  using sessions = openSync("memory:");
  expect(sessions.start({ task: "t", mode: "m" }).status).toBe("active");
});
