// Servers and their clients: what a client does when a server refuses, fails, hangs, breaks or restarts.

import { execFile } from "node:child_process";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { promisify } from "node:util";
import { copy, open, openMirror, openSync, type Sessions } from "tenure";
import { afterEach, describe, expect, it, vi } from "vitest";
import { failure } from "../support/failures.js";
import { startUi } from "../support/server.js";
import { newDatabase } from "../support/sqlite.js";
import { opening } from "../support/stores.js";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A store in memory, its server and a client. */
async function served(options: Parameters<Sessions["serve"]>[0] = {}) {
  const store = await opening("memory:");
  const server = await store.serve(options);
  const client = await opening(server.url, { token: server.token });
  return { store, server, client };
}

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** The URL of an HTTP server of Node. */
async function other(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  closers.push(() => server.closeAllConnections());
  return `http://127.0.0.1:${await listening(server)}`;
}

/** The URL of a proxy to a server. It destroys each connection for which `breaks` says so, after its request. */
async function proxyTo(url: string, breaks: (request: string) => "before" | "after" | false) {
  const { port } = new URL(url);
  const server = createTcpServer((client: Socket) => {
    const upstream = connect(Number(port), "127.0.0.1");
    let how: ReturnType<typeof breaks> = false;
    client.on("error", () => {});
    upstream.on("error", () => {});
    client.on("data", (data) => {
      const text = data.toString();
      // A body may come after its head.
      if (/^(GET|POST) /.test(text)) how = breaks(text);
      if (how === "before") client.destroy();
      else upstream.write(text.replace(/host: [^\r]*/i, `host: 127.0.0.1:${port}`));
    });
    upstream.on("data", (reply) => (how === "after" ? client.destroy() : client.write(reply)));
    client.on("close", () => upstream.destroy());
  });
  return `http://127.0.0.1:${await listening(server)}`;
}

const start = { task: "t", mode: "m" };

describe("a client of a server", () => {
  it("reads and writes the store of the handle that is served", async () => {
    const { store, client } = await served();
    expect(client.binding).toBe("server");
    expect(client.capabilities.feed).toBe(true);
    const { id } = await client.start({ ...start, context: { a: "\ud800", b: [1] } });
    expect(await store.context(id)).toEqual(await client.context(id));
    await store.complete(id);
    expect((await client.get(id))?.status).toBe("completed");
  });

  it("performs the writes to a session in the order of their calls", async () => {
    const { client } = await served();
    const { id } = await client.start(start);
    const types = Array.from({ length: 30 }, (_, number) => `note_${number}`);
    await Promise.all(types.map((type) => client.addEvent(id, type)));
    const { items } = await client.events(id, { limit: 100 });
    expect(items.map(({ type }) => type).slice(1)).toEqual(types);
  });

  it("is asynchronous, and has no options of the store itself", async () => {
    const { server } = await served();
    expect(() => openSync(server.url)).toThrow(expect.objectContaining({ code: "STORE_IS_ASYNC" }));
    for (const options of [{ durability: "full" }, { redact: false }, { fenced: true }] as const) {
      const error = await failure(open(server.url, { ...options, token: server.token }));
      expect(error.code).toBe("INVALID_ARGUMENT");
    }
    expect((await failure(open("memory:", { token: server.token }))).code).toBe("INVALID_ARGUMENT");
  });

  it("takes the printed URL, and shows its token in no error", async () => {
    const { server } = await served();
    const client = await opening(server.page);
    expect((await client.list()).items).toEqual([]);
    for (const [url, code] of [
      [`${server.url}?token=s3cret-s3cret`, "UNAUTHORIZED"],
      ["http://127.0.0.1:1/?token=s3cret-s3cret", "STORE_UNAVAILABLE"],
      ["http://user:s3cret@127.0.0.1:1", "INVALID_ARGUMENT"],
      ["http://", "INVALID_ARGUMENT"],
    ] as const) {
      const error = await failure(open(url));
      expect(error.code).toBe(code);
      expect(`${error.message} ${JSON.stringify(error.details)}`).not.toContain("s3cret");
    }
    expect((await failure(open("http://127.0.0.1:1"))).message).toContain("http://127.0.0.1:1");
    expect((await failure(open(server.url, { token: "a\r\nb" }))).code).toBe("INVALID_ARGUMENT");
  });

  it("tells its server which models are available", async () => {
    const { server } = await served();
    const request = (phase: "plan" | "run", model: string) =>
      ({ taskId: "T", phase, model, ...start }) as const;
    for (const models of [["opus", "modèle"], (name: string) => name !== "gone"]) {
      const client = await opening(server.url, { token: server.token, models });
      const error = await failure(client.startInSlot(request("plan", "gone")));
      expect(error.code).toBe("MODEL_MISSING");
      const { code } = await client.startInSlot(request("run", "modèle"));
      expect(["SLOT_CREATED", "SAME_MODEL_ACTIVE"]).toContain(code);
      const missing = async () => (await client.list()).items.map((head) => head.modelMissing);
      expect(await missing()).not.toContain(true);
      client.setModels(["opus"]);
      expect(await missing()).toEqual([true]);
      client.setModels(null);
      expect(await missing()).not.toContain(true);
    }
  });

  it("has a mirror that marks missing models by its own list, or else by that of the server", async () => {
    const store = await opening("memory:", { models: ["opus", "haiku"] });
    await store.startInSlot({ taskId: "T", phase: "plan", model: "haiku", ...start });
    store.setModels(["opus"]);
    const { url, token } = await store.serve();
    for (const [models, isMissing] of [
      [undefined, true],
      [["haiku"], undefined],
    ] as const) {
      const client = await opening(url, { token, models });
      using mirror = await openMirror(client);
      const list = await client.list();
      expect(list.items.map(({ modelMissing }) => modelMissing)).toEqual([isMissing]);
      expect(mirror.list()).toEqual(list);
      client.setModels([]);
      client.setModels(null);
      using another = await openMirror(client);
      expect(another.list()).toEqual(await client.list());
    }
  });

  it("is refused what a read-only server does not do", async () => {
    const { store, client } = await served({ readOnly: true });
    expect([store.isReadOnly, client.isReadOnly]).toEqual([false, true]);
    await store.start({ ...start, id: "s" });
    expect((await client.list()).items).toHaveLength(1);
    expect((await failure(client.pause("s"))).code).toBe("READ_ONLY");
  });

  it("posts the webhooks of its own writes", async () => {
    const { server } = await served();
    const posted: unknown[] = [];
    const webhook = {
      url: "http://127.0.0.1:1",
      fetch: async (_: string, { body }: { readonly body: string }) => {
        posted.push(JSON.parse(body).event);
        return { status: 200 };
      },
    };
    const client = await opening(server.url, { token: server.token, webhook });
    const { id } = await client.start(start);
    await client.pause(id);
    await client.close();
    expect(posted).toContain("pause");
  });

  it("loads no build", async () => {
    const { server } = await served();
    const script = `
      import { open } from "tenure";
      const sessions = await open(${JSON.stringify(server.url)}, { token: ${JSON.stringify(server.token)} });
      await sessions.start({ task: "t", mode: "m" });
      for await (const { id } of sessions.watch({}, { from: 0 })) { console.log((await sessions.list()).items.length); break; }
      await sessions.close();`;
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
      // Each build would refuse this.
      env: { ...process.env, TENURE_BINDING: "none" },
      timeout: 60_000,
    });
    expect(await run).toMatchObject({ stdout: "1\n", stderr: "" });
  });
});

describe("heads over a server", () => {
  it("come as bytes to a request that takes them, and in base 64 to any other", async () => {
    const { store, server, client } = await served();
    for (const id of ["a", "b"]) await store.start({ ...start, id, context: { text: "\n" } });
    const ask = (accept: string, params: object): Promise<Response> =>
      fetch(`${server.url}v1/heads`, {
        method: "POST",
        headers: {
          accept,
          authorization: `Bearer ${server.token}`,
          "content-type": "application/json",
        },
        body: JSON.stringify(params),
      });
    const { ok: expected } = await (await ask("*/*", { limit: 1 })).json();
    expect(expected).toMatchObject({ count: 1, nextCursor: expect.any(String) });
    const response = await ask("application/octet-stream", { limit: 1 });
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    const content = Buffer.from(await response.arrayBuffer());
    const end = content.indexOf("\n");
    const { ok: page } = JSON.parse(content.subarray(0, end).toString());
    const bytes = content.subarray(end + 1).toString("base64");
    expect({ ...page, bytes }).toEqual(expected);
    expect(await client.heads({ limit: 1 })).toEqual(expected);
    for (const accept of [
      "Application/Octet-Stream;q=0.9",
      "application/json, application/octet-stream",
    ]) {
      const { headers } = await ask(accept, {});
      expect(headers.get("content-type")).toBe("application/octet-stream");
    }
    for (const accept of [
      "*/*",
      "application/json",
      "application/octet-stream;q=0",
      "x-octet-stream",
    ]) {
      const { headers } = await ask(accept, {});
      expect(headers.get("content-type")).toBe("application/json");
    }
    const refused = await ask("application/octet-stream", { cursor: "x" });
    expect([refused.status, (await refused.json()).error.code]).toEqual([400, "INVALID_CURSOR"]);
  });

  it("come as bytes to a mirror", async () => {
    const { store, client } = await served();
    await store.start({ ...start, id: "a" });
    const fetched = vi.spyOn(globalThis, "fetch");
    try {
      using mirror = await openMirror(client);
      expect(mirror.get("a")?.task).toBe("t");
      const responses = await Promise.all(fetched.mock.results.map(({ value }) => value));
      const types = responses.map(({ headers }: Response) => headers.get("content-type"));
      expect(types).toContain("application/octet-stream");
    } finally {
      fetched.mockRestore();
    }
  });
});

describe("jobs over a server", () => {
  it("copy to and from it", async () => {
    const { client, store } = await served();
    const source = await opening("memory:");
    for (let number = 0; number < 5; number += 1) await source.start(start);
    expect(await copy(source, client)).toMatchObject({ sessions: 5, problems: [] });
    expect((await store.list()).items).toHaveLength(5);
    const target = await opening("memory:");
    expect(await copy(client, target)).toMatchObject({ sessions: 5, problems: [] });
  });

  it("hold sessions, and renew their leases", async () => {
    const { client } = await served();
    const { id } = await client.start(start);
    const held = await client.hold(id, { leaseDurationMs: 60_000 });
    expect((await failure(client.pause(id))).code).toBe("SESSION_HELD");
    await held?.pause(id);
    expect(await held?.release()).toBe(true);
    await using lease = await client.leases.hold("key", { leaseDurationMs: 60_000 });
    expect(lease?.isHeld).toBe(true);
    expect(await client.leases.hold("key", { leaseDurationMs: 60_000 })).toBeNull();
  });

  it("archive what they purge, and run retention", async () => {
    const { client, server } = await served();
    const { id } = await client.start(start);
    await client.trash(id);
    const archived: string[] = [];
    const archive = async (session: string): Promise<void> =>
      void archived.push(JSON.parse(session).id);
    await client.purge({ olderThan: 0 }, { archive });
    expect(archived).toEqual([id]);
    const retention = { maxAge: "1d", every: "1h" };
    await opening(server.url, { token: server.token, retention });
    const wrong = { token: server.token, retention: { ...retention, every: 0 } };
    expect((await failure(open(server.url, wrong))).code).toBe("INVALID_ARGUMENT");
  });
});

describe("a connection that breaks", () => {
  it("is made again for reads, and for writes that the server knows by a key", async () => {
    const { server, store } = await served();
    let breaking = 0;
    let how: "before" | "after" = "after";
    const url = await proxyTo(server.url, () => {
      breaking -= 1;
      return breaking >= 0 ? how : false;
    });
    const client = await opening(url, { token: server.token });
    for (how of ["before", "after"] as const) {
      breaking = 2;
      await client.list();
      breaking = 2;
      const key = `key-${how}`;
      const { id } = await client.start({ ...start, idempotencyKey: key });
      breaking = 1;
      const error = await failure(client.incrementIteration(id));
      expect(error.code).toBe("OUTCOME_UNKNOWN");
    }
    const { items } = await store.list();
    expect(items).toHaveLength(2);
    // The server has got the second one of them alone.
    const iterations = items.map((head) => head.iterations);
    expect(iterations.sort()).toEqual([0, 1]);
    breaking = 100;
    expect((await failure(client.list())).code).toBe("STORE_UNAVAILABLE");
  });

  it("is made again for every call that a busy server has refused", async () => {
    const { server } = await served();
    let busy = 0;
    const url = await other(async (request, response) => {
      busy -= 1;
      if (busy >= 0) {
        const error = { code: "SERVER_BUSY", message: "busy", details: {} };
        response.writeHead(503).end(JSON.stringify({ error }));
        return;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method = "GET" } = request;
      const reply = await fetch(new URL(request.url ?? "/", server.url), {
        method,
        headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
        ...(method === "GET" ? {} : { body: Buffer.concat(chunks) }),
      });
      response.writeHead(reply.status).end(await reply.text());
    });
    const client = await opening(url, { token: server.token });
    busy = 2;
    const { id } = await client.start(start);
    busy = 2;
    await client.incrementIteration(id);
    busy = 3;
    expect((await failure(client.incrementIteration(id))).code).toBe("STORE_UNAVAILABLE");
  });

  it("is an error for a server that hangs or is another one", async () => {
    const about = { ok: { version: "0", capabilities: {}, readOnly: false } };
    const hanging = await other((request, response) => {
      if (request.url === "/v1") response.end(JSON.stringify(about));
    });
    const client = await opening(hanging, { token: "token", timeoutMs: 1000 });
    const [read, write] = [failure(client.list()), failure(client.start(start))];
    expect((await read).code).toBe("STORE_TIMEOUT");
    expect((await write).code).toBe("OUTCOME_UNKNOWN");
    for (const [status, body] of [
      [200, "<html>"],
      [200, "{}"],
      [404, "no such page"],
      [302, ""],
    ] as const) {
      const url = await other((_, response) => {
        response.writeHead(status, { location: "/elsewhere" }).end(body);
      });
      expect((await failure(open(url, { token: "token" }))).code).toBe("STORE_UNAVAILABLE");
    }
  });
});

describe("a watch over a server", () => {
  it("sees the changes of others soon, and its own", async () => {
    const { store, client } = await served();
    const watch = client.watch({}, { from: 0 });
    const next = watch.next();
    await store.start({ ...start, id: "s" });
    expect((await next).value?.id).toBe("s");
    await client.complete("s");
    expect((await watch.next()).value?.session?.status).toBe("completed");
    await watch.return();
  });

  it("goes on after its server was killed, misses nothing and gets nothing twice", async () => {
    const database = newDatabase();
    const url = `sqlite:${database}`;
    const writer = await opening(url);
    let ui = await startUi("--store", url, "--port", "0");
    const token = "token-of-the-server-that-restarts";
    await ui.kill();
    const { port } = new URL(ui.url);
    const restart = (): ReturnType<typeof startUi> =>
      startUi("--store", url, "--port", port, "--token", token);
    ui = await restart();
    const client = await opening(ui.url, { token });
    const seen: number[] = [];
    const watch = client.watch({}, { from: 0 });
    const until = async (count: number): Promise<void> => {
      while (seen.length < count) {
        const { value } = await watch.next();
        if (value) seen.push(value.position);
      }
    };
    let written = 0;
    for (let round = 0; round < 3; round += 1) {
      for (let number = 0; number < 3; number += 1) await writer.start(start);
      written += 3;
      await until(written);
      await ui.kill();
      await writer.start(start);
      written += 1;
      ui = await restart();
      await until(written);
    }
    expect(seen).toEqual(Array.from({ length: written }, (_, index) => index + 1));
    await watch.return();
  });

  it("waits for a server that is away for long, or ends with the error", async () => {
    const url = `sqlite:${newDatabase()}`;
    const token = "token-of-the-server-that-is-away";
    // The command serves a store that exists.
    await opening(url);
    const first = await startUi("--store", url, "--port", "0", "--token", token);
    const client = await opening(first.url, { token });
    const [waiting, failing] = [
      client.watch({}, { from: 0 }),
      client.watch({}, { from: 0, ifAway: "fail" }),
    ];
    await client.start({ ...start, id: "before" });
    expect([(await waiting.next()).value?.id, (await failing.next()).value?.id]).toEqual([
      "before",
      "before",
    ]);
    const next = waiting.next();
    const failed = failure(failing.next());
    await first.kill();
    // By then a read has failed for good.
    expect((await failed).code).toBe("STORE_UNAVAILABLE");
    const { port } = new URL(first.url);
    await startUi("--store", url, "--port", port, "--token", token);
    await client.start({ ...start, id: "after" });
    expect((await next).value?.id).toBe("after");
    await waiting.return();
    expect(() => client.watch({}, { ifAway: "stay" as never })).toThrow(/ifAway/);
  });
});

describe("serving a handle", () => {
  it("keeps Node alive until the server is closed", async () => {
    const script = `
      import { open } from "tenure";
      const sessions = await open("memory:");
      const server = await sessions.serve();
      console.log(server.page);
      const client = await open(server.page);
      setTimeout(async () => {
        await client.start({ task: "t", mode: "m" });
        await server.close();
        console.log((await sessions.list()).items.length);
      }, 50).unref();`;
    const env = { ...process.env, TENURE_BINDING: "native" };
    const args = ["--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 });
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{64}\n1\n$/);
  });

  it("ends with the handle", async () => {
    const { store, server, client } = await served();
    const watch = client.watch();
    const next = watch.next();
    await client.list();
    await store.close();
    await server.closed;
    expect((await failure(client.list())).code).toBe("STORE_UNAVAILABLE");
    await client.close();
    expect((await next).done).toBe(true);
  });

  it("refuses options that are none, and an address without a token", async () => {
    const store = await opening("memory:");
    for (const options of [
      { port: 70_000 },
      { port: -1 },
      { address: "0.0.0.0" },
      { address: "nowhere" },
      { token: "short" },
      { allowOrigins: ["*"] },
      { log: "xml" },
      { ports: 1 },
    ]) {
      const error = await failure(store.serve(options as object));
      expect(error.code).toBe("INVALID_ARGUMENT");
    }
    const { client } = await served();
    expect((await failure(client.serve())).code).toBe("UNSUPPORTED_OPERATION");
    await store.close();
    expect((await failure(store.serve())).code).toBe("CLOSED");
  });
});
