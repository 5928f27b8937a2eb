// The kit without a test runner: how a store that keeps nothing meets it, and that helpers need none.

import { checkStore, givenSession, memorySessionsSync } from "tenure/testing/plain";
import { forgetful } from "./stores.js";

const results = await checkStore(() => forgetful, { only: ["sessions"] });
const { name, outcome, message } = results.find(({ outcome }) => outcome === "failed");
console.log(name, outcome, message.length > 0);

const { sessions, clock } = memorySessionsSync();
const { id } = givenSession(sessions, { status: "paused" });
clock.advance("1d");
sessions.resume(id);
console.log(id, sessions.get(id).updatedAt);
