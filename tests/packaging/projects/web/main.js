// A page that uses the package and shows the result.

import { init, open, openSync } from "tenure";
import { configure } from "tenure/compat";
import { startSession } from "tenure/compat/manager";
import { getSessionStats } from "tenure/compat/store";
import * as wasm from "tenure/wasm";

/** The error of a call before init. */
function early() {
  try {
    return openSync("memory:").binding;
  } catch ({ code }) {
    return code;
  }
}

async function life() {
  const sessions = await open("memory:");
  const { id } = await sessions.start({ mode: "writer", task: "Draft the notes" });
  await sessions.addEvent(id, "note", { text: "outline" });
  await sessions.complete(id, "Drafted");
  const { items } = await sessions.list();
  const { history } = await sessions.get(id);
  return {
    binding: sessions.binding,
    listed: items.map(({ task, status }) => `${task}: ${status}`),
    history: history.map(({ type }) => type),
  };
}

/**
 * The functions of tenure/compat and its modules: bundlers must not remove the side effect that sets
 * their entry point.
 */
async function bot() {
  configure({ store: "memory:" });
  await startSession("Draft the notes", "writer");
  return getSessionStats().total;
}

async function main() {
  const before = early();
  await init();
  const after = openSync("memory:").binding;
  return { before, after, sameEntry: wasm.open === open, ...(await life()), bot: await bot() };
}

main().then(
  (outcome) => show("done", outcome),
  ({ code, message }) => show("failed", { code, message }),
);

function show(state, outcome) {
  document.body.dataset.outcome = JSON.stringify(outcome);
  document.body.dataset.state = state;
}
