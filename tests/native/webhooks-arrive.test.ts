// Webhooks that arrive although receivers fail and deliverers are killed, posted by processes of the command.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { open, type WebhookPayload } from "tenure";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { accepted, type Receiver, receiving } from "../support/receiver.js";
import { command } from "../support/server.js";

const tests = fileURLToPath(new URL("..", import.meta.url));
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SCALE = Number(process.env.TENURE_TEST_SCALE ?? "0.1");
const HOUR = 3_600_000;

type Environment = Readonly<Record<string, string>>;

/** A key, and the certificate of `localhost` for it, which no authority has signed. */
const tls = (name: string) => join(tests, "../stores/postgres/tests/tls", name);

let folder: string;
let url: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tenure-webhooks-"));
  url = `sqlite:${join(folder, "a.db")}`;
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Opens the store, and adds the receiver as an endpoint. */
async function prepared(receiver: Receiver, more: object = {}) {
  const sessions = await open(url);
  await sessions.webhooks.add({ id: "bot", url: receiver.url, secret: SECRET, ...more });
  return sessions;
}

/** Starts sessions in a store with this endpoint. */
async function queued(receiver: Receiver, count: number, more: object = {}, task = "t") {
  await using sessions = await prepared(receiver, more);
  for (let n = 0; n < count; n += 1) await sessions.start({ id: `s${n}`, task, mode: "m" });
}

/** The command that delivers, some hours later. */
function deliverer(hours: number, args: readonly string[] = [], env: Environment = {}) {
  const now = new Date(Date.now() + hours * HOUR).toISOString();
  const given = ["--store", url, "--now", now, "webhooks", "deliver", "--allow-private", ...args];
  const child = spawn(command, given, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const printed = new Promise<string>((resolve) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    child.on("close", () => resolve(text.trim()));
  });
  return { child, printed };
}

const delivered = (hours: number, ...args: readonly string[]) => deliverer(hours, args).printed;

/** The ids of the messages of each session. */
function idsOfSessions({ received }: Receiver): ReadonlyMap<string, ReadonlySet<unknown>> {
  const ids = new Map<string, Set<unknown>>();
  for (const { headers, body } of received) {
    const { session } = JSON.parse(body) as WebhookPayload;
    const known = ids.get(session.id) ?? new Set();
    ids.set(session.id, known.add(headers["webhook-id"]));
  }
  return ids;
}

/** Every session has been delivered, under one id. */
function expectAll(receiver: Receiver, count: number): void {
  const ids = idsOfSessions(receiver);
  expect(ids.size).toBe(count);
  expect([...ids.values()].every((known) => known.size === 1)).toBe(true);
}

describe("webhooks of a store", () => {
  it("survive process.exit straight after a write", async () => {
    await using receiver = await receiving();
    await (await prepared(receiver)).close();
    const script = `import { openSync } from "tenure";
      openSync(${JSON.stringify(url)}).start({ task: "t", mode: "m" });
      process.exit();`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: tests,
      stdio: ["ignore", "ignore", "inherit"],
    });
    await once(child, "exit");
    expect(receiver.received).toHaveLength(0);
    await using sessions = await open(url, { deliver: { allowPrivate: true } });
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1), 10_000);
    expect(sessions.webhookFailures).toBe(0);
  });

  it("are posted by a thread of the addon, whatever JavaScript does", async () => {
    await using receiver = await receiving();
    await (await prepared(receiver)).close();
    const script = `import { open } from "tenure";
      const sessions = await open(${JSON.stringify(url)}, { deliver: { allowPrivate: true } });
      await sessions.start({ task: "t", mode: "m" });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: tests,
      stdio: ["ignore", "ignore", "inherit"],
    });
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1), 20_000);
    child.kill("SIGKILL");
    await once(child, "exit");
  });

  it("arrive in their order at a receiver that was down for an hour", async () => {
    await using receiver = await receiving();
    await using sessions = await prepared(receiver);
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await sessions.pause(id);
    await receiver.stop();
    for (const minutes of [0, 1, 7, 60]) {
      expect(await delivered(minutes / 60)).toMatch(
        /^0 delivered, 1 to be repeated, 0 failed; bot: /,
      );
    }
    await sessions.resume(id);
    await receiver.start();
    expect(await delivered(4)).toMatch(/^3 delivered/);
    expect(receiver.events).toEqual(["start", "pause", "resume"]);
  });

  it("arrive after answers that are none, each at its time", async () => {
    // A redirect is not followed, and a status of an error, a dead and a slow receiver have not taken it.
    const statuses = [500, 301, 404, 0, -1];
    await using receiver = await receiving((number, response) => {
      const status = statuses[number - 1] ?? 204;
      if (status === 0) response.socket?.destroy();
      else if (status > 0) response.writeHead(status, { location: receiver.url }).end();
    });
    await queued(receiver, 1, { timeoutMs: 200 });
    for (const [at, hours] of [0, 1, 2, 5, 11].entries()) {
      expect(await delivered(hours)).toMatch(/^0 delivered, 1 to be repeated, 0 failed; bot: /);
      expect(receiver.received).toHaveLength(at + 1);
    }
    expect(await delivered(23)).toBe("1 delivered, 0 to be repeated, 0 failed");
    expectAll(receiver, 1);
  });

  it("wait for as long as a receiver asks for", async () => {
    await using receiver = await receiving((number, response) => {
      if (number > 1) accepted(number, response);
      else response.writeHead(429, { "retry-after": `${6 * 3600}` }).end();
    });
    await queued(receiver, 1);
    await delivered(0);
    expect(await delivered(5)).toMatch(/^0 delivered/);
    expect(receiver.received).toHaveLength(1);
    expect(await delivered(6.1)).toMatch(/^1 delivered/);
  });

  it("are posted once each by several processes", async () => {
    const count = Math.round(1000 * SCALE);
    await using receiver = await receiving();
    await queued(receiver, count);
    const printed = await Promise.all([0, 0, 0].map((hours) => delivered(hours)));
    const numbers = printed.map((text) => Number.parseInt(text, 10));
    expect(numbers.reduce((sum, number) => sum + number)).toBe(count);
    expect(receiver.received).toHaveLength(count);
    expectAll(receiver, count);
  });

  it("are posted over HTTPS to a receiver whose certificate is trusted, and to no other", async () => {
    const [key, cert] = await Promise.all(
      ["server.key", "server.crt"].map((n) => readFile(tls(n))),
    );
    const posted: string[] = [];
    const server = createServer({ key, cert }, (request, response) => {
      posted.push(String(request.headers["webhook-id"]));
      request.resume().on("end", () => response.writeHead(204).end());
    });
    try {
      await once(server.listen(0), "listening");
      const { port } = server.address() as AddressInfo;
      await using sessions = await open(url);
      const add = (id: string, host: string) =>
        sessions.webhooks.add({ id, url: `https://${host}:${port}/`, secret: SECRET });
      await add("bot", "localhost");
      await add("other", "127.0.0.1");
      await sessions.start({ id: "a", task: "t", mode: "m" });
      const env = { SSL_CERT_FILE: tls("server.crt") };
      // The certificate is that of the name.
      expect(await deliverer(0, [], env).printed).toMatch(
        /^1 delivered, 1 to be repeated, 0 failed; \w+: no TLS connection: /,
      );
      expect(posted).toHaveLength(1);
      await sessions.complete("a", "done");
      expect(await delivered(0, "--endpoint", "bot")).toMatch(
        /^0 delivered, 1 to be repeated, 0 failed; bot: no TLS connection: /,
      );
      expect(posted).toHaveLength(1);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it("are lost by no kill of a deliverer, and have one id each", async () => {
    const kills = Math.max(3, Math.round(100 * SCALE));
    const count = kills * 10;
    // So slow that there is something to deliver until the last one is killed.
    await using receiver = await receiving((_, response) => {
      setTimeout(() => response.writeHead(204).end(), 5);
    });
    let killed = 0;
    await queued(receiver, count, { timeoutMs: 1000 });
    for (let n = 0; n < kills; n += 1) {
      const { child, printed } = deliverer(n, ["--concurrency", "2"]);
      const delay = Math.random() * 60;
      await Promise.race([printed, new Promise((resolve) => setTimeout(resolve, delay))]);
      child.kill("SIGKILL");
      await printed;
      killed += child.signalCode === "SIGKILL" ? 1 : 0;
    }
    expect(killed).toBeGreaterThan(kills / 2);
    // The claims of those that were killed have ended.
    await delivered(kills + 1);
    expectAll(receiver, count);
  });

  it.skipIf(process.platform !== "linux")("take no more memory the more of them wait", async () => {
    const count = Math.round(10_000 * SCALE);
    // Together they are far larger than what may be in flight.
    const task = "x".repeat(60_000);
    await using receiver = await receiving();
    receiver.answer = (number, response) => {
      receiver.received[number - 1] = { headers: {}, body: "" };
      accepted(number, response);
    };
    await queued(receiver, count, { ordered: false }, task);
    const { child, printed } = deliverer(0);
    let most = 0;
    const timer = setInterval(() => {
      void peakOf(child).then((bytes) => {
        most = Math.max(most, bytes);
      });
    }, 20);
    expect(await printed).toBe(`${count} delivered, 0 to be repeated, 0 failed`);
    clearInterval(timer);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(48 << 20);
  });
});

/** The most memory that a process has had, in bytes; 0 where the system does not say. */
async function peakOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
