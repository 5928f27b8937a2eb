/**
 * Creates the functions that every entry point of the package exports, over its source of builds:
 * `node.ts` has both builds, `node-wasm.ts` and `browser.ts` only WebAssembly.
 *
 * @module
 */

import type { Binding, Build } from "../builds/binding.js";
import type { InitOptions, Source } from "../builds/source.js";
import { type Copy, copyWith } from "../handles/copy.js";
import { type OpenMirror, openMirrorWith } from "../handles/mirror.js";
import {
  type Open,
  type OpenSync,
  openServer,
  openSessions,
  openSessionsSync,
} from "../handles/open.js";
import type { OpenOptions } from "../handles/options.js";
import { type SessionManagers, sessionManagersOver } from "../machines/session-manager.js";
import type { Runtime } from "../runtime/runtime.js";
import { isServer } from "../server/address.js";
import type { Builds } from "../server/server-binding.js";
import { fetchStream } from "../server/stream.js";
import { rulesOver, type StoreRules } from "../stores/rules.js";
import type { Target } from "../stores/target.js";
import { exactly, exactlyAsync } from "../values/arguments.js";
import { storeIsAsync } from "../values/error.js";
import { checkOptions } from "../values/options.js";

/** The functions of an entry point. */
export interface Entry extends SessionManagers {
  /** Opens a store. The entry points document which. */
  readonly open: Open;
  /** Opens a synchronous store. */
  readonly openSync: OpenSync;
  /** Opens a mirror of a store. */
  readonly openMirror: OpenMirror;
  /** Copies all sessions of one store into another. */
  readonly copy: Copy;
  /** Returns the build that runs jobs. */
  readonly binding: () => Promise<Binding>;
  /** The rules for stores in JavaScript. */
  readonly storeRules: StoreRules;
  /** Loads the WebAssembly module. */
  readonly init: (options?: InitOptions) => Promise<void>;
  /** The `init` of Node, which has nothing to load, and so no options. */
  readonly initInNode: (options?: object) => Promise<void>;
}

/**
 * Creates the functions of an entry point. `runtime` is for its session manager, and `stream` for the
 * changes of servers.
 */
export function entryOver(source: Source, runtime?: Runtime, stream = fetchStream): Entry {
  const builds: Builds = {
    prepare: () => source.prepare(),
    binding: () => source.now("memory:").binding,
  };
  // Where the build needs no preparation, the store is opened before this returns.
  const open = exactlyAsync("open", 2, async (target?: Target, options: OpenOptions = {}) => {
    // A server needs no build.
    if (isServer(target)) return openServer(builds, stream, target, options);
    const preparing = source.prepare();
    if (preparing) await preparing;
    return openSessions(source.now(target), target, options);
  });
  // Every build serves this store, and has the same jobs and rules.
  const build = async (): Promise<Build> => {
    await source.prepare();
    return source.now("memory:");
  };
  const binding = async (): Promise<Binding> => (await build()).binding;
  return {
    ...sessionManagersOver(source, runtime),
    // The types of the caller are the caller's promise.
    open: open as Open,
    binding,
    openMirror: openMirrorWith(build),
    copy: copyWith(binding, open),
    storeRules: rulesOver(() => source.now("memory:").binding),
    openSync: exactly("openSync", 2, (target?: Target, options: OpenOptions = {}) => {
      if (isServer(target)) throw storeIsAsync();
      return openSessionsSync(source.now(target), target, options);
    }) as OpenSync,
    initInNode: exactlyAsync("init", 1, async (options: object = {}) => checkOptions(options, {})),
    init: exactlyAsync("init", 1, async (options: InitOptions = {}) => {
      checkOptions(options, { module: "any" });
      await source.prepare(options);
    }),
  };
}
