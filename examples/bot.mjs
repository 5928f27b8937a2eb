// A bot that had its own code for sessions, in `./agents/session`. Only the import below has
// changed. It answers one message and exits; its sessions are in `./sessions`.
//
//   node examples/bot.mjs 'start Fix the build'      starts a task for you, and pauses with a question
//   node examples/bot.mjs 'yes'                      continues the task
//   node examples/bot.mjs 'status'                   shows the statistics

import {
  completeSession,
  failSession,
  getPausedSessions,
  getSession,
  getSessionContext,
  getStats,
  incrementIteration,
  isSessionResumable,
  pauseSession,
  recordToolCall,
  resumeSession,
  startSession,
  updateContext,
} from "tenure/compat";

const [message = "status", userId = "me"] = process.argv.slice(2);

/** @type {Record<string, (rest: string) => Promise<string>>} */
const commands = {
  async start(task) {
    const session = await startSession(task, "developer", { userId, maxIterations: 20 });
    return work(session.id);
  },
  async yes() {
    const [paused] = getPausedSessions({ userId });
    if (!paused || !isSessionResumable(paused.id)) return "There is nothing to go on with.";
    updateContext(paused.id, { approved: true });
    await resumeSession(paused.id);
    return work(paused.id);
  },
  async status() {
    const { total, byStatus, successRate } = getStats({ userId });
    return `${total} sessions, ${byStatus.paused} waiting, ${successRate} % completed`;
  },
};

/** @param {string} id */
async function work(id) {
  try {
    await incrementIteration(id, { step: "tests" });
    await recordToolCall(id, "bash", { command: "npm test" }, { exitCode: 0 });
    const context = getSessionContext(id);
    if (!context?.context.approved) {
      await pauseSession(id, "May I merge?");
      return `${context?.task}: May I merge?`;
    }
    await completeSession(id, "merged");
    return `${context.task}: merged after ${getSession(id)?.iterations} steps`;
  } catch (error) {
    await failSession(id, error instanceof Error ? error.message : String(error));
    throw error;
  }
}

const [command = "", ...rest] = message.split(" ");
console.log(await (commands[command] ?? commands.status)?.(rest.join(" ")));
