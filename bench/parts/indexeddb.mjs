// Tenure in a page over IndexedDB on disk, compared with plain IndexedDB: appends to short and long
// histories, and pages of lists. The page measures itself; the turns are scheduled here.

import { openPage } from "../lib/chromium-page.mjs";
import { grid } from "../lib/grid.mjs";
import { checkMost, count, time } from "../lib/report.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 24;

const histories = [10, 10_000];
const sizes = [1000, 10_000];
const base = "plain IndexedDB, whole sessions";
const pageOf = (size) => `of one user, completed, of ${count(size)}`;
/** The greatest ratio of a long history to a short one, and the most that a page may take in ns. */
const most = { growth: 1.5, page: 5e6 };

export function run({ seconds }) {
  return inWorkspace(async (workspace) => {
    const opened = await openPage(workspace.path("profile"));
    if (opened === undefined) {
      return { tables: [], notes: ["IndexedDB is left out: there is no Chromium."] };
    }
    workspace.closing(opened);
    const { page } = opened;
    const contenders = await page.evaluateHandle(() => import("/bench/contenders/indexeddb.mjs"));
    const prepare = (what, value) =>
      contenders.evaluate((contenders, [what, value]) => contenders[what](value), [what, value]);
    for (const history of histories) await prepare("prepareAppends", history);
    for (const size of sizes) await prepare("prepareLists", size);
    const row = (name, key, only = () => true) => ({
      name,
      makeAct: (column) => (only(column) ? column : undefined),
      run: (column) => (times) =>
        contenders.evaluate(
          (contenders, [key, column, times]) => contenders.run(key, column, times),
          [key, column, times],
        ),
    });
    const appends = await grid({
      title: "IndexedDB: append one event to a session that has",
      columns: histories.map((history) => [`${count(history)} events`, `append-${history}`]),
      rows: [
        row(base, "plain"),
        row("IndexedDB", "tenure-normal"),
        row("IndexedDB, durability full", "tenure-full"),
      ],
      base,
      seconds: seconds / 2,
    });
    const lists = await grid({
      title: "IndexedDB: a page of 50 sessions",
      columns: sizes.flatMap((size) => [
        [`newest of ${count(size)}`, `newest-${size}`],
        [pageOf(size), `ofUser-${size}`],
      ]),
      rows: [row(base, "plain"), row("IndexedDB", "tenure-normal")],
      base,
      seconds: seconds / 2,
    });
    const [short, long] = histories.map((history) =>
      appends.at("IndexedDB", `${count(history)} events`),
    );
    const growth = long.ratioTo(short);
    const largest = pageOf(sizes.at(-1));
    const ofUser = lists.at("IndexedDB", largest);
    return {
      tables: [appends.table, lists.table],
      notes: [`In Chromium ${opened.version ?? ""}, measured within a page.`],
      checks: [
        checkMost("IndexedDB: appending with 10,000 events against 10 events", most.growth, [
          ["10,000 events", growth],
        ]),
        checkMost(`IndexedDB: a page ${largest}`, most.page, [[largest, ofUser.median]], time),
      ],
      data: [...appends.data, ...lists.data],
    };
  });
}
