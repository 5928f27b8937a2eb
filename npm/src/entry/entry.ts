/**
 * The functions that every entry of the package exports, put together over the builds that the entry
 * has: `node.ts` both, `node-wasm.ts` and `browser.ts` the WebAssembly.
 *
 * @module
 */

import type { InitOptions, Source } from "../builds/source.js";
import { type Copy, copyWith } from "../handles/copy.js";
import { openSessions, openSessionsSync } from "../handles/open.js";
import type { OpenOptions } from "../handles/options.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import { type SessionManagers, sessionManagersOver } from "../machines/session-manager.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Target } from "../stores/target.js";

/** What every entry of the package exports. */
export interface Entry extends SessionManagers {
  /** Opens a store. See the entry's own words. */
  readonly open: (target?: Target, options?: OpenOptions) => Promise<Sessions>;
  /** Opens a store that answers at once. */
  readonly openSync: (target?: Target, options?: OpenOptions) => SessionsSync;
  /** Copies all sessions of one store into another. */
  readonly copy: Copy;
  /** Loads the WebAssembly. */
  readonly init: (options?: InitOptions) => Promise<void>;
}

/** An entry over a source of builds, with what surrounds its session manager. */
export function entryOver(source: Source, runtime?: Runtime): Entry {
  const open = async (target?: Target, options: OpenOptions = {}): Promise<Sessions> => {
    const preparing = source.prepare();
    if (preparing) await preparing;
    return openSessions(source.now(target), target, options);
  };
  return {
    ...sessionManagersOver(source, runtime),
    open,
    copy: copyWith(open),
    openSync: (target, options = {}) => openSessionsSync(source.now(target), target, options),
    async init(options) {
      await source.prepare(options);
    },
  };
}
