// The kit and the helpers without a test runner: the kit checks a store that stores nothing.

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
