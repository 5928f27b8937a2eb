// A command that runs beside servers for the tests, which end with it.

import { handOver, main, Problem } from "./run.mjs";

/** Runs the command of the arguments, of which `example` is one, beside what `start` starts: its variables, and what stops it. */
export async function runBeside(start, example) {
  await main(async () => {
    const [command, ...args] = process.argv.slice(2);
    if (command === undefined) throw new Problem(`name a command, such as ${example}`);
    const { env, stop } = await start();
    try {
      return await handOver(command, args, { env });
    } finally {
      stop();
    }
  });
}
