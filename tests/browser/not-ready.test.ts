// Calls before WebAssembly is loaded.

import { init, isTenureError, open, openSync } from "tenure";
import { expect, it } from "vitest";
import { code, failure } from "../support/failures.js";

it("openSync needs init, and open does not", async () => {
  expect(await code(() => openSync("memory:"))).toBe("WASM_NOT_READY");
  expect(await code(init({ module: "/no/such/file.wasm" }))).toBe("BINDING_UNAVAILABLE");
  expect(await code(() => openSync("memory:"))).toBe("WASM_NOT_READY");
  const [one, other] = await Promise.all([open("memory:"), open("memory:")]);
  expect([one.binding, other.binding]).toEqual(["wasm", "wasm"]);
  using sessions = openSync("memory:");
  expect(sessions.start({ task: "t", mode: "m" }).status).toBe("active");
  await init();
});

it("another module than the loaded one is refused, and the same one is not", async () => {
  await open("memory:");
  const late = await failure(init({ module: "/no/such/file.wasm" }));
  expect(late).toMatchObject({ code: "INVALID_ARGUMENT", details: { what: "module" } });
  expect(late.message).toContain("before the first `open`");
});

it("stores that only Node can open are refused", async () => {
  const error: unknown = await open().catch((error: unknown) => error);
  expect(isTenureError(error, "UNSUPPORTED_STORE")).toBe(true);
});
