// An outage of the database while users append. Each of them has a session, and repeats what fails under the same
// idempotency key, so that in the end every number that was acknowledged is there, and none is there twice.

import { setTimeout as sleep } from "node:timers/promises";
import { open } from "../contenders/tenure.mjs";
import { newSession } from "./scenario.mjs";
import { withServers } from "./users.mjs";

/**
 * Lets users append through some servers for `before` seconds, has the database away for `away` seconds as after a
 * crash, and lets them append for `after` seconds more. Resolves to what the database has in the end, the errors by
 * their codes, the durations of the appends in milliseconds, and the time until the first one succeeded again.
 */
export async function appendThroughOutage(database, url, { servers, users, before, away, after }) {
  const failures = {};
  const acknowledged = new Map();
  const waits = [];
  let back = Infinity;
  let firstAfter = Infinity;
  let isOver = false;
  const ids = await withServers("postgres", url, servers, async (all) => {
    const started = Array.from({ length: users }, (_, index) =>
      all[index % servers].ask("start", newSession(index)),
    );
    const ids = (await Promise.all(started)).map(({ answer }) => answer.id);
    const user = async (id, index) => {
      const numbers = [];
      acknowledged.set(id, numbers);
      for (let number = 0; !isOver; number += 1) {
        const began = performance.now();
        await repeated(() => all[index % servers].ask("append", { id, n: number }), failures);
        numbers.push(number);
        const now = performance.now();
        waits.push(now - began);
        if (now > back) firstAfter = Math.min(firstAfter, now);
      }
    };
    const appending = Promise.all(ids.map(user));
    await sleep(before * 1000);
    database.crash();
    await sleep(away * 1000);
    database.start();
    back = performance.now();
    await sleep(after * 1000);
    isOver = true;
    await appending;
    return ids;
  });
  const sessions = await open(url);
  let [lost, twice, appended] = [0, 0, 0];
  for (const id of ids) {
    const { history } = await sessions.get(id, { history: "all" });
    const stored = history.filter(({ type }) => type === "note").map(({ data }) => data.n);
    const different = new Set(stored);
    twice += stored.length - different.size;
    lost += acknowledged.get(id).filter((number) => !different.has(number)).length;
    appended += stored.length;
  }
  await sessions.close();
  return { appended, lost, twice, failures, waits, backAfterMs: firstAfter - back };
}

/** Calls until it succeeds, and counts the errors by their codes. */
async function repeated(act, failures) {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!["STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"].includes(error.code)) throw error;
      failures[error.code] = (failures[error.code] ?? 0) + 1;
      await sleep(10);
    }
  }
}
