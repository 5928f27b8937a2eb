// The data of all measurements: sessions and events as of a bot for developers.

export const modes = ["developer", "code_review", "research", "assistant"];
const tools = ["bash", "read_file", "edit_file", "web_search"];
const users = 25;

/** The parameters of the `index`th session, about 700 bytes as JSON. */
export function newSession(index) {
  return {
    task: `Find out why build ${index} fails on the release branch and prepare a fix with a test`,
    mode: modes[index % modes.length],
    userId: userOf(index),
    channelId: `channel-${index % 7}`,
    workspace: `/srv/workspaces/project-${index % 40}`,
    maxIterations: 100_000_000,
    context: {
      priority: index % 3 === 0 ? "high" : "normal",
      branch: `fix/build-${index}`,
      currentPhase: "implementation",
      completedSteps: ["analysis", "planning", "reproduction"],
      nextStep: "write_tests",
      notes: "The failure began with the update of the parser; the old one ignored empty lines.",
    },
    metadata: {
      model: "large-2",
      enableLearning: true,
      toolsUsed: tools.slice(0, 1 + (index % tools.length)),
      cost: 0.0042,
      tokens: { prompt: 1200, completion: 340, total: 1540 },
    },
  };
}

/** The user of the `index`th session, of so many users. */
export function userOf(index, number = users) {
  return `user-${index % number}`;
}

/** The data of an iteration, about 180 bytes. */
export const iterationData = {
  phase: "implementation",
  step: "run the tests of the package again",
  command: "npm test -- --run src/agents/session",
  outcome: { exitCode: 0, summary: "42 passed, 0 failed", ms: 3120 },
};

/** An event of an existing history. */
export function pastEvent(index) {
  return {
    type: "tool_call",
    data: {
      tool: tools[index % tools.length],
      args: { command: `sed -n '${index},${index + 40}p' src/agents/session/store.ts` },
      result: {
        exitCode: 0,
        output: "export function loadSession(id: string): AgentSession | null",
      },
    },
  };
}

/** Fills a store through a synchronous handle: a session with `events` events in all. */
export function fill(sessions, index, events) {
  const { id } = sessions.start(newSession(index));
  for (let done = 1; done < events; ) {
    const part = Math.min(events - done, 1000);
    sessions.addEvents(
      id,
      Array.from({ length: part }, (_, i) => pastEvent(done + i)),
    );
    done += part;
  }
  return id;
}

/** Sessions with few events, most of them finished, as of a bot after some weeks. */
export function fillMany(sessions, count) {
  const ids = [];
  for (let index = 0; index < count; index += 1) {
    const id = fill(sessions, index, 4);
    ids.push(id);
    if (index % 10 < 6) sessions.complete(id, "Fixed, with a test");
    else if (index % 10 === 6) sessions.fail(id, "The build server did not answer");
    else if (index % 10 === 7) sessions.pause(id, "Waiting for an answer");
  }
  return ids;
}

const slotPhases = ["plan", "run", "verify"];
const notes = "The failure began with the update of the parser; the old one ignored empty lines. ";

/**
 * The number of slots that `fillSlots` fills with this number of sessions; a third of the sessions
 * are in the trash.
 */
export const slotsOf = (sessions) => Math.ceil(sessions * 0.75);

/** The `index`th slot. */
export function slotAt(index) {
  return { taskId: `task-${Math.floor(index / 3)}`, phase: slotPhases[index % 3] };
}

/** The parameters of a session in the `index`th slot, with a model. Its context is about 2 KB. */
export function slotSession(index, model) {
  const session = newSession(index);
  const context = { ...session.context, notes: notes.repeat(20) };
  return { ...session, ...slotAt(index), model, context };
}

/** Starts sessions in slots, some of which replace others. */
export function fillSlots(sessions, count) {
  for (const start of slotStarts(count)) sessions.startInSlot(...start);
}

/** The same through an asynchronous handle, twenty at once. */
export async function fillSlotsTogether(sessions, count) {
  const starts = slotStarts(count);
  while (starts.length > 0) {
    await Promise.all(starts.splice(0, 20).map((start) => sessions.startInSlot(...start)));
  }
}

/** The parameters of the starts that fill slots. */
function slotStarts(count) {
  const slots = slotsOf(count);
  return Array.from({ length: count }, (_, index) => [
    slotSession(index % slots, `model-${Math.floor(index / slots)}`),
    { onModelChange: "replace" },
  ]);
}
