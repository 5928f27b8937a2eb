// Both entry points of the package, imported by name.

import { isTenureError, open, openSync, TenureError, VERSION } from "tenure";
import * as wasm from "tenure/wasm";

const caught = [];
for (const openEither of [openSync, wasm.openSync]) {
  try {
    openEither("memory:").get("../x");
  } catch (error) {
    caught.push(error.code, isTenureError(error), error instanceof TenureError);
  }
}
{
  const sessions = await open("memory:");
  await sessions[Symbol.asyncDispose]();
  await sessions.stats().catch(({ code }) => caught.push(code));
}
console.log(VERSION, wasm.VERSION, caught.join(" "));
