// Leads a session through its life in the store that the first argument names, and prints what came of
// it. The second argument is the entry to use. Nothing is closed: an idle handle keeps nobody waiting.

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
