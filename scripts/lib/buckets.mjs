// A server with the protocol of S3 for the tests: `moto_server`, which keeps everything in memory. It is found, or installed from
// PyPI into a folder of the tools. Where neither is possible, the tests of that protocol say so and pass.

import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { toolsDir } from "./paths.mjs";
import { freePort } from "./ports.mjs";
import { Problem, probe } from "./run.mjs";

const run = promisify(execFile);
const version = "5.2.5";
const installed = join(toolsDir, `moto-${version}`);
const minutes = 60_000;
const seconds = 1000;
/** The bucket of the tests. */
const bucket = "tenure-test";

/** The server's program; `undefined` if it cannot be had. `installing` is called before it is installed. */
export async function ensureS3(installing = () => {}) {
  const own = join(installed, "bin", "moto_server");
  const named = process.env.MOTO_SERVER;
  if (named) return named;
  if (existsSync(own)) return own;
  if (probe("moto_server", ["--version"]) !== undefined) return "moto_server";
  if (probe("python3", ["--version"]) === undefined) return undefined;
  installing();
  try {
    await run("python3", ["-m", "venv", installed], { timeout: 2 * minutes });
    const pip = join(installed, "bin", "pip");
    await run(pip, ["install", "--quiet", `moto[server]==${version}`], { timeout: 5 * minutes });
    return own;
  } catch {
    return undefined;
  }
}

/** Starts a server with a bucket. Returns the variables with which the tests find it, and a function that stops it. */
export async function startS3(program) {
  if (program === undefined) return { env: { TENURE_TEST_S3: "none" }, stop() {} };
  const port = await freePort();
  const child = spawn(program, ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  const stop = () => {
    process.off("exit", stop);
    child.kill("SIGKILL");
  };
  // Also if this script is interrupted.
  process.on("exit", stop);
  const url = `http://127.0.0.1:${port}`;
  await created(`${url}/${bucket}`, child);
  // The tests run for as long as they do, whatever becomes of the server.
  child.unref();
  const env = {
    TENURE_TEST_S3: `s3://${bucket}`,
    AWS_ENDPOINT: url,
    AWS_ALLOW_HTTP: "true",
    AWS_ACCESS_KEY_ID: "tests",
    AWS_SECRET_ACCESS_KEY: "tests",
    AWS_REGION: "us-east-1",
  };
  return { env, stop };
}

/** Creates the bucket, once the server answers. */
async function created(url, child) {
  let problem = "it does not answer";
  for (const end = Date.now() + 60 * seconds; Date.now() < end; ) {
    if (child.exitCode !== null) throw new Problem("the S3 server of the tests has ended at once");
    try {
      const response = await fetch(url, { method: "PUT" });
      if (response.ok) return;
      problem = `${response.status} ${await response.text()}`;
    } catch {
      // It is starting.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Problem(`the S3 server of the tests cannot be used: ${problem}`);
}
