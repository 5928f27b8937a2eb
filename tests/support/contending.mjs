// What a process does that contends with others (`contenders.ts` starts them): it answers its parent's
// questions, one at a time, and ends with its parent.

/** Answers a question `{ what, ...about }` with what the function of that name returns, or fails with. */
export function contend(answers, hello = {}) {
  process.on("message", async ({ what, ...about }) => {
    try {
      process.send({ reply: await answers[what](about) });
    } catch ({ code, message }) {
      process.send({ reply: { failed: `${code}: ${message}` } });
    }
  });
  process.on("disconnect", () => process.exit());
  process.send({ reply: hello });
}

/** Tells the parent, unasked, how far it has come with something: `{ step }`, or `{ end }`. */
export function report(of, how) {
  process.send({ of, ...how });
}
