// Webhooks that arrive, over every store, at a receiver over HTTP that verifies them with the package of
// Standard Webhooks.

import { Webhook } from "standardwebhooks";
import type { Sessions, WebhookPayload } from "tenure";
import { open, openSync } from "tenure";
import { describe, expect, it, vi } from "vitest";
import { failure } from "../support/failures.js";
import { type Received, type Receiver, receiving } from "../support/receiver.js";
import { clockedStores, everyStore, inMemory } from "../support/stores.js";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const POSTED = { allowPrivate: true };

/** Adds the receiver as an endpoint. */
async function added(sessions: Sessions, { url }: Receiver, more: object = {}): Promise<void> {
  await sessions.webhooks.add({ id: "bot", url, secret: SECRET, ...more });
}

/** Delivers until nothing is due. */
async function deliverAll(sessions: Sessions): Promise<number> {
  let delivered = 0;
  for (;;) {
    const pass = await sessions.webhooks.deliver(POSTED);
    if (pass.delivered === 0) return delivered;
    delivered += pass.delivered;
  }
}

function verify({ headers, body }: Received, text = body): unknown {
  return new Webhook(SECRET).verify(text, headers as Record<string, string>);
}

describe.each(everyStore)("webhooks of a store %s", (_, opening) => {
  it("arrive once, in the order of the session, as the listeners get them, to the byte", async () => {
    await using receiver = await receiving();
    const sessions = await opening();
    const payloads: WebhookPayload[] = [];
    sessions.on("lifecycle", (payload) => payloads.push(payload));
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await added(sessions, receiver);
    await sessions.pause(id, "Übung \u2028 😀");
    await sessions.resume(id);
    await sessions.addEvent(id, "note");
    await sessions.complete(id, "done");
    expect(await deliverAll(sessions)).toBe(3);
    const expected = payloads.slice(1).map((payload) => JSON.stringify(payload));
    expect(receiver.received.map(({ body }) => body)).toEqual(expected);
    expect(new Set(receiver.ids).size).toBe(3);
    for (const received of receiver.received) {
      expect(verify(received)).toEqual(JSON.parse(received.body));
      expect(() => verify(received, `${received.body} `)).toThrow();
    }
    expect((await sessions.webhooks.list()).items[0]?.nextAttemptAt).toBeUndefined();
  });

  it("are repeated, listed when they have failed for good, and redelivered under their ids", async () => {
    await using receiver = await receiving((number, response) => {
      if (number === 1) response.writeHead(410).end("moved\u001b[2J\r\naway");
      else response.writeHead(200).end();
    });
    const sessions = await opening();
    await added(sessions, receiver);
    const { id } = await sessions.start({ task: "t", mode: "m" });
    const first = await sessions.webhooks.deliver(POSTED);
    expect(first).toMatchObject({ delivered: 0, failed: 1, disabled: ["bot"] });
    const problem = "the receiver answered 410: moved [2J away";
    expect(first.failing).toEqual([{ endpoint: "bot", problem }]);
    await sessions.complete(id);
    const { items } = await sessions.webhooks.failed({ endpoint: "bot" });
    expect(items).toMatchObject([
      { event: "start", session: id, status: 410, attempts: 1, problem },
    ]);
    await sessions.webhooks.update("bot", { enabled: true });
    expect(await sessions.webhooks.redeliver({ endpoint: "bot" })).toEqual({ deliveries: 1 });
    expect(await deliverAll(sessions)).toBe(1);
    // What was changed while the endpoint was disabled was not queued.
    expect(receiver.events).toEqual(["start", "start"]);
    expect(new Set(receiver.ids).size).toBe(1);
  });

  it("that wait are counted, with the reason, and attempted at once", async () => {
    await using receiver = await receiving((_, response) => {
      response.writeHead(503).end("no room");
    });
    const sessions = await opening();
    await added(sessions, receiver);
    await sessions.start({ task: "t", mode: "m" });
    const { failing, retried } = await sessions.webhooks.deliver(POSTED);
    expect(retried).toBe(1);
    const problem = "the receiver answered 503: no room";
    expect(failing).toEqual([{ endpoint: "bot", problem }]);
    const { items } = await sessions.webhooks.list({ id: "bot" });
    expect(items).toMatchObject([{ id: "bot", waiting: 1, lastProblem: problem }]);
    expect(await sessions.webhooks.list({ id: "other" })).toEqual({ items: [] });
    const waiting = { endpoint: "bot", waiting: true };
    expect(await sessions.webhooks.redeliver(waiting)).toEqual({ deliveries: 1 });
    expect(await sessions.webhooks.deliver(POSTED)).toMatchObject({ retried: 1 });
    const tested = await sessions.webhooks.test("bot", POSTED);
    expect(tested).toMatchObject({ delivered: false, status: 503, problem });
  });
});

describe.each(clockedStores)("a handle that delivers %s", (_, opening) => {
  it("posts its changes at once, and close waits for what is in flight", async () => {
    await using receiver = await receiving((_, response) => {
      setTimeout(() => response.writeHead(200).end(), 50);
    });
    const sessions = await opening({ deliver: { ...POSTED, concurrency: 4 } });
    await added(sessions, receiver);
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await vi.waitFor(() => expect(receiver.events).toEqual(["start"]), 10_000);
    await sessions.complete(id);
    await vi.waitFor(() => expect(receiver.events).toEqual(["start", "complete"]), 10_000);
    await sessions.close();
    expect(new Set(receiver.ids).size).toBe(2);
  });

  it("has nothing due after `deliver`, whatever was in flight", async () => {
    await using receiver = await receiving((_, response) => {
      setTimeout(() => response.writeHead(200).end(), 100);
    });
    const sessions = await opening({ deliver: POSTED });
    await added(sessions, receiver);
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await vi.waitFor(() => expect(receiver.received.length).toBeGreaterThan(0), 10_000);
    await sessions.pause(id);
    await sessions.complete(id);
    await Promise.all([sessions.webhooks.deliver(), sessions.webhooks.deliver()]);
    expect(receiver.events).toEqual(["start", "pause", "complete"]);
    expect(await sessions.webhooks.list()).toMatchObject({ items: [{ waiting: 0 }] });
    // It goes on in the background.
    await sessions.start({ task: "t", mode: "m" });
    await vi.waitFor(() => expect(receiver.events).toHaveLength(4), 10_000);
    expect(new Set(receiver.ids).size).toBe(4);
    await sessions.close();
  });
});

describe("the endpoints of webhooks", () => {
  it("show no secret, value of a header or query of a URL", async () => {
    const sessions = await inMemory();
    const url = "https://h.example/hooks?key=hidden";
    const headers = { authorization: "Bearer hidden" };
    const { secret } = await sessions.webhooks.add({ id: "bot", url, headers });
    expect(secret).toMatch(/^whsec_/);
    const shown = JSON.stringify([
      await sessions.webhooks.list(),
      await sessions.webhooks.update("bot", { timeoutMs: 5000 }),
      await sessions.audit.entries(),
    ]);
    for (const hidden of [secret, "hidden"]) expect(shown).not.toContain(hidden);
    const rotated = await sessions.webhooks.rotate("bot", { keepFor: "1h" });
    expect(rotated?.secret).not.toBe(secret);
    expect(await sessions.webhooks.remove("bot")).toEqual({ removed: true, dropped: 0 });
    expect(await sessions.webhooks.rotate("bot")).toBeNull();
  });

  it("are tested with a signed example", async () => {
    await using receiver = await receiving();
    const sessions = await inMemory();
    await added(sessions, receiver);
    const refused = await sessions.webhooks.test("bot");
    expect(refused).toMatchObject({ delivered: false });
    expect(refused?.problem).toMatch(/no public address/);
    expect(receiver.received).toHaveLength(0);
    expect(await sessions.webhooks.test("bot", POSTED)).toMatchObject({
      delivered: true,
      status: 204,
    });
    expect(receiver.received.map((received) => verify(received))).toMatchObject([
      { event: "test" },
    ]);
    // An answer that does not end does not hold it up.
    receiver.answer = (_, response) => {
      response.writeHead(503).write("begins");
    };
    const problem = "the receiver answered 503: begins";
    expect(await sessions.webhooks.test("bot", POSTED)).toMatchObject({ status: 503, problem });
    expect(await sessions.webhooks.test("nobody", POSTED)).toBeNull();
  });

  it("are what the option `webhook` names with an `endpoint`", async () => {
    await using receiver = await receiving();
    const webhook = {
      url: receiver.url,
      endpoint: "bot",
      secret: SECRET,
      events: ["start"],
    } as const;
    const sessions = await inMemory({ webhook, deliver: POSTED });
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await sessions.complete(id);
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1), 10_000);
    expect(receiver.received.map((received) => verify(received))).toMatchObject([
      { event: "start", session: { id } },
    ]);
  });

  it("are refused where nothing would deliver", async () => {
    const webhook = { url: "https://h.example/", endpoint: "bot" };
    const fetch = async (): Promise<Response> => new Response();
    for (const [open, code] of [
      [() => openSync("memory:", { webhook }), "INVALID_ARGUMENT"],
      [() => openSync("memory:", { deliver: true }), "INVALID_ARGUMENT"],
      [() => inMemory({ webhook: { ...webhook, fetch } }), "INVALID_ARGUMENT"],
      [
        () => inMemory({ webhook: { url: "https://h.example/", secret: SECRET } }),
        "INVALID_ARGUMENT",
      ],
      [() => inMemory({ deliver: { concurrency: 65 } }), "INVALID_ARGUMENT"],
      [() => inMemory({ deliver: { other: 1 } as object }), "INVALID_ARGUMENT"],
      [() => inMemory({ webhook: { ...webhook, url: "ftp://h.example/" } }), "INVALID_ARGUMENT"],
    ] as const) {
      const error = await failure((async () => open())());
      expect(error).toMatchObject({ code });
    }
    const sessions = await inMemory();
    expect(() => sessions.setWebhook(webhook)).toThrow(/only `open` takes it/);
    await using other = await open("memory:");
    expect((await other.webhooks.list()).items).toEqual([]);
  });
});
