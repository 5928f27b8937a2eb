// Webhooks and listeners, and that they never affect operations.

import {
  openSync,
  type TenureError,
  type WebhookFetch,
  type WebhookOptions,
  type WebhookPayload,
} from "tenure";
import { afterEach, describe, expect, it, vi } from "vitest";
import { code } from "../support/failures.js";
import { clockedStores, inMemory, opening } from "../support/stores.js";

const URL_OF_RECEIVER = "http://receiver.example/webhooks/sessions";

interface Post {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly payload: WebhookPayload;
}

/** A receiver that records the requests; `answer` returns the response to each. */
function receiver(answer: (post: Post) => unknown = () => undefined) {
  const posts: Post[] = [];
  const fetch: WebhookFetch = async (url, { method, headers, body, redirect }) => {
    expect({ method, redirect }).toEqual({ method: "POST", redirect: "manual" });
    const post = { url, headers, payload: JSON.parse(body) as WebhookPayload };
    posts.push(post);
    const status = (await answer(post)) ?? 204;
    return typeof status === "object" ? { status: 200, ...status } : { status: Number(status) };
  };
  const events = () => posts.map(({ payload }) => payload.event);
  return { posts, events, webhook: { url: URL_OF_RECEIVER, fetch } };
}

/** All that a log shows of an error and its causes. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.stack, JSON.stringify({ ...error }), textOf(error.cause)].join("\n");
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe.each(clockedStores)("webhooks %s", (_, open) => {
  it("are posted in the format of bots when a session's status changes", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-01-08T18:05:30.000Z"), toFake: ["Date"] });
    const { posts, webhook } = receiver();
    const sessions = await open({ webhook });
    const { id } = await sessions.start({
      task: "Implement X",
      mode: "developer",
      userId: "u",
      channelId: "c",
      maxIterations: 1,
    });
    await sessions.addEvent(id, "note");
    await sessions.pause(id, "User requested pause");
    await sessions.resume(id);
    await sessions.incrementIteration(id);
    await sessions.complete(id, "Feature implemented");
    const failed = await sessions.start({ task: "t", mode: "m" });
    await sessions.fail(failed.id, "Build failed");
    const abandoned = await sessions.start({ task: "t", mode: "m" });
    await sessions.abandon(abandoned.id, "superseded");
    await sessions.close();
    const session = { id, mode: "developer", task: "Implement X", userId: "u", channelId: "c" };
    const timestamp = "2026-01-08T18:05:30.000Z";
    const payloads = posts.map(({ payload }) => payload);
    expect(payloads.filter((payload) => payload.session.id === id)).toEqual([
      {
        event: "start",
        session: { ...session, status: "active" },
        timestamp,
        data: { maxIterations: 1 },
      },
      {
        event: "pause",
        session: { ...session, status: "paused" },
        timestamp,
        data: { reason: "User requested pause" },
      },
      {
        event: "resume",
        session: { ...session, status: "active" },
        timestamp,
        data: { pausedDuration: 0 },
      },
      {
        event: "timeout",
        session: { ...session, status: "timeout" },
        timestamp,
        data: expect.any(Object),
      },
      {
        event: "complete",
        session: { ...session, status: "completed" },
        timestamp,
        data: { result: "Feature implemented" },
      },
    ]);
    const errors = payloads.filter(({ event }) => event === "error" || event === "abandoned");
    expect(errors).toEqual([
      expect.objectContaining({
        event: "error",
        session: { id: failed.id, mode: "m", task: "t", status: "failed" },
        data: { error: "Build failed" },
      }),
      expect.objectContaining({
        event: "abandoned",
        session: { id: abandoned.id, mode: "m", task: "t", status: "abandoned" },
        data: { reason: "superseded" },
      }),
    ]);
    expect(posts[0]).toMatchObject({
      url: URL_OF_RECEIVER,
      headers: { "content-type": "application/json" },
    });
    expect(sessions.webhookFailures).toBe(0);
  });

  it("are not sent for failed or repeated calls", async () => {
    const { events, webhook } = receiver();
    const sessions = await open({ webhook });
    const { id } = await sessions.start({ task: "t", mode: "m", idempotencyKey: "s" });
    await sessions.start({ task: "t", mode: "m", idempotencyKey: "s" });
    expect(await code(sessions.pause(id, "p", { ifVersion: 9 }))).toBe("VERSION_CONFLICT");
    await sessions.pause(id, "p", { idempotencyKey: "p" });
    await sessions.pause(id, "p", { idempotencyKey: "p" });
    expect(await code(sessions.pause(id))).toBe("INVALID_TRANSITION");
    await sessions.close();
    expect(events()).toEqual(["start", "pause"]);
  });
});

describe("delivery of webhooks", () => {
  it("does not delay calls, and keeps the order within a session", async () => {
    const gates: (() => void)[] = [];
    const { posts, events, webhook } = receiver(() => new Promise<void>((go) => gates.push(go)));
    const sessions = await inMemory({ webhook });
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await sessions.pause(id);
    await sessions.resume(id);
    const other = await sessions.start({ task: "t", mode: "m" });
    await vi.waitFor(() => expect(posts).toHaveLength(2));
    expect(posts.map(({ payload }) => payload.session.id)).toEqual([id, other.id]);
    gates[0]?.();
    await vi.waitFor(() => expect(posts).toHaveLength(3));
    gates[1]?.();
    gates[2]?.();
    await vi.waitFor(() => expect(posts).toHaveLength(4));
    gates[3]?.();
    await sessions.close();
    expect(events()).toEqual(["start", "start", "pause", "resume"]);
  });

  it.each([
    ["an answer that is no success", () => 500, "the receiver answered 500"],
    ["a redirect", () => 302, "the receiver answered 302"],
    ["an answer below success", () => 199, "the receiver answered 199"],
    ["a redirect in a browser", () => 0, "the receiver answered a redirect"],
    [
      "a redirect that was followed all the same",
      () => ({ redirected: true }),
      "the receiver answered a redirect",
    ],
    [
      "a receiver that cannot be reached",
      () => {
        throw new TypeError("fetch failed");
      },
      "fetch failed",
    ],
  ])(
    "fails with %s: it is counted and reported, and the call succeeds",
    async (_, answer, problem) => {
      const { webhook } = receiver(answer);
      const sessions = await inMemory({ webhook });
      const errors: TenureError[] = [];
      sessions.on("error", (error) => errors.push(error));
      const { id } = await sessions.start({ task: "t", mode: "m" });
      expect((await sessions.complete(id)).status).toBe("completed");
      await sessions.close();
      expect(sessions.webhookFailures).toBe(2);
      expect(errors).toHaveLength(2);
      expect(errors[0]).toMatchObject({
        code: "WEBHOOK_FAILED",
        details: { url: URL_OF_RECEIVER, problem, session: id, event: "start" },
      });
    },
  );

  it("times out for a receiver that never responds", async () => {
    vi.useFakeTimers();
    const { webhook } = receiver(() => new Promise(() => {}));
    const sessions = await opening("memory:", { webhook: { ...webhook, timeoutMs: 1000 } });
    const errors: string[] = [];
    sessions.on("error", ({ message }) => errors.push(message));
    await sessions.start({ task: "t", mode: "m" });
    await vi.advanceTimersByTimeAsync(999);
    expect(errors).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(errors).toEqual([expect.stringContaining("no answer within 1000 ms")]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is waited for when a handle is closed, with a timeout", async () => {
    vi.useFakeTimers();
    const { webhook } = receiver(() => new Promise(() => {}));
    const sessions = await opening("memory:", { webhook: { ...webhook, timeoutMs: 3_600_000 } });
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await sessions.complete(id);
    let ended = false;
    const closing = sessions.close().then(() => {
      ended = true;
    });
    await vi.advanceTimersByTimeAsync(4999);
    expect(ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await closing;
    expect(sessions.webhookFailures).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("posts the selected events to the configured URL", async () => {
    const first = receiver();
    const second = receiver();
    const sessions = await inMemory({
      webhook: { ...first.webhook, events: ["complete"], headers: { authorization: "Bearer x" } },
    });
    const one = await sessions.start({ task: "t", mode: "m" });
    await sessions.complete(one.id);
    sessions.setWebhook(second.webhook);
    const two = await sessions.start({ task: "t", mode: "m" });
    sessions.setWebhook(null);
    await sessions.complete(two.id);
    await vi.waitFor(() => expect(second.events()).toEqual(["start"]));
    await sessions.close();
    expect(first.events()).toEqual(["complete"]);
    expect(first.posts[0]?.headers).toEqual({
      "content-type": "application/json",
      authorization: "Bearer x",
    });
    expect(second.events()).toEqual(["start"]);
  });

  it("uses the global fetch, with a plain URL", async () => {
    const { posts, webhook } = receiver();
    vi.stubGlobal("fetch", webhook.fetch);
    const sessions = openSync("memory:", { webhook: URL_OF_RECEIVER });
    sessions.start({ task: "t", mode: "m" });
    sessions.close();
    await vi.waitFor(() => expect(posts).toHaveLength(1));
  });

  const secret = "s3cr3t";

  it.each([
    ["a text that is no URL", `http://[${secret}`],
    ["a URL without a host", "http://"],
    ["a URL of another scheme", `ftp://receiver.example/${secret}`],
    ["a URL with a user and a password", `https://user:${secret}@receiver.example/`],
    ["a URL with a user", new URL(`https://${secret}@receiver.example/`)],
    ["a name that no header has", { headers: { "x token": secret } }],
    ["a header of the connection", { headers: { "Transfer-Encoding": secret } }],
    ["a header twice", { headers: { "x-a": secret, "X-A": secret } }],
    ["a header of two lines", { headers: { "x-a": `${secret}\nx-b: 1` } }],
    ["a header that is no text", { headers: { "x-a": [secret] } }],
    ["headers that would be lost", { headers: new Map([["x-a", secret]]) }],
    ["an unknown event", { events: ["start", secret] }],
    ["events that are no list", { events: "start" }],
    ["no event", { events: [] }],
    ["a timeout that is no number", { timeoutMs: "5" }],
  ])("refuses %s when the handle is opened or changed, and does not show it", async (_, given) => {
    const isUrl = typeof given === "string" || given instanceof URL;
    const webhook = (isUrl ? given : { url: URL_OF_RECEIVER, ...given }) as WebhookOptions;
    const sessions = await inMemory();
    for (const opening of [inMemory({ webhook }), (async () => sessions.setWebhook(webhook))()]) {
      const error = await opening.then(
        () => undefined,
        (thrown) => thrown as TenureError,
      );
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(textOf(error)).not.toContain(secret);
    }
  });

  it("shows the origin and the path of its URL alone", async () => {
    const { webhook } = receiver(({ url }) => {
      throw new TypeError(`request to ${url} failed`);
    });
    const url = `${URL_OF_RECEIVER}?key=${secret}`;
    const sessions = await inMemory({ webhook: { ...webhook, url: `${url}#${secret}` } });
    const errors: TenureError[] = [];
    sessions.on("error", (error) => errors.push(error));
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await sessions.close();
    const problem = `request to ${URL_OF_RECEIVER} failed`;
    expect(errors).toEqual([
      expect.objectContaining({
        message: `the webhook start of session ${id} was not delivered to ${URL_OF_RECEIVER}: ${problem}`,
        details: { url: URL_OF_RECEIVER, problem, session: id, event: "start" },
      }),
    ]);
    expect(errors.map(textOf).join()).not.toContain(secret);
  });

  it("sends a header of one's own in place of the default one", async () => {
    const { posts, webhook } = receiver();
    const headers = { "Content-Type": "application/vnd.bot+json", "X-Key": "a b" };
    const sessions = await inMemory({ webhook: { ...webhook, headers } });
    await sessions.start({ task: "t", mode: "m" });
    await sessions.close();
    expect(posts[0]?.headers).toEqual({
      "content-type": "application/vnd.bot+json",
      "x-key": "a b",
    });
  });

  it("fails what waits when a receiver hangs, in one timeout", async () => {
    vi.useFakeTimers();
    const { posts, webhook } = receiver(() => new Promise(() => {}));
    const sessions = openSync("memory:", { webhook: { ...webhook, timeoutMs: 1000 } });
    const problems: unknown[] = [];
    sessions.on("error", ({ details }) => problems.push(details.problem));
    const { id } = sessions.start({ task: "t", mode: "m" });
    for (let i = 0; i < 10; i += 1) {
      sessions.pause(id);
      sessions.resume(id);
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect(posts).toHaveLength(1);
    expect(problems).toHaveLength(21);
    expect(problems.slice(0, 2)).toEqual([
      "no answer within 1000 ms",
      "no answer within 1000 ms to the one before it",
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("fails one delivery alone when the receiver answers others", async () => {
    vi.useFakeTimers();
    const { posts, webhook } = receiver(({ payload: { event, session } }) =>
      session.id === "a" && event === "start" ? new Promise(() => {}) : undefined,
    );
    const sessions = openSync("memory:", { webhook: { ...webhook, timeoutMs: 1000 } });
    sessions.start({ task: "t", mode: "m", id: "a" });
    sessions.pause("a");
    await vi.advanceTimersByTimeAsync(500);
    sessions.start({ task: "t", mode: "m", id: "b" });
    await vi.advanceTimersByTimeAsync(500);
    expect(sessions.webhookFailures).toBe(1);
    expect(posts.map(({ payload }) => `${payload.session.id} ${payload.event}`)).toEqual([
      "a start",
      "b start",
      "a pause",
    ]);
  });

  it("fails a payload that has waited for a minute", async () => {
    vi.useFakeTimers();
    const { posts, webhook } = receiver(() => new Promise((go) => setTimeout(go, 40_000)));
    const sessions = openSync("memory:", { webhook: { ...webhook, timeoutMs: 50_000 } });
    const problems: unknown[] = [];
    sessions.on("error", ({ details }) => problems.push(details.problem));
    const { id } = sessions.start({ task: "t", mode: "m" });
    sessions.pause(id);
    sessions.resume(id);
    sessions.complete(id);
    await vi.advanceTimersByTimeAsync(80_000);
    expect(posts).toHaveLength(2);
    expect(problems).toEqual(["it has waited for 60000 ms", "it has waited for 60000 ms"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("limits the size of pending payloads", async () => {
    const { webhook } = receiver(() => new Promise(() => {}));
    const sessions = openSync("memory:", { webhook });
    const problems: unknown[] = [];
    sessions.on("error", ({ details }) => problems.push(details.problem));
    const result = "x".repeat(450_000);
    for (let i = 0; i < 60; i += 1) {
      const { id } = sessions.start({ task: "t", mode: "m" });
      sessions.complete(id, result);
    }
    expect(problems.length).toBeGreaterThan(20);
    expect(problems.length).toBeLessThan(26);
    expect(problems[0]).toMatch(/^others of \d+ bytes wait already$/);
    sessions.close();
  });

  it("ends within five seconds of `close` of a synchronous handle, also of a replaced webhook", async () => {
    vi.useFakeTimers();
    const { webhook } = receiver(() => new Promise(() => {}));
    const sessions = openSync("memory:", { webhook: { ...webhook, timeoutMs: 3_600_000 } });
    const problems: unknown[] = [];
    sessions.on("error", ({ details }) => problems.push(details.problem));
    const { id } = sessions.start({ task: "t", mode: "m" });
    sessions.setWebhook({ ...webhook, timeoutMs: 3_600_000 });
    sessions.complete(id);
    sessions.close();
    await vi.advanceTimersByTimeAsync(4999);
    expect(problems).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(problems).toEqual(["the handle was closed", "the handle was closed"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("limits concurrent deliveries and pending payloads", async () => {
    let active = 0;
    let most = 0;
    const { posts, webhook } = receiver(async () => {
      active += 1;
      most = Math.max(most, active);
      await new Promise((go) => setTimeout(go));
      active -= 1;
    });
    const sessions = openSync("memory:", { webhook });
    for (let i = 0; i < 100; i += 1) sessions.start({ task: "t", mode: "m" });
    await vi.waitFor(() => expect(posts).toHaveLength(100));
    expect(most).toBe(8);
    sessions.close();
    const stuck = receiver(() => new Promise(() => {}));
    const busy = openSync("memory:", { webhook: stuck.webhook });
    const { id } = busy.start({ task: "t", mode: "m" });
    for (let i = 0; i < 5001; i += 1) {
      busy.pause(id);
      busy.resume(id);
    }
    expect(busy.webhookFailures).toBe(3);
    busy.close();
  });
});

describe("listeners", () => {
  it("are called before the call returns, and until they are removed", async () => {
    const sessions = await inMemory();
    const received: string[] = [];
    const listener = ({ event, session }: WebhookPayload) =>
      received.push(`${event} ${session.id}`);
    const remove = sessions.on("lifecycle", listener);
    sessions.on("lifecycle", listener);
    await sessions.start({ task: "t", mode: "m", id: "a" });
    expect(received).toEqual(["start a"]);
    remove();
    await sessions.pause("a");
    expect(received).toEqual(["start a"]);
    sessions.on("lifecycle", listener);
    sessions.off("lifecycle", listener);
    await sessions.resume("a");
    expect(received).toEqual(["start a"]);
  });

  it("that throw only affect the error listeners", async () => {
    const sessions = await inMemory();
    const errors: TenureError[] = [];
    const received: string[] = [];
    const cause = new Error("listener broke");
    sessions.on("lifecycle", () => {
      throw cause;
    });
    sessions.on("lifecycle", ({ event }) => received.push(event));
    sessions.on("error", (error) => errors.push(error));
    const session = await sessions.start({ task: "t", mode: "m" });
    expect(session.status).toBe("active");
    expect(received).toEqual(["start"]);
    expect(errors).toEqual([expect.objectContaining({ code: "LISTENER_FAILED", cause })]);
  });

  it("that reject only affect the error listeners", async () => {
    const sessions = await inMemory();
    const errors: TenureError[] = [];
    const cause = new Error("listener broke");
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library.
    const thenable = { then: (_: unknown, reject: (error: Error) => void) => reject(cause) };
    sessions.on("lifecycle", async () => {
      throw cause;
    });
    sessions.on("lifecycle", () => thenable);
    sessions.on("lifecycle", () => ({
      // biome-ignore lint/suspicious/noThenProperty: an object that cannot be examined.
      get then(): never {
        throw cause;
      },
    }));
    sessions.on("error", (error) => errors.push(error));
    const session = await sessions.start({ task: "t", mode: "m" });
    expect(session.status).toBe("active");
    await vi.waitFor(() => expect(errors).toHaveLength(3));
    for (const error of errors) expect(error).toMatchObject({ code: "LISTENER_FAILED", cause });
  });

  it("for errors that reject are logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    try {
      const sessions = await inMemory();
      sessions.on("lifecycle", async () => {
        throw new Error("first");
      });
      sessions.on("error", async () => {
        throw new Error("second");
      });
      await sessions.start({ task: "t", mode: "m" });
      await vi.waitFor(() => expect(log).toHaveBeenCalledTimes(1));
      expect(log).toHaveBeenCalledWith(expect.objectContaining({ code: "LISTENER_FAILED" }));
    } finally {
      log.mockRestore();
    }
  });

  it("can use the handle", () => {
    const sessions = openSync("memory:");
    const titles: (string | undefined)[] = [];
    sessions.on("lifecycle", ({ session }) => titles.push(sessions.get(session.id)?.task));
    sessions.start({ task: "t", mode: "m" });
    expect(titles).toEqual(["t"]);
    sessions.close();
  });
});
