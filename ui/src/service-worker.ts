/**
 * Stores the files of the page, so that it opens without a network. The store of the sessions is not its concern:
 * requests of other paths pass.
 *
 * @module
 */

/** The part of a service worker's scope that is used. */
interface WorkerScope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(
    type: "install" | "activate",
    listener: (event: { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(
    type: "fetch",
    listener: (event: {
      readonly request: Request;
      respondWith(response: Promise<Response>): void;
    }) => void,
  ): void;
}

const scope = globalThis as unknown as WorkerScope;
const CACHE = "tenure-page";

scope.addEventListener("install", (event) => {
  event.waitUntil(storeFiles().then(() => scope.skipWaiting()));
});

scope.addEventListener("activate", (event) => {
  event.waitUntil(removeOthers().then(() => scope.clients.claim()));
});

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname.slice(
    new URL(scope.registration.scope).pathname.length,
  );
  if (request.method !== "GET" || !request.url.startsWith(scope.registration.scope)) return;
  if (request.mode === "navigate") event.respondWith(newest(request));
  // The names of these files change with their contents.
  else if (path.startsWith("assets/")) event.respondWith(stored(request));
  else if (/^(icon\.svg|manifest\.webmanifest)$/.test(path)) event.respondWith(newest(request));
});

async function storeFiles(): Promise<void> {
  await (await caches.open(CACHE)).addAll(["./", ...(await listOfFiles())]);
}

async function listOfFiles(): Promise<readonly string[]> {
  const response = await fetch(new Request("files.json", { cache: "no-store" }));
  const files: unknown = await response.json();
  if (!Array.isArray(files)) throw new Error("files.json is no list");
  return files.filter((file) => typeof file === "string");
}

/** Removes the files of other versions. */
async function removeOthers(): Promise<void> {
  const meant = new Set(
    ["./", ...(await listOfFiles())].map((file) => new URL(file, scope.registration.scope).href),
  );
  const cache = await caches.open(CACHE);
  for (const { url } of await cache.keys()) if (!meant.has(url)) await cache.delete(url);
}

/** A file from the network, or the stored one without a network. */
async function newest(request: Request): Promise<Response> {
  try {
    const response = await fetch(request);
    if (response.ok) await (await caches.open(CACHE)).put(request, response.clone());
    return response;
  } catch (error) {
    const found = await caches.match(request, { ignoreSearch: true });
    if (found === undefined) throw error;
    return found;
  }
}

/** A stored file, or that from the network. */
async function stored(request: Request): Promise<Response> {
  const found = await caches.match(request);
  if (found !== undefined) return found;
  const response = await fetch(request);
  if (response.ok) await (await caches.open(CACHE)).put(request, response.clone());
  return response;
}
