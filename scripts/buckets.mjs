// Runs a command with throw-away servers of object storage, whose buckets are in TENURE_TEST_BUCKETS:
//
//   node scripts/buckets.mjs cargo test -p tenure-archive

import { ensureBuckets, startBuckets } from "./lib/buckets.mjs";
import { runBeside } from "./lib/with-server.mjs";

await runBeside(async () => startBuckets(await ensureBuckets()), "cargo test -p tenure-archive");
