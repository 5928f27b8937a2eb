// Prints the progress of a build: one line per step, the same on a terminal and in a log.

import { terminal } from "./run.mjs";

const columns = 22;

/**
 * Announces a step, runs it and prints its duration. `body` gets a function to call with a label
 * when there is work to do; a step that never calls it was up to date. The text that `body` returns
 * is printed at the end of the line. `show` is where the line goes.
 */
export async function step(label, body, show = terminal) {
  const started = performance.now();
  show.out(`${label.padEnd(columns)}`);
  let busy = false;
  const working = (what) => {
    busy = true;
    show.out(`${what} ... `);
  };
  try {
    const note = await body(working);
    const outcome = busy ? seconds(started) : "up to date";
    show.out(`${outcome}${note ? `, ${note}` : ""}\n`);
  } catch (error) {
    show.out(`failed after ${seconds(started)}\n\n`);
    throw error;
  }
}

/** Formats the time since `started`. */
export function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/** Formats a number of bytes. */
export function bytes(count) {
  return count < 1e6
    ? `${(count / 1024).toFixed(1)} KiB`
    : `${(count / 1024 / 1024).toFixed(1)} MiB`;
}
