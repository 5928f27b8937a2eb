// The main loop of a competing process (`contenders.ts` starts them): it answers the requests of
// its parent, one at a time, and exits with its parent.

/**
 * Answers a request `{ what, ...about }` with the result or the error of the function named `what`.
 */
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

/**
 * Reports progress to the parent: `{ step }` for a completed step, `{ end }` for the error that
 * ended the work.
 */
export function report(of, how) {
  process.send({ of, ...how });
}
