// Does several things at once and shows their output as if they were done one after the other: that of
// the first in the list while it is printed, all other output when its turn has come.

import { terminal } from "./run.mjs";

/**
 * Performs jobs, those of one lane one after the other and the lanes beside each other. `perform` gets
 * a job and where its output goes. Returns what became of the jobs, in their order.
 */
export async function inLanes(jobs, laneOf, perform) {
  const transcripts = jobs.map(() => new Transcript());
  transcripts[0]?.show();
  let shown = 0;
  const ended = new Set();
  const results = [];
  const lanes = new Map();
  for (const [index, job] of jobs.entries()) {
    const lane = laneOf(job);
    lanes.set(lane, [...(lanes.get(lane) ?? []), index]);
  }
  const work = async (indices) => {
    for (const index of indices) {
      results[index] = await perform(jobs[index], transcripts[index]);
      ended.add(index);
      while (ended.has(shown)) transcripts[++shown]?.show();
    }
  };
  await Promise.all([...lanes.values()].map(work));
  return results;
}

/** What one job says: kept until it is shown, and passed on from then on. */
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
