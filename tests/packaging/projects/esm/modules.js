// The modules of `tenure/compat`, which share one store. Nothing here imports the index: each module sets
// the entry point itself.

import { cleanupOldSessions, completeSession, startSession } from "tenure/compat/manager";
import { cleanupOldSessions as cleanupOfStore, getSession } from "tenure/compat/store";

const { id } = await startSession("t", "m");
await completeSession(id, "done");
const codes = [() => cleanupOfStore(30), () => cleanupOldSessions(0)].map((cleanup) => {
  try {
    return cleanup();
  } catch (error) {
    return error.code;
  }
});
console.log(getSession(id).status, ...codes, cleanupOldSessions(30));
