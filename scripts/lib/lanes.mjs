// Runs several jobs concurrently, and shows their output as if they ran one after another. The
// output of the first unfinished job is shown immediately, and the output of later jobs when it is
// their turn.

import { terminal } from "./run.mjs";

/**
 * Performs jobs: those of one lane one after another, others concurrently, and `atOnce` of them at
 * most. `laneOf` gives the lane of a job, or nothing for a job that runs beside any other. The first
 * job that can run is next. `perform` gets a job and its output stream. Resolves to the results in
 * the order of the jobs.
 */
export function inLanes(jobs, { laneOf, atOnce = Infinity }, perform) {
  const transcripts = jobs.map(() => new Transcript());
  transcripts[0]?.show();
  let shown = 0;
  const waiting = new Set(jobs.keys());
  const running = new Set();
  const results = [];
  const canRun = (index) => {
    const lane = laneOf(jobs[index]);
    return lane === undefined || ![...running].some((other) => laneOf(jobs[other]) === lane);
  };
  return new Promise((resolve, reject) => {
    const startMore = () => {
      if (waiting.size + running.size === 0) resolve(results);
      while (running.size < atOnce) {
        const next = [...waiting].find(canRun);
        if (next === undefined) return;
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
class Transcript {
  #kept = [];
  #shown = false;

  out(text) {
    this.#say("out", text);
  }

  err(text) {
    this.#say("err", text);
  }

  show() {
    this.#shown = true;
    for (const [stream, text] of this.#kept.splice(0)) terminal[stream](text);
  }

  #say(stream, text) {
    if (this.#shown) terminal[stream](text);
    else this.#kept.push([stream, text]);
  }
}
