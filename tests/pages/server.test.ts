// A server and real pages: a client on a page of another origin, the cookie of the server's own page, and a
// page that tries to use that cookie.

import { beforeEach, expect, it } from "vitest";
import { startUi, type Ui } from "../support/server.js";
import { sharedPages } from "./support/pages.js";
import { newPage } from "./support/site.js";

const pages = sharedPages();
let ui: Ui;

beforeEach(async () => {
  const { origin } = new URL(pages.site.url);
  ui = await startUi("--store", "memory:", "--port", "0", "--allow-origin", origin);
});

/** The ids of all sessions, by the server itself. */
async function ids(): Promise<string[]> {
  const response = await fetch(`${ui.url}v1/list`, {
    method: "POST",
    headers: { authorization: `Bearer ${ui.token}`, "content-type": "application/json" },
  });
  const { ok } = await response.json();
  return ok.items.map(({ id }: { readonly id: string }) => id);
}

it("a page of an allowed origin reads, writes and watches, and loads no WebAssembly", async () => {
  const page = await newPage(pages.context, pages.site);
  const seen = await page.evaluate(
    async ({ url, token }) => {
      const sessions = await tenure.open(url, { token });
      const watch = sessions.watch();
      const first = watch.next();
      await sessions.start({ id: "s", task: "t", mode: "m" });
      const { value } = await first;
      const found = await sessions.get("s");
      const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
      await sessions.close();
      return [value?.id, found?.task, loaded.filter((name) => name.endsWith(".wasm"))];
    },
    { url: ui.url, token: ui.token },
  );
  expect(seen).toEqual(["s", "t", []]);
  expect(await ids()).toEqual(["s"]);
});

it("a page loads the WebAssembly when a job needs it", async () => {
  const page = await newPage(pages.context, pages.site);
  const seen = await page.evaluate(
    async ({ url, token }) => {
      const sessions = await tenure.open(url, { token });
      const { id } = await sessions.start({ task: "t", mode: "m" });
      const held = await sessions.hold(id, { leaseDurationMs: 60_000 });
      await held?.release();
      const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
      return [held !== null, loaded.some((name) => name.endsWith(".wasm"))];
    },
    { url: ui.url, token: ui.token },
  );
  expect(seen).toEqual([true, true]);
});

it("a page of another origin reads nothing, with the token too", async () => {
  const other = await startUi("--store", "memory:", "--port", "0");
  const page = await newPage(pages.context, pages.site);
  const code = await page.evaluate(
    async ({ url, token }) => {
      const opened = tenure.open(url, { token });
      return opened.then(
        () => "open",
        ({ code }) => code,
      );
    },
    { url: other.url, token: other.token },
  );
  expect(code).toBe("STORE_UNAVAILABLE");
});

it("the own page of the server uses its cookie, and no other page does", async () => {
  const own = await pages.context.newPage();
  await own.goto(`${ui.url}?token=${ui.token}`);
  expect(own.url()).toBe(ui.url);
  expect(await own.evaluate(() => document.cookie)).toBe("");
  const call = (id: string, type: string, mode: RequestMode) =>
    [`${ui.url}v1/start`, JSON.stringify({ id, task: "t", mode: "m" }), type, mode] as const;
  const send = async ([url, body, type, mode]: ReturnType<typeof call>): Promise<number> => {
    const headers = { "content-type": type };
    const sent = fetch(url, { method: "POST", credentials: "include", headers, body, mode });
    return sent.then(
      ({ status }) => status,
      () => -1,
    );
  };
  expect(await own.evaluate(send, call("own", "application/json", "cors"))).toBe(200);
  // The site is another origin, but the same site: its requests have the cookie.
  const other = await newPage(pages.context, pages.site);
  for (const [id, type, mode] of [
    ["a", "application/json", "cors"],
    ["b", "text/plain", "cors"],
    ["c", "text/plain", "no-cors"],
  ] as const) {
    expect(await other.evaluate(send, call(id, type, mode))).not.toBe(200);
  }
  const streamed = await other.evaluate(async (url) => {
    const source = new EventSource(`${url}v1/watch`, { withCredentials: true });
    return new Promise((resolve) => {
      source.onopen = () => resolve("open");
      source.onerror = () => resolve("refused");
    });
  }, ui.url);
  expect(streamed).toBe("refused");
  expect(await ids()).toEqual(["own"]);
});
