// The store of `tenure/compat`: its configuration, when it is opened and closed, and its webhook.

// Loaded first: the browser's own module has no operations of administrators.
import "../support/complete.js";
import { openSync, type Store } from "tenure";
import {
  addEvent,
  closeStore,
  completeSession,
  configure,
  configureWebhook,
  createSession,
  failSession,
  getSession,
  getStats,
  incrementIteration,
  listSessions,
  on,
  pauseSession,
  resumeSession,
  type SessionWebhookPayload,
  saveSession,
  startSession,
  updateSession,
} from "tenure/compat";
import { describe, expect, it, vi } from "vitest";
import { useStore } from "../support/compat.js";
import { code, failure } from "../support/failures.js";
import { asynchronous, MapStore } from "../support/map-store.js";

describe("the store", () => {
  it("is the last configured one; the previous one is closed", async () => {
    const first = new MapStore();
    const second = new MapStore();
    configure({ store: first });
    expect(first.closed).toBe(0);
    createSession({ id: "a", task: "t", mode: "m" });
    configure({ store: second });
    expect(first.closed).toBe(1);
    expect(getSession("a")).toBeNull();
    createSession({ id: "b", task: "t", mode: "m" });
    expect([...first.sessions.keys()]).toEqual(["a"]);
    expect([...second.sessions.keys()]).toEqual(["b"]);
    await closeStore();
    expect(second.closed).toBe(1);
    expect(getSession("b")?.id).toBe("b");
  });

  it("is not called before the first call of a function", () => {
    const store = new MapStore();
    const load = vi.spyOn(store, "load");
    configure({ store });
    configureWebhook(null);
    expect(load).not.toHaveBeenCalled();
    expect(getSession("a")).toBeNull();
    expect(load).toHaveBeenCalled();
  });

  it("is opened with the configured options", async () => {
    configure({ store: "memory:", limits: { maxTaskBytes: 4 } });
    expect(await code(startSession("a long task", "m"))).toBe("TOO_LARGE");
    for (const options of [7, null, [], () => {}, { store: 5 }, { store: null }]) {
      expect(await code(() => configure(options as never))).toBe("INVALID_ARGUMENT");
    }
    configure({ store: "nonsense:" });
    expect(await code(() => getStats())).toBe("UNSUPPORTED_STORE");
    expect(await code(() => configure({ store: "memory:", nonsense: 1 } as never))).toBe(
      "INVALID_ARGUMENT",
    );
  });

  it("is shared with other handles on it", () => {
    const store = new MapStore();
    configure({ store });
    const { id } = createSession({ task: "t", mode: "m" });
    using sessions = openSync(store);
    sessions.incrementIteration(id);
    expect(getSession(id)?.iterations).toBe(1);
  });
});

if (__BUILD__ !== "native") {
  it("the store has to be configured in environments without files", async () => {
    configure();
    const { message } = await failure(() => getStats());
    expect(message).toContain("call `configure({ store })` first");
    expect(await code(() => getStats())).toBe("UNSUPPORTED_STORE");
    expect(await code(startSession("t", "m"))).toBe("UNSUPPORTED_STORE");
    configure({ store: "memory:" });
    expect(getStats().total).toBe(0);
  });
}

describe("an asynchronous store", () => {
  it("supports only the functions that return promises", async () => {
    const store = new MapStore();
    configure({ store: asynchronous(store) });
    const { id } = await startSession("t", "m", { maxIterations: 3 });
    const counted = [incrementIteration(id), incrementIteration(id)];
    expect(await Promise.all(counted)).toEqual([true, true]);
    expect(await pauseSession(id)).toMatchObject({ status: "paused", iterations: 2 });
    expect(await pauseSession("unknown")).toBeNull();
    expect(await completeSession(id)).toMatchObject({ status: "completed" });
    expect(await incrementIteration(id)).toBe(false);
    const before = store.sessions.size;
    for (const call of [
      () => createSession({ task: "t", mode: "m" }),
      () => getSession(id),
      () => listSessions(),
      () => getStats(),
      () => updateSession(id, { task: "u" }),
    ]) {
      const error = await failure(call);
      expect(error.code).toBe("STORE_IS_ASYNC");
      expect(error.message).toContain("return promises");
    }
    expect(store.sessions.size).toBe(before);
    configure();
    await vi.waitFor(() => expect(store.closed).toBe(1));
  });

  it("that cannot be opened fails every call", async () => {
    const broken: Store = asynchronous({
      ...new MapStore(),
      load: () => Promise.reject(new Error("unavailable")),
      commit: () => Promise.reject(new Error("unavailable")),
      list: () => Promise.reject(new Error("unavailable")),
      record: () => Promise.reject(new Error("unavailable")),
      scan: () => Promise.reject(new Error("unavailable")),
    });
    configure({ store: broken });
    expect(await code(pauseSession("a"))).toBe("STORE_FAILED");
    expect(await code(pauseSession("a"))).toBe("STORE_FAILED");
  });
});

describe("the webhook", () => {
  /** Replaces `fetch` and returns the posted payloads. */
  function postman(): { readonly posted: string[]; readonly addresses: string[] } {
    const posted: string[] = [];
    const addresses: string[] = [];
    vi.stubGlobal("fetch", async (url: string, { body }: { readonly body: string }) => {
      addresses.push(url);
      posted.push(JSON.parse(body).event);
      return { ok: true, status: 200 };
    });
    return { posted, addresses };
  }

  it("gets the lifecycle events of sessions, and nothing else", async () => {
    const { posted, addresses } = postman();
    try {
      configureWebhook("http://bot.test/sessions");
      useStore(() => "memory:");
      const session = createSession({ task: "t", mode: "m", maxIterations: 1 });
      await incrementIteration(session.id);
      await pauseSession(session.id);
      await completeSession(session.id);
      await completeSession(session.id);
      updateSession(session.id, { status: "active" });
      saveSession(session);
      await vi.waitFor(() => expect(posted).toEqual(["start", "timeout", "pause", "complete"]));
      configureWebhook(null);
      await startSession("t", "m");
      await closeStore();
      expect(posted).toHaveLength(4);
      expect(new Set(addresses)).toEqual(new Set(["http://bot.test/sessions"]));
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it("gets the payloads of the original API", async () => {
    const bodies: string[] = [];
    vi.stubGlobal("fetch", async (_: string, { body }: { readonly body: string }) => {
      bodies.push(body);
      return { ok: true, status: 200 };
    });
    vi.useFakeTimers({ now: 0, toFake: ["Date"] });
    try {
      configureWebhook("http://bot.test/sessions");
      useStore(() => "memory:");
      const user = { userId: "u", channelId: "c" };
      await startSession("t", "m", { id: "a", ...user, workspace: "/srv", maxIterations: 2 });
      await incrementIteration("a");
      await pauseSession("a");
      vi.setSystemTime(5);
      await resumeSession("a");
      await incrementIteration("a");
      await completeSession("a", "done");
      await startSession("t", "m", { id: "b", maxIterations: 0 });
      await pauseSession("b", "lunch");
      await failSession("b", new Error("broken"));
      await startSession("t", "m", { id: "c" });
      await addEvent("c", "abandoned", { reason: "superseded", by: "ada" });
      await startSession("t", "m", { id: "d" });
      await addEvent("d", "abandoned");
      const heard: unknown[] = [];
      const remove = on("lifecycle", ({ event, data }) => heard.push([event, data]));
      await startSession("t", "m", { id: "e" });
      await addEvent("e", "abandoned");
      remove();
      expect(heard).toEqual([
        ["start", { maxIterations: 100 }],
        ["error", { reason: "abandoned" }],
      ]);
      await closeStore();
      const at = (ms: number): string => new Date(ms).toISOString();
      const of = (
        session: Omit<SessionWebhookPayload["session"], "mode" | "task" | "status">,
        event: SessionWebhookPayload["event"],
        status: SessionWebhookPayload["session"]["status"],
        ms: number,
        data: Record<string, unknown>,
      ): string => {
        const { id, ...more } = session;
        const shown = { id, mode: "m", status, task: "t", ...more };
        return JSON.stringify({ event, session: shown, timestamp: at(ms), data });
      };
      // The types have the original statuses.
      const abandoned = "abandoned" as never;
      const a = { id: "a", ...user };
      const b = { id: "b" };
      const expected = [
        of(a, "start", "active", 0, { workspace: "/srv", maxIterations: 2 }),
        of(a, "pause", "paused", 0, { reason: "User requested pause" }),
        of(a, "resume", "active", 5, { pausedDuration: 5 }),
        of(a, "timeout", "timeout", 5, { iterations: 2, maxIterations: 2 }),
        of(a, "complete", "completed", 5, { result: "done" }),
        of(b, "start", "active", 5, { maxIterations: 100 }),
        of(b, "pause", "paused", 5, { reason: "lunch" }),
        of(b, "error", "failed", 5, { error: "broken" }),
        of({ id: "c" }, "start", "active", 5, { maxIterations: 100 }),
        of({ id: "c" }, "error", abandoned, 5, { reason: "abandoned", detail: "superseded" }),
        of({ id: "d" }, "start", "active", 5, { maxIterations: 100 }),
        of({ id: "d" }, "error", abandoned, 5, { reason: "abandoned" }),
        of({ id: "e" }, "start", "active", 5, { maxIterations: 100 }),
        of({ id: "e" }, "error", abandoned, 5, { reason: "abandoned" }),
      ];
      const ofSession = (id: string, texts: readonly string[]): readonly string[] =>
        texts.filter((text) => JSON.parse(text).session.id === id);
      // The payloads of one session arrive in their order.
      for (const id of ["a", "b", "c", "d", "e"])
        expect(ofSession(id, bodies)).toEqual(ofSession(id, expected));
      expect(bodies).toHaveLength(expected.length);
    } finally {
      vi.useRealTimers();
      vi.unstubAllGlobals();
    }
  });

  it("that fails reaches the listeners, of every store", async () => {
    vi.stubGlobal("fetch", async () => ({ ok: false, status: 500 }));
    const errors: string[] = [];
    const remove = on("error", ({ code }) => errors.push(code));
    try {
      configureWebhook("http://bot.test/sessions");
      useStore(() => "memory:");
      await startSession("t", "m");
      await vi.waitFor(() => expect(errors).toEqual(["WEBHOOK_FAILED"]));
      useStore(() => asynchronous(new MapStore()));
      await startSession("t", "m");
      await vi.waitFor(() => expect(errors).toHaveLength(2));
      remove();
      await startSession("t", "m");
      await closeStore();
      expect(errors).toHaveLength(2);
      expect(await code(() => on("error", 7 as never))).toBe("INVALID_ARGUMENT");
      expect(await code(() => on("errors" as never, () => {}))).toBe("INVALID_ARGUMENT");
    } finally {
      remove();
      vi.unstubAllGlobals();
    }
  });

  it("stays when another store is configured, and can be set there", async () => {
    const { addresses } = postman();
    try {
      useStore(() => "memory:");
      configureWebhook("http://bot.test/first");
      await startSession("t", "m");
      useStore(() => asynchronous(new MapStore()));
      await startSession("t", "m");
      await vi.waitFor(() => expect(addresses).toHaveLength(2));
      useStore(() => "memory:", { webhook: "http://bot.test/second" });
      await startSession("t", "m");
      await vi.waitFor(() => expect(addresses).toHaveLength(3));
      expect(addresses).toEqual([
        "http://bot.test/first",
        "http://bot.test/first",
        "http://bot.test/second",
      ]);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it("has to be a URL", async () => {
    expect(await code(() => configureWebhook("http://["))).toBe("INVALID_ARGUMENT");
    useStore(() => "memory:");
    expect((await startSession("t", "m")).status).toBe("active");
  });
});
