/**
 * An agent whose runs are recorded as sessions: each run starts a session and completes or fails
 * it. The agent itself is a function of the bot.
 *
 * @module
 */

import { messageOf } from "../values/error.js";
import { withOptions } from "../values/options.js";
import { getActiveSessions } from "./sessions.js";
import {
  completeSession,
  failSession,
  pauseSession,
  recordLearning,
  startSession,
} from "./steps.js";
import { call, callOr } from "./store.js";
import type {
  AgentResult,
  AgentRunner,
  AgentSession,
  SessionOptions,
  SessionSummary,
} from "./types.js";

/** Runs an agent for one user in one channel, each run in its own session. */
export class SessionAwareAgent {
  readonly #userId: string;
  readonly #channelId: string;
  readonly #runner: AgentRunner;

  /** Creates an agent that `runner` implements. */
  constructor(userId: string, channelId: string, runner: AgentRunner) {
    this.#userId = userId;
    this.#channelId = channelId;
    this.#runner = runner;
  }

  /**
   * Runs the agent in a new session. If the agent throws, the session fails and the error is
   * rethrown.
   */
  async execute(task: string, mode: string, options: SessionOptions = {}): Promise<AgentResult> {
    const { userId = this.#userId, channelId = this.#channelId } = options;
    return this.#run(await startSession(task, mode, withOptions(options, { userId, channelId })));
  }

  /**
   * Pauses a session. This does not stop a running agent; if the agent then ends without success,
   * its session stays paused.
   */
  pause(id: string, reason?: string): Promise<AgentSession | null> {
    return pauseSession(id, reason);
  }

  /** Resumes a session and runs the agent in it; `null` for a session that does not exist. */
  async resume(id: string): Promise<AgentResult | null> {
    const session = await callOr(null, (sessions) => sessions.resume(id, { ifActive: "keep" }));
    return session && this.#run(session as SessionSummary);
  }

  /** The active sessions of this user in this channel. */
  getActiveSessions(): SessionSummary[] {
    return getActiveSessions({ userId: this.#userId, channelId: this.#channelId });
  }

  async #run({ id, task, mode, context }: SessionSummary): Promise<AgentResult> {
    try {
      const result = await this.#runner({ task, mode, sessionId: id, context });
      const { success, output, error, learned } = result;
      if (learned) await recordLearning(id, learned.insight, learned.expertiseFile);
      if (success) await completeSession(id, output);
      else if (!(await isPaused(id))) await failSession(id, error || "Failed");
      return result;
    } catch (thrown) {
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
