/**
 * Sessions in memory for users' own tests, with a clock that the test advances and reproducible
 * ids.
 *
 * @module
 */

import type { Build } from "../builds/binding.js";
import type { Source } from "../builds/source.js";
import type { Environment } from "../connection/connection.js";
import { openSessions, openSessionsSync } from "../handles/open.js";
import {
  OPEN_OPTIONS,
  type OpenOptions,
  type OptionsWith,
  type OptionsWithout,
} from "../handles/options.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import { exactly, exactlyAsync } from "../values/arguments.js";
import { invalidArgument } from "../values/error.js";
import { checkOptions } from "../values/options.js";
import type { Time } from "../values/params.js";
import type { SessionSchema, TypesOf } from "../values/schema.js";
import type { SessionTypes } from "../values/session-types.js";
import { type Clock, START, testEnvironment } from "./clock.js";

/** Options of sessions for tests. */
export interface MemoryOptions<T extends SessionTypes = SessionTypes> extends OpenOptions<T> {
  /** The start of the clock; the start of 2026 by default. */
  readonly now?: Time | undefined;
  /** The seed from which ids are derived; 0 by default. */
  readonly seed?: number | undefined;
}

/** Sessions for tests, with their clock. */
export interface Tested<S> {
  /** The handle of an empty store. Close it after the test. */
  readonly sessions: S;
  /** Its clock, which only the test advances. */
  readonly clock: Clock;
}

/** Opens sessions in memory. */
export interface MemorySessions {
  /** The type argument has the types of the caller. */
  <T extends SessionTypes = SessionTypes>(
    options?: OptionsWithout<MemoryOptions>,
  ): Promise<Tested<Sessions<T>>>;
  /** With schemas, the handle has their types. */
  <S extends SessionSchema>(
    options: OptionsWith<S, MemoryOptions>,
  ): Promise<Tested<Sessions<TypesOf<S>>>>;
  /** With both, the schemas are of these types. */
  <T extends SessionTypes = SessionTypes>(options?: MemoryOptions<T>): Promise<Tested<Sessions<T>>>;
}
/** Opens sessions in memory with a synchronous handle. */
export interface MemorySessionsSync {
  /** The type argument has the types of the caller. */
  <T extends SessionTypes = SessionTypes>(
    options?: OptionsWithout<MemoryOptions>,
  ): Tested<SessionsSync<T>>;
  /** With schemas, the handle has their types. */
  <S extends SessionSchema>(
    options: OptionsWith<S, MemoryOptions>,
  ): Tested<SessionsSync<TypesOf<S>>>;
  /** With both, the schemas are of these types. */
  <T extends SessionTypes = SessionTypes>(options?: MemoryOptions<T>): Tested<SessionsSync<T>>;
}

const URL = "memory:";

/** Creates both functions for an entry point. */
export function memoryOver(source: Source): {
  readonly memorySessions: MemorySessions;
  readonly memorySessionsSync: MemorySessionsSync;
} {
  return {
    memorySessions: exactlyAsync("memorySessions", 1, async (options: MemoryOptions = {}) => {
      const preparing = source.prepare();
      if (preparing) await preparing;
      const build = source.now(URL);
      const { open, clock, environment } = prepared(build, options);
      return { sessions: await openSessions(build, URL, open, environment), clock };
      // The types of the caller are the caller's promise.
    }) as MemorySessions,
    memorySessionsSync: exactly("memorySessionsSync", 1, (options: MemoryOptions = {}) => {
      const build = source.now(URL);
      const { open, clock, environment } = prepared(build, options);
      return { sessions: openSessionsSync(build, URL, open, environment), clock };
    }) as MemorySessionsSync,
  };
}

function prepared(
  build: Build,
  options: MemoryOptions,
): { readonly open: OpenOptions; readonly clock: Clock; readonly environment: Environment } {
  checkOptions(options, { now: "any", seed: "any", ...OPEN_OPTIONS });
  const { now = START, seed = 0, ...open } = options;
  if (!Number.isSafeInteger(seed)) throw invalidArgument("seed", "expected a whole number");
  return { open, ...testEnvironment(build.binding, now, seed) };
}
