// Loading WebAssembly from a response.

import { init, openSync } from "tenure";
import url from "tenure/wasm/tenure_wasm_bg.wasm?url";
import { expect, it } from "vitest";

it("init accepts a Response", async () => {
  await init({ module: await fetch(url) });
  using sessions = openSync("memory:");
  expect(sessions.start({ task: "t", mode: "m" }).status).toBe("active");
});
