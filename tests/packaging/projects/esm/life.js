// Takes a session through its lifecycle in the store of the first argument, and prints the result.
// The second argument is the entry point to use. Nothing is closed: an idle handle does not keep
// the process alive.

const [url, entry = "tenure"] = process.argv.slice(2);
const { open } = await import(entry);

const sessions = await open(url);
const { id } = await sessions.start({ mode: "reviewer", task: "Review #42", maxIterations: 5 });
await sessions.incrementIteration(id, { step: "read" });
await sessions.recordToolCall(id, "bash", { command: "git diff" }, { exitCode: 0 });
await sessions.pause(id, "May I merge?");
await sessions.resume(id);
await sessions.complete(id, "Merged");

const { history, status } = await sessions.get(id);
const { items } = await sessions.list({ status: "completed" });
const types = history.map(({ type }) => type).join(" ");
console.log(`${sessions.binding}: ${types}; ${status}; ${items.length} listed`);
