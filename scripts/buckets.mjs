// Runs a command with a throw-away server that has the protocol of S3, whose bucket is in TENURE_TEST_S3:
//
//   node scripts/s3.mjs cargo test -p tenure-archive

import { handOver, main, Problem } from "./lib/run.mjs";
import { ensureS3, startS3 } from "./lib/s3.mjs";

await main(async () => {
  const [command, ...args] = process.argv.slice(2);
  if (command === undefined)
    throw new Problem("name a command, such as cargo test -p tenure-archive");
  const { env, stop } = await startS3(await ensureS3());
  try {
    return await handOver(command, args, { env });
  } finally {
    stop();
  }
});
