// Before the WebAssembly is there.

import { init, isTenureError, open, openSync } from "tenure";
import { expect, it } from "vitest";
import { code } from "../support/failures.js";

it("a handle without promises waits for init, and one with promises for nothing", async () => {
  expect(await code(() => openSync("memory:"))).toBe("WASM_NOT_READY");
  expect(await code(init({ module: "/no/such/file.wasm" }))).toBe("BINDING_UNAVAILABLE");
  expect(await code(() => openSync("memory:"))).toBe("WASM_NOT_READY");
  const [one, other] = await Promise.all([open("memory:"), open("memory:")]);
  expect([one.binding, other.binding]).toEqual(["wasm", "wasm"]);
  using sessions = openSync("memory:");
  expect(sessions.start({ task: "t", mode: "m" }).status).toBe("active");
  await init({ module: "/no/such/file.wasm" });
});

it("what only Node can open is refused", async () => {
  const error: unknown = await open().catch((error: unknown) => error);
  expect(isTenureError(error, "UNSUPPORTED_STORE")).toBe(true);
});
