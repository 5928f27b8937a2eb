/**
 * Opens handles: finds the build for a store, opens the store with it, and puts a handle together.
 * Where builds come from is the business of `node.ts`, `node-wasm.ts` and `browser.ts`.
 *
 * @module
 */

import { Announcer } from "./announcer.js";
import type { Build } from "./binding.js";
import { Connection } from "./connection.js";
import { invalidArgument } from "./error.js";
import { HostStore } from "./host.js";
import { DEFAULT_URL, type OpenOptions, optionsForStore, optionsForUrl } from "./options.js";
import { Sessions } from "./sessions.js";
import { SessionsSync } from "./sessions-sync.js";
import type { Store } from "./store.js";

/** Where sessions are kept: a URL, or a store of your own. */
export type Target = string | URL | Store;

/** The URL under which the core knows a store in JavaScript. */
const HOST_URL = "host:";

/** The URL that the core opens for a target. */
export function urlOf(target: Target | undefined): string {
  if (target === undefined) return DEFAULT_URL;
  if (typeof target === "string") return target;
  return target instanceof URL ? target.href : HOST_URL;
}

/** Opens an asynchronous handle. */
export function openSessions(
  build: Build,
  target: Target | undefined,
  options: OpenOptions,
): Sessions {
  const announcer = new Announcer();
  const connection = connect(build, target, options, announcer);
  return new Sessions(build.info.build, connection, announcer);
}

/** Opens a synchronous handle. */
export function openSessionsSync(
  build: Build,
  target: Target | undefined,
  options: OpenOptions,
): SessionsSync {
  const announcer = new Announcer();
  const connection = connect(build, target, options, announcer);
  return new SessionsSync(build.info.build, connection, announcer);
}

function connect(
  build: Build,
  target: Target | undefined,
  options: OpenOptions,
  announcer: Announcer,
): Connection {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("options", "expected an object");
  }
  if (options.webhook !== undefined) announcer.configure(options.webhook);
  const { binding } = build;
  const notify = announcer.announce;
  const url = urlOf(target);
  if (target === undefined || typeof target === "string" || target instanceof URL) {
    return new Connection({
      binding,
      url,
      options: optionsForUrl(options),
      host: undefined,
      notify,
    });
  }
  if (typeof target !== "object" || target === null) {
    throw invalidArgument("store", "expected a URL or an object with the methods of a store");
  }
  const { json, timeoutMs } = optionsForStore(options, target);
  return new Connection({
    binding,
    url,
    options: json,
    host: new HostStore(target, timeoutMs),
    notify,
  });
}
