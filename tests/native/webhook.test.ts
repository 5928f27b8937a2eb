// Webhooks over HTTP, from a process that does not wait for them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const tests = fileURLToPath(new URL("..", import.meta.url));

/** A received request: its headers and body. */
const received: { headers: IncomingMessage["headers"]; body: string }[] = [];
let answerWith: number | "nothing" = 204;

const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (text: string) => {
    body += text;
  });
  request.on("end", () => {
    received.push({ headers: request.headers, body });
    if (answerWith === "nothing") return;
    // A redirect leads back here, where the next request succeeds.
    const isRedirect = answerWith >= 300 && answerWith < 400 && received.length === 1;
    const status = isRedirect || answerWith >= 400 ? answerWith : 204;
    response.writeHead(status, isRedirect ? { location: "/elsewhere" } : {}).end("an unread body");
  });
});
let url: string;

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`;
});

beforeEach(() => {
  received.length = 0;
  answerWith = 204;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Runs a script to its end and returns its exit code and output. */
async function run(script: string) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: tests,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  const [status] = await once(child, "close");
  return { status, stdout: stdout.trim() };
}

describe("webhooks over HTTP", () => {
  it("arrive in order although the process ends, which waits only for them", async () => {
    const { status, stdout } = await run(
      `import { open } from "tenure";
       const sessions = await open("memory:", {
         webhook: { url: ${JSON.stringify(url)}, headers: { authorization: "Bearer x" } },
       });
       const { id } = await sessions.start({ task: "t", mode: "m", id: "a" });
       await sessions.pause(id, "Übung 😀");
       await sessions.resume(id);
       await sessions.complete(id, "done");
       const end = performance.now();
       process.on("exit", () => console.log(performance.now() - end));`,
    );
    expect(status).toBe(0);
    // A process that waited for more than its deliveries would wait for the timeout of one.
    expect(Number(stdout)).toBeLessThan(9000);
    const payloads = received.map(({ body }) => JSON.parse(body));
    expect(payloads.map(({ event }) => event)).toEqual(["start", "pause", "resume", "complete"]);
    expect(payloads[1].data).toEqual({ reason: "Übung 😀" });
    expect(received[0]?.headers).toMatchObject({
      "content-type": "application/json",
      authorization: "Bearer x",
    });
  });

  it("are delivered before a handle is closed", async () => {
    const { status, stdout } = await run(
      `import { open } from "tenure";
       const sessions = await open("memory:", { webhook: ${JSON.stringify(url)} });
       await sessions.start({ task: "t", mode: "m" });
       await sessions.close();
       process.exit(sessions.webhookFailures);`,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(received).toHaveLength(1);
  });

  it("fail when the receiver refuses them, for any reason", async () => {
    answerWith = 503;
    const failing = await run(
      `import { open } from "tenure";
       for (const webhook of [${JSON.stringify(url)}, "http://127.0.0.1:1/hooks"]) {
         const sessions = await open("memory:", { webhook });
         sessions.on("error", ({ code, details }) => console.log(code, details.problem));
         await sessions.start({ task: "t", mode: "m" });
         await sessions.close();
       }`,
    );
    expect(failing.stdout.split("\n")).toEqual([
      "WEBHOOK_FAILED the receiver answered 503",
      "WEBHOOK_FAILED fetch failed",
    ]);
  });

  it.each([301, 302, 303, 307, 308])(
    "fail with a redirect, %i, which is not followed",
    async (status) => {
      answerWith = status;
      const { stdout } = await run(
        `import { open } from "tenure";
       const sessions = await open("memory:", { webhook: ${JSON.stringify(url)} });
       sessions.on("error", ({ code, details }) => console.log(code, details.problem));
       await sessions.start({ task: "t", mode: "m" });
       await sessions.close();`,
      );
      expect(stdout).toBe(`WEBHOOK_FAILED the receiver answered ${status}`);
      expect(received).toHaveLength(1);
    },
  );

  it.each([
    ["open", "await sessions.close()"],
    ["openSync", "sessions.close()"],
  ])("without a response end five seconds after %s is closed", async (open, close) => {
    answerWith = "nothing";
    const { status, stdout } = await run(
      `import { ${open} } from "tenure";
       const sessions = await ${open}("memory:", { webhook: ${JSON.stringify(url)} });
       const problems = new Set();
       sessions.on("error", ({ details }) => problems.add(details.problem));
       const { id } = await sessions.start({ task: "t", mode: "m" });
       for (let i = 0; i < 10; i += 1) {
         await sessions.pause(id);
         await sessions.resume(id);
       }
       const end = performance.now();
       ${close};
       process.on("exit", () => {
         console.log(...problems, sessions.webhookFailures, Math.round((performance.now() - end) / 1000));
       });`,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "the handle was closed 21 5" });
  });

  it("without a response keep the process alive until the timeout only", async () => {
    answerWith = "nothing";
    const { status, stdout } = await run(
      `import { open } from "tenure";
       const sessions = await open("memory:", {
         webhook: { url: ${JSON.stringify(url)}, timeoutMs: 200 },
       });
       sessions.on("error", ({ message }) => console.log(message));
       await sessions.start({ task: "t", mode: "m", id: "a" });`,
    );
    expect(status).toBe(0);
    expect(stdout).toBe(
      `the webhook start of session a was not delivered to ${url}: no answer within 200 ms`,
    );
  });
});
