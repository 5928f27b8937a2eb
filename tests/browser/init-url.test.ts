// Loading WebAssembly from a URL.

import { init, openSync } from "tenure";
import url from "tenure/wasm/tenure_wasm_bg.wasm?url";
import { expect, it } from "vitest";

it("init accepts a URL", async () => {
  const module = new URL(url, location.href);
  const loading = init({ module });
  await init({ module: module.href });
  await loading;
  await init({ module });
  using sessions = openSync("memory:");
  expect(sessions.start({ task: "t", mode: "m" }).status).toBe("active");
});
