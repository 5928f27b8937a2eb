// Waits for a call on a store's thread, with nothing else pending.

import { open } from "tenure";

const sessions = await open("sqlite:./pending.db", { durability: "full" });
await sessions.start({ id: "pending", mode: "reviewer", task: "Wait" });
const calls = Array.from({ length: 20 }, () => sessions.addEvent("pending", "note"));
Promise.all(calls).then(() => console.log("all are done"));
console.log("waiting");
