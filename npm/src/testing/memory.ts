/**
 * Sessions for a user's own tests: in memory, with a clock that the test moves and ids that are the
 * same each time.
 *
 * @module
 */

import type { Build } from "../builds/binding.js";
import type { Source } from "../builds/source.js";
import type { Environment } from "../connection/connection.js";
import { openSessions, openSessionsSync } from "../handles/open.js";
import type { OpenOptions } from "../handles/options.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import type { Time } from "../values/params.js";
import { type Clock, START, testEnvironment } from "./clock.js";

/** How sessions for tests are opened. */
export interface MemoryOptions extends OpenOptions {
  /** Where the clock begins; at the start of 2026 by default. */
  readonly now?: Time | undefined;
  /** What the ids follow from: the same seed gives the same ids; 0 by default. */
  readonly seed?: number | undefined;
}

/** Sessions with their clock. */
export interface Tested<S> {
  /** The sessions: none yet. Close them after the test. */
  readonly sessions: S;
  /** Their clock, which stands still until it is moved. */
  readonly clock: Clock;
}

/** Opens sessions in memory. */
export type MemorySessions = (options?: MemoryOptions) => Promise<Tested<Sessions>>;
/** Opens sessions in memory whose methods return results, not promises. */
export type MemorySessionsSync = (options?: MemoryOptions) => Tested<SessionsSync>;

const URL = "memory:";

/** Both functions, over a source of builds. */
export function memoryOver(source: Source): {
  readonly memorySessions: MemorySessions;
  readonly memorySessionsSync: MemorySessionsSync;
} {
  return {
    async memorySessions(options = {}) {
      const preparing = source.prepare();
      if (preparing) await preparing;
      const build = source.now(URL);
      const { open, clock, environment } = prepared(build, options);
      return { sessions: await openSessions(build, URL, open, environment), clock };
    },
    memorySessionsSync(options = {}) {
      const build = source.now(URL);
      const { open, clock, environment } = prepared(build, options);
      return { sessions: openSessionsSync(build, URL, open, environment), clock };
    },
  };
}

function prepared(
  build: Build,
  { now = START, seed = 0, ...open }: MemoryOptions,
): { readonly open: OpenOptions; readonly clock: Clock; readonly environment: Environment } {
  return { open, ...testEnvironment(build.binding, now, seed) };
}
