/**
 * An agent whose runs are sessions: started before it runs, ended as it ended. What the agent does is
 * the bot's own function.
 *
 * @module
 */

import { messageOf } from "../values/error.js";
import { getActiveSessions } from "./sessions.js";
import {
  completeSession,
  failSession,
  pauseSession,
  recordLearning,
  startSession,
} from "./steps.js";
import { ask, askOr } from "./store.js";
import type {
  AgentResult,
  AgentRunner,
  AgentSession,
  SessionOptions,
  SessionSummary,
} from "./types.js";

/** Runs an agent for one user in one channel, each run in a session. */
export class SessionAwareAgent {
  readonly #userId: string;
  readonly #channelId: string;
  readonly #runner: AgentRunner;

  /** An agent that `runner` runs. */
  constructor(userId: string, channelId: string, runner: AgentRunner) {
    this.#userId = userId;
    this.#channelId = channelId;
    this.#runner = runner;
  }

  /** Runs the agent in a new session. What the agent throws is thrown, after the session has failed. */
  async execute(task: string, mode: string, options: SessionOptions = {}): Promise<AgentResult> {
    const { userId = this.#userId, channelId = this.#channelId } = options;
    return this.#run(await startSession(task, mode, { ...options, userId, channelId }));
  }

  /**
   * Pauses a session. An agent that runs is not stopped by it; when it stops by itself without
   * success, its session stays paused.
   */
  pause(id: string, reason?: string): Promise<AgentSession | null> {
    return pauseSession(id, reason);
  }

  /** Resumes a session and runs the agent on; `null` for a session that is not there. */
  async resume(id: string): Promise<AgentResult | null> {
    const session = await askOr(null, (sessions) => sessions.resume(id, { ifActive: "keep" }));
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
      // A store that fails as well must not hide what the agent has thrown.
      await failSession(id, messageOf(thrown)).catch(() => null);
      throw thrown;
    }
  }
}

async function isPaused(id: string): Promise<boolean> {
  const session = await ask((sessions) => sessions.get(id, { history: "none" }));
  return session?.status === "paused";
}
