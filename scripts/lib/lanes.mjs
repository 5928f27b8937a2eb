// Runs several jobs concurrently, and shows their output as if they ran one after another. The
// output of the first unfinished job is shown immediately, and the output of later jobs when it is
// their turn.

import { terminal } from "./run.mjs";

/**
 * Performs jobs: those of one lane one after another, and lanes concurrently. `laneOf` gives the lane of a
 * job. `perform` gets a job and its output stream. Resolves to the results in the order of the jobs.
 */
export function inLanes(jobs, { laneOf }, perform) {
  const transcripts = jobs.map(() => new Transcript());
  transcripts[0]?.show();
  let shown = 0;
  const waiting = new Set(jobs.keys());
  const running = new Set();
  const results = [];
  const canRun = (index) => {
    const lane = laneOf(jobs[index]);
    return ![...running].some((other) => laneOf(jobs[other]) === lane);
  };
  return new Promise((resolve, reject) => {
    const startMore = () => {
      if (waiting.size + running.size === 0) resolve(results);
      for (const next of waiting) {
        if (!canRun(next)) continue;
        waiting.delete(next);
        running.add(next);
        start(next).catch(reject);
      }
    };
    const start = async (index) => {
      results[index] = await perform(jobs[index], transcripts[index]);
      running.delete(index);
      while (shown < jobs.length && !waiting.has(shown) && !running.has(shown)) {
        transcripts[++shown]?.show();
      }
      startMore();
    };
    startMore();
  });
}

/** The output of a job. It is kept until it is shown, and then forwarded. */
export class Transcript {
  #kept = [];
  #to;

  out(text) {
    this.#say("out", text);
  }

  err(text) {
    this.#say("err", text);
  }

  show(to = terminal) {
    this.#to = to;
    for (const [stream, text] of this.#kept.splice(0)) to[stream](text);
  }

  #say(stream, text) {
    if (this.#to) this.#to[stream](text);
    else this.#kept.push([stream, text]);
  }
}
