// Watching a SQLite store: the time from a commit in one process until another one has the change, and
// the processor time of a process that watches while nothing changes.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { openSync } from "../contenders/tenure.mjs";
import { quantile } from "../lib/measure.mjs";
import { check, count, table, time } from "../lib/report.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 20;

const child = fileURLToPath(new URL("../lib/watch-child.mjs", import.meta.url));
/** What a change may take at the median, and the share of a core that an idle watch may use. */
const most = { milliseconds: 100, share: 0.01 };

export function run({ seconds }) {
  return inWorkspace(async (workspace) => {
    const url = `sqlite:${workspace.path("watched.db")}`;
    const sessions = openSync(url);
    workspace.closing(sessions);
    sessions.start({ id: "a", mode: "m", task: "t" });
    const watcher = fork(child, [url]);
    workspace.closing({ close: () => watcher.kill() });
    await once(watcher, "message");
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

    const delays = [];
    const end = performance.now() + seconds * 500;
    while (performance.now() < end) {
      // At any moment between two looks.
      await pause(Math.random() * 100);
      const seen = once(watcher, "message");
      sessions.addEvent("a", "note", { n: delays.length });
      const committed = performance.timeOrigin + performance.now();
      const [message] = await seen;
      delays.push(Math.max(0, message.seen - committed) * 1e6);
    }
    const used = async () => {
      watcher.send("used");
      const [message] = await once(watcher, "message");
      return message.used;
    };
    await pause(500);
    const [before, began] = [await used(), performance.now()];
    await pause(seconds * 300);
    const share = ((await used()) - before) / 1e3 / (performance.now() - began);
    const [median, p99] = [quantile(delays, 0.5), quantile(delays, 0.99)];
    return {
      tables: [
        table(
          "Watching a SQLite store from another process",
          ["median", "p99", "changes"],
          [["from the commit to the change", time(median), time(p99), count(delays.length)]],
        ),
        table(
          "A watch while nothing changes",
          ["of a core"],
          [["the watching process", `${(share * 100).toFixed(2)} %`]],
        ),
      ],
      checks: [
        check(
          `a change of another process is seen within ${most.milliseconds} ms at the median`,
          median <= most.milliseconds * 1e6,
          time(median),
        ),
        check(
          `an idle watch takes at most ${most.share * 100} % of a core`,
          share <= most.share,
          `${(share * 100).toFixed(2)} %`,
        ),
      ],
      data: { nanoseconds: { median, p99 }, share },
    };
  });
}
