// Starts a session in the store of the first argument, and prints the build, the status and the number
// of sessions.

import { open } from "tenure";

async function main() {
  const sessions = await open(process.argv[2] ?? "sqlite:./bot.db");
  const { id } = await sessions.start({ mode: "reviewer", task: "Review #42" });
  const { status } = await sessions.complete(id, "Merged");
  console.log(sessions.binding, status, (await sessions.stats()).total);
}

main().catch(({ code, message }) => {
  console.log(`${code}: ${message}`);
  process.exitCode = 1;
});
