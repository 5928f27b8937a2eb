/**
 * What the synchronous and the asynchronous functions of `tenure/compat` share: the parameters of a new
 * session, and a complete session.
 *
 * @module
 */

import type { StartParams } from "../generated.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import { checkObject } from "../values/options.js";
import type { Accepts } from "../values/params.js";
import type { AgentSession } from "./types.js";

/** The handle of a synchronous or an asynchronous store. */
export type AnySessions = Sessions | SessionsSync;

/** The parameters of a new session. No iterations and no context mean the defaults. */
export function startParams(options: Accepts<StartParams>): Accepts<StartParams> {
  checkObject(options, "options");
  const { maxIterations, context, ...rest } = options;
  return {
    ...rest,
    maxIterations: maxIterations || undefined,
    context: context ?? undefined,
  };
}

/**
 * The session with its complete history, in the form of a `session.json`: properties that the bot has
 * added itself are in their own place. Fails for a session that does not exist.
 */
export function completeSessionOf(sessions: SessionsSync, id: string): AgentSession;
export function completeSessionOf(
  sessions: AnySessions,
  id: string,
): AgentSession | Promise<AgentSession>;
export function completeSessionOf(
  sessions: AnySessions,
  id: string,
): AgentSession | Promise<AgentSession> {
  return andThen(sessions.export(id, { trash: "exclude" }), (text) => {
    // What only an import reads.
    const { tenure: _, ...session } = JSON.parse(text) as AgentSession & {
      readonly tenure?: unknown;
    };
    return session;
  });
}

/** Continues with a value: synchronously, or when its promise resolves. */
export function andThen<T, U>(
  value: T | Promise<T>,
  then: (value: T) => U | Promise<U>,
): U | Promise<U> {
  return value instanceof Promise ? value.then(then) : then(value);
}
