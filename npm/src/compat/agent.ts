/**
 * An agent whose runs are recorded as sessions: each run starts a session and completes or fails
 * it. The agent itself is a function of the bot.
 *
 * @module
 */

import { checkArguments, type Refuse, rejected, thrown } from "../values/arguments.js";
import { invalidArgument, isTenureError, messageOf } from "../values/error.js";
import { checkObject, withOptions } from "../values/options.js";
import { getActiveSessions } from "./sessions.js";
import {
  completeSession,
  failSession,
  pauseSession,
  recordLearning,
  startSession,
} from "./steps.js";
import { call } from "./store.js";
import type { AgentRunner, AgentSession, SessionOptions, SessionSummary } from "./types.js";

/** The number of iterations of a run. */
const MAX_ITERATIONS = 50;

/** Runs an agent for one user in one channel, each run in its own session. */
export class SessionAwareAgent {
  static {
    const refuse: Refuse<SessionAwareAgent> = (problem, _, method) =>
      method === "getActiveSessions" ? thrown(problem) : rejected(problem);
    checkArguments(SessionAwareAgent, refuse, { execute: { most: 3 } });
  }

  readonly #userId: string | undefined;
  readonly #channelId: string | undefined;
  readonly #runner: AgentRunner;

  /** Creates an agent that `runner` implements. */
  constructor(userId: string | undefined, channelId: string | undefined, runner: AgentRunner) {
    if (typeof runner !== "function") throw invalidArgument("runner", "expected a function");
    this.#userId = userId;
    this.#channelId = channelId;
    this.#runner = runner;
  }

  /**
   * Runs the agent in a new session of 50 iterations, and returns its output. If the agent throws or has
   * no success, the session fails, and the error is thrown. A session that waits for an approval does not
   * complete: `APPROVAL_PENDING` is thrown, and it goes on waiting.
   */
  async execute(task: string, mode: string, options: SessionOptions = {}): Promise<string> {
    checkObject(options, "options");
    const {
      userId = this.#userId,
      channelId = this.#channelId,
      maxIterations = MAX_ITERATIONS,
    } = options;
    const started = withOptions(options, { userId, channelId, maxIterations });
    return this.#run(await startSession(task, mode, started));
  }

  /**
   * Pauses a session. This does not stop a running agent; if the agent then ends without success,
   * its session stays paused.
   */
  pause(id: string, reason?: string): Promise<AgentSession | null> {
    return pauseSession(id, reason);
  }

  /**
   * Resumes a session, runs the agent in it, and returns its output. The agent does not run in a session
   * that waits for an approval (`APPROVAL_PENDING`).
   */
  async resume(id: string): Promise<string> {
    const session = await call((sessions) => sessions.resume(id, { ifActive: "keep" }));
    return this.#run(session);
  }

  /** The active sessions of this user in this channel. */
  getActiveSessions(): SessionSummary[] {
    return getActiveSessions({ userId: this.#userId, channelId: this.#channelId });
  }

  async #run(session: Pick<SessionSummary, "id" | "task" | "mode" | "context">): Promise<string> {
    const { id, task, mode, context } = session;
    try {
      const result = await this.#runner({ task, mode, sessionId: id, context });
      checkObject(result, "what the runner returned");
      const { success, output, error, learned } = result;
      if (learned) await recordLearning(id, learned.insight, learned.expertiseFile);
      if (success) await completeSession(id, output);
      else if (!(await isPaused(id))) throw new Error(error || "Failed");
      return output;
    } catch (thrown) {
      // Failing would withdraw the request for an approval that refuses the end.
      if (isTenureError(thrown, "APPROVAL_PENDING")) throw thrown;
      // An error of the store must not replace the agent's error.
      await failSession(id, messageOf(thrown)).catch(() => null);
      throw thrown;
    }
  }
}

async function isPaused(id: string): Promise<boolean> {
  const session = await call((sessions) => sessions.get(id, { history: "none" }));
  return session?.status === "paused";
}
