// Servers of object storage for the tests, which keep everything in memory: `moto_server` for the protocol of S3, which Google Cloud
// Storage speaks as well, and Azurite for that of Azure. They are found, or installed into a folder of the tools. Where one
// cannot be had, the tests go without its buckets, and the step that starts them says so.

import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureNpmTool } from "./npm-tools.mjs";
import { toolsDir } from "./paths.mjs";
import { freePort } from "./ports.mjs";
import { Problem, probe } from "./run.mjs";

const run = promisify(execFile);
const motoVersion = "5.2.5";
// The newest one that runs in the oldest supported Node.
const azuriteVersion = "3.35.0";
const minutes = 60_000;
const seconds = 1000;
/** The bucket of the tests in each server. `moto_server` does not decode one in a URL. */
const bucket = "tenuretest";
/** The account of Azurite, and the key that its documentation gives. */
const account = "devstoreaccount1";
const accountKey =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** The programs of the servers; `undefined` for one that cannot be had. `installing` is called before one is installed. */
export async function ensureBuckets(installing = () => {}) {
  const [moto, azurite] = await Promise.all([ensureMoto(installing), ensureAzurite(installing)]);
  return { moto, azurite };
}

async function ensureMoto(installing) {
  const folder = join(toolsDir, `moto-${motoVersion}`);
  const own = join(folder, "bin", "moto_server");
  const named = process.env.MOTO_SERVER;
  if (named) return named;
  if (existsSync(own)) return own;
  if (probe("moto_server", ["--version"]) !== undefined) return "moto_server";
  if (probe("python3", ["--version"]) === undefined) return undefined;
  installing();
  try {
    await run("python3", ["-m", "venv", folder], { timeout: 2 * minutes });
    const pip = join(folder, "bin", "pip");
    const server = `moto[server]==${motoVersion}`;
    await run(pip, ["install", "--quiet", server], { timeout: 5 * minutes });
    return own;
  } catch {
    return undefined;
  }
}

async function ensureAzurite(installing) {
  const folder = await ensureNpmTool("azurite", azuriteVersion, installing);
  return folder && join(folder, "dist", "src", "blob", "main.js");
}

/** Starts the servers, each with a bucket. Returns the variables with which the tests find them, those that are missing, and a function that stops them. */
export async function startBuckets({ moto, azurite }) {
  const servers = await Promise.all([moto && startMoto(moto), azurite && startAzurite(azurite)]);
  const started = servers.filter(Boolean);
  return {
    env: Object.assign(
      { TENURE_TEST_BUCKETS: started.flatMap(({ buckets }) => buckets).join(" ") },
      ...started.map(({ env }) => env),
    ),
    missing: [!moto && "S3 and Google Cloud Storage", !azurite && "Azure"].filter(Boolean),
    stop() {
      for (const { stop } of started) stop();
    },
  };
}

async function startMoto(program) {
  const server = await startServer((port) => [program, ["-H", "127.0.0.1", "-p", port]]);
  await created("moto_server", server, () => fetch(`${server.url}/${bucket}`, { method: "PUT" }));
  const tokens = await startTokens();
  return {
    stop: server.stop,
    // Both protocols see one bucket: the tests use folders of their own in it.
    buckets: [`s3://${bucket}`, `gs://${bucket}`],
    env: {
      AWS_ENDPOINT: server.url,
      AWS_ALLOW_HTTP: "true",
      AWS_ACCESS_KEY_ID: "tests",
      AWS_SECRET_ACCESS_KEY: "tests",
      AWS_REGION: "us-east-1",
      GOOGLE_BASE_URL: server.url,
      GCE_METADATA_HOST: tokens,
    },
  };
}

/** Starts what gives the role of a machine its tokens in Google's cloud. Returns its host and port. */
async function startTokens() {
  const token = JSON.stringify({ access_token: "tests", expires_in: 3600, token_type: "Bearer" });
  const server = createServer((_, response) => response.end(token)).listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  return `127.0.0.1:${server.address().port}`;
}

async function startAzurite(program) {
  const server = await startServer((port) => [
    process.execPath,
    [
      program,
      "--inMemoryPersistence",
      "--silent",
      "--skipApiVersionCheck",
      "--disableTelemetry",
      "--blobHost",
      "127.0.0.1",
      "--blobPort",
      port,
    ],
  ]);
  await created("Azurite", server, () => createContainer(server.url));
  return {
    stop: server.stop,
    buckets: [`az://${bucket}`],
    env: { AZURE_STORAGE_USE_EMULATOR: "true", AZURITE_BLOB_STORAGE_URL: server.url },
  };
}

/** Creates the container, with a signature as Azure wants it. */
function createContainer(url) {
  const path = `/${account}/${bucket}`;
  const headers = { "x-ms-date": new Date().toUTCString(), "x-ms-version": "2021-08-06" };
  const named = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  // Eleven other headers may be signed.
  const signed = `PUT${"\n".repeat(12)}${named.join("")}/${account}${path}\nrestype:container`;
  const signature = createHmac("sha256", Buffer.from(accountKey, "base64")).update(signed);
  return fetch(`${url}${path}?restype=container`, {
    method: "PUT",
    headers: {
      ...headers,
      Authorization: `SharedKey ${account}:${signature.digest("base64")}`,
    },
  });
}

/** Starts a server on a free port. */
async function startServer(commandFor) {
  const port = String(await freePort());
  const [program, args] = commandFor(port);
  const child = spawn(program, args, { stdio: "ignore" });
  const stop = () => {
    process.off("exit", stop);
    child.kill("SIGKILL");
  };
  // Also if this script is interrupted.
  process.on("exit", stop);
  let problem;
  child.on("error", (error) => {
    problem = error;
  });
  // The tests run for as long as they do, whatever becomes of the server.
  child.unref();
  const hasEnded = () => problem !== undefined || child.exitCode !== null;
  return { url: `http://127.0.0.1:${port}`, hasEnded, stop };
}

/** Creates the bucket, once the server answers. */
async function created(name, { hasEnded }, create) {
  let problem = "it does not answer";
  for (const end = Date.now() + 60 * seconds; Date.now() < end; ) {
    if (hasEnded()) throw new Problem(`${name}, a server of the tests, has ended at once`);
    try {
      const response = await create();
      if (response.ok) return;
      problem = `${response.status} ${await response.text()}`;
    } catch {
      // It is starting.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Problem(`${name}, a server of the tests, cannot be used: ${problem}`);
}
