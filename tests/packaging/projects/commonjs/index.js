// The package in a CommonJS project.

const { isTenureError, open, openSync, TenureError } = require("tenure");
const wasm = require("tenure/wasm");

async function main() {
  const sessions = await open("sqlite:./commonjs.db");
  const { id } = await sessions.start({ mode: "reviewer", task: "Review #42" });
  await sessions.complete(id, "Merged");
  console.log(sessions.binding, (await sessions.get(id)).status);
  console.log(wasm.openSync("memory:").binding);

  const imported = await import("tenure");
  console.log(imported.TenureError === TenureError, wasm.TenureError === TenureError);
  try {
    openSync("memory:").get("../x");
  } catch (error) {
    console.log(error instanceof imported.TenureError, isTenureError(error, "INVALID_ID"));
  }
}

main();
