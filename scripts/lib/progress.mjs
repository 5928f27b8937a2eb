// Tells how far a build is: one line a step, the same on a terminal and in a log.

const columns = 22;

/**
 * Announces a step, runs it and says how long it took. `body` gets a function to call when there is
 * really work to do, with a word about it; a step that never calls it was up to date. What `body`
 * returns stands at the end of the line.
 */
export async function step(label, body) {
  const started = performance.now();
  process.stdout.write(`${label.padEnd(columns)}`);
  let busy = false;
  const working = (what) => {
    busy = true;
    process.stdout.write(`${what} ... `);
  };
  try {
    const note = await body(working);
    const outcome = busy ? seconds(started) : "up to date";
    process.stdout.write(`${outcome}${note ? `, ${note}` : ""}\n`);
  } catch (error) {
    process.stdout.write(`failed after ${seconds(started)}\n\n`);
    throw error;
  }
}

/** The time since `started`, as people read it. */
export function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/** A number of bytes, as people read it. */
export function bytes(count) {
  return count < 1e6
    ? `${(count / 1024).toFixed(1)} KiB`
    : `${(count / 1024 / 1024).toFixed(1)} MiB`;
}
