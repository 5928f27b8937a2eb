// Servers over stores that are written in JavaScript: what their clients and the program get when the store
// fails, hangs or is closed.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import type { Store } from "tenure";
import { afterEach, describe, expect, it } from "vitest";
import { failure } from "../support/failures.js";
import { asynchronous, MapStore } from "../support/map-store.js";
import { type OpenOptions, opening } from "../support/stores.js";

const start = { task: "t", mode: "m" };
const closers: (() => unknown)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A store in JavaScript, its handle, its server and a client. */
async function served(own: Store, options?: OpenOptions, clientOptions?: OpenOptions) {
  const store = await opening(own, options);
  const server = await store.serve();
  const client = await opening(server.url, { ...clientOptions, token: server.token });
  return { store, server, client };
}

/** A map store with some methods replaced. */
function mapStore(change: (store: MapStore) => Partial<Store>): Store {
  const store = new MapStore();
  const changed: Store = Object.create(store);
  return Object.assign(changed, change(store));
}

/** A store whose commits wait until `release` is called. */
function gated() {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let began = (): void => {};
  const committing = new Promise<void>((resolve) => {
    began = resolve;
  });
  closers.push(release);
  const own = mapStore((store) => ({
    async commit(changes, feed) {
      began();
      await released;
      return store.commit(changes, feed);
    },
  }));
  return { own, release, committing };
}

/** A script whose package is found from anywhere. */
const resolved = (script: string): string =>
  script.replace('"tenure"', JSON.stringify(import.meta.resolve("tenure")));

describe("a served store in JavaScript", () => {
  it("shows its capabilities, and each side what the other one has written", async () => {
    const { store, client } = await served(new MapStore());
    expect(client.capabilities).toEqual({ ...store.capabilities, shared: true });
    const { id } = await client.start({ ...start, context: { a: "\ud800", b: [1] } });
    expect(await store.context(id)).toEqual(await client.context(id));
    await store.complete(id);
    expect((await client.get(id))?.status).toBe("completed");
  });

  it("is watched from both sides", async () => {
    const { store, client } = await served(new MapStore());
    const watches = [store.watch({}, { from: 0 }), client.watch({}, { from: 0 })];
    const next = watches.map((watch) => watch.next());
    await client.start({ ...start, id: "s" });
    for (const change of next) expect((await change).value?.id).toBe("s");
    await store.complete("s");
    for (const watch of watches) {
      expect((await watch.next()).value?.session?.status).toBe("completed");
      await watch.return();
    }
  });

  it("without a feed cannot be watched", async () => {
    const { client } = await served(mapStore(() => ({ capabilities: {} })));
    expect(client.capabilities.feed).toBe(false);
    expect(() => client.watch()).toThrow(expect.objectContaining({ code: "NO_FEED" }));
  });

  it("lets many calls be in flight", async () => {
    const { client } = await served(asynchronous(new MapStore()));
    const { id } = await client.start(start);
    const calls = Array.from({ length: 200 }, (_, number) =>
      number % 2 ? client.start(start) : client.addEvent(id, `note_${number}`),
    );
    await Promise.all(calls);
    expect((await client.stats()).total).toBe(101);
    expect((await client.get(id))?.history.at(-1)?.type).toBe("note_198");
  });

  it("does not take a client for a process of this machine", async () => {
    const { store, client } = await served(new MapStore());
    expect((await failure(client.leases.acquire("key", { leaseDurationMs: 60_000 }))).code).toBe(
      "INVALID_ARGUMENT",
    );
    const options = { holder: "a client", leaseDurationMs: 60_000 };
    expect((await client.leases.acquire("key", options)).outcome).toBe("acquired");
    const [lease] = (await store.leases.list()).items;
    expect(lease?.holder).not.toHaveProperty("pid");
  });

  it("has models of its own only for its own calls", async () => {
    const request = { taskId: "T", phase: "plan", model: "gone", ...start } as const;
    const asks = (name: string) => name !== "gone";
    const { store, client, server } = await served(new MapStore(), { models: asks });
    expect((await failure(store.startInSlot(request))).code).toBe("MODEL_MISSING");
    expect((await client.startInSlot(request)).outcome).toBe("created");
    const knowing = await opening(server.url, { token: server.token, models: ["opus"] });
    expect((await knowing.list()).items.map((head) => head.modelMissing)).toEqual([true]);
  });

  it("posts the webhooks of a client nowhere but at the client", async () => {
    const posted: string[] = [];
    const webhook = (name: string) => ({
      url: "http://127.0.0.1:1",
      fetch: async (_: string, { body }: { readonly body: string }) => {
        posted.push(`${name}: ${JSON.parse(body).event}`);
        return { status: 200 };
      },
    });
    const options = [{ webhook: webhook("server") }, { webhook: webhook("client") }] as const;
    const { store, client } = await served(new MapStore(), ...options);
    const { id } = await client.start(start);
    await client.pause(id);
    await client.close();
    await store.resume(id);
    await store.close();
    expect(posted).toEqual(["client: start", "client: pause", "server: resume"]);
  });
});

describe("a served store in JavaScript that misbehaves", () => {
  it("fails calls with its error", async () => {
    for (const [code, expected] of [
      ["STORAGE_FULL", "STORAGE_FULL"],
      [undefined, "STORE_FAILED"],
    ] as const) {
      const problem = Object.assign(new Error("no room"), { code });
      for (const commit of [
        () => {
          throw problem;
        },
        () => Promise.reject(problem),
      ]) {
        const { client } = await served(mapStore(() => ({ commit })));
        const error = await failure(client.start(start));
        expect(error.code).toBe(expected);
        expect(error.message).toContain("no room");
      }
    }
  });

  it("fails calls that it never answers, and closes", async () => {
    const never = () => new Promise<never>(() => {});
    let called = (): void => {};
    const load = () => {
      called();
      return never();
    };
    const options = { timeoutMs: 300 };
    const { store, client, server } = await served(
      mapStore(() => ({ load, commit: never })),
      options,
    );
    const [read, write] = [failure(client.get("s")), failure(client.start(start))];
    expect((await read).code).toBe("STORE_TIMEOUT");
    expect((await write).code).toBe("OUTCOME_UNKNOWN");
    const loading = new Promise<void>((resolve) => {
      called = resolve;
    });
    const late = failure(client.get("s"));
    await loading;
    await store.close();
    expect((await late).code).toBe("STORE_TIMEOUT");
    await server.closed;
  });

  it("takes the first of two answers, and refuses what is none", async () => {
    const twice = mapStore((store) => ({
      load(id, history) {
        const loaded = store.load(id, history);
        const then = (resolve: (value: unknown) => void) => {
          resolve(loaded);
          resolve(null);
          throw new Error("later");
        };
        return { then } as unknown as Promise<typeof loaded>;
      },
    }));
    const { client } = await served(twice);
    const { id } = await client.start(start);
    expect((await client.get(id))?.id).toBe(id);
    const wrong = mapStore(() => ({ list: () => ({ all: 1 }) as never }));
    const { client: other } = await served(wrong);
    expect((await failure(other.list())).code).toBe("STORE_MISBEHAVED");
  });

  it("leaves other calls alone while one hangs", async () => {
    const { own, release, committing } = gated();
    const { client } = await served(own);
    const write = client.start(start);
    await committing;
    expect((await client.list()).items).toEqual([]);
    release();
    const { id } = await write;
    expect((await client.get(id))?.id).toBe(id);
  });
});

describe("closing a served store in JavaScript", () => {
  it("ends the calls that are in flight, and then the store", async () => {
    const { own, release, committing } = gated();
    const { store, client, server } = await served(own);
    const write = client.start({ ...start, id: "s" });
    await committing;
    const closed = store.close();
    release();
    expect((await write).id).toBe("s");
    await closed;
    await server.closed;
    expect((await failure(client.list())).code).toBe("STORE_UNAVAILABLE");
    expect((own as MapStore).closed).toBe(1);
  });

  it("leaves the handle open if only the server is closed, which may be served again", async () => {
    const { store, server } = await served(new MapStore());
    await server.close();
    await server.close();
    await store.start(start);
    await using again = await store.serve();
    const client = await opening(again.url, { token: again.token });
    expect((await client.list()).items).toHaveLength(1);
  });

  it("ends with the thread that serves it, and so do its calls", async () => {
    const script = `
      import { parentPort } from "node:worker_threads";
      import { open } from "tenure";
      const load = () => {
        parentPort.postMessage("loading");
        return new Promise(() => {});
      };
      const sessions = await open({ load, commit: load, list: load, record: load, scan: load });
      parentPort.postMessage((await sessions.serve()).page);`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(resolved(script))}`);
    const worker = new Worker(url, { env: { ...process.env, TENURE_BINDING: "native" } });
    const [page] = await once(worker, "message");
    const client = await opening(page);
    const call = failure(client.get("s"));
    await once(worker, "message");
    await worker.terminate();
    // The answer may be that there is none, or not arrive.
    expect(["INTERNAL", "STORE_UNAVAILABLE"]).toContain((await call).code);
    expect((await failure(client.list())).code).toBe("STORE_UNAVAILABLE");
  });

  it("lets Node end, which a server keeps alive", async () => {
    const script = `
      import { open } from "tenure";
      const store = {
        load: () => undefined,
        commit: () => ({ kind: "applied" }),
        list: () => ({ all: [] }),
        record: () => undefined,
        scan: () => [],
      };
      const sessions = await open(store);
      const server = await sessions.serve();
      const client = await open(server.url, { token: server.token });
      setTimeout(async () => {
        console.log((await client.list()).items.length);
        await server.close();
        console.log("closed");
      }, 50).unref();`;
    const env = { ...process.env, TENURE_BINDING: "native" };
    const args = ["--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 });
    expect(stdout).toBe("0\nclosed\n");
  });
});
