// The file store compared with plain JavaScript at the same durability: a temporary file is
// written, synced and renamed. Both include the time of the disk; the difference is the cost of the
// lock between processes, of checks, and of storing user data unchanged.

import { JsonFiles } from "../contenders/json-files.mjs";
import { open, openSync } from "../contenders/tenure.mjs";
import { appending } from "../lib/appending.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { count } from "../lib/report.mjs";
import { fill, fillMany, iterationData, newSession } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 24;

const base = "plain files, synced and renamed";
const histories = [10, 100, 1000];

export function run({ seconds, quick }) {
  const sessions = quick ? 300 : 1000;
  return inWorkspace(async (workspace) => {
    const sync = workspace.closing(openSync(`file:${workspace.path("sync")}`));
    const awaited = workspace.closing(await open(`file:${workspace.path("awaited")}`));
    const maker = workspace.closing(openSync("memory:"));
    const plain = new JsonFiles(workspace.path("plain"), { synced: true });
    const careless = new JsonFiles(workspace.path("careless"));

    const write = await grid({
      title: "Files: write",
      columns: [
        ["start", "start"],
        ...histories.map((history) => [`append to ${count(history)} events`, history]),
      ],
      rows: [
        calls(base, (what) => plainly(plain, maker, what)),
        calls("file store", (what) => tenure(sync, maker, what)),
        awaits("file store, awaited", (what) => tenure(awaited, maker, what)),
        calls("plain files, neither", (what) => plainly(careless, maker, what)),
      ],
      base,
      seconds: seconds * 0.6,
    });

    // Separate directories, so that the writes above do not slow down the reads here.
    const listed = workspace.closing(openSync(`file:${workspace.path("listed")}`));
    const memory = workspace.closing(openSync("memory:"));
    fillMany(memory, sessions);
    const many = new JsonFiles(workspace.path("many"));
    let newest;
    for (const { id } of memory.list({ limit: 1000 })) {
      newest ??= id;
      const session = memory.get(id, { history: "all" });
      many.put(session);
      listed.import(session);
    }
    const read = await grid({
      title: `Files: read, of ${count(sessions)} sessions`,
      columns: [
        ["one", "one"],
        ["50 newest", "list"],
        ["statistics", "stats"],
      ],
      rows: [
        calls("plain files", (what) => {
          if (what === "one") return () => many.get(newest);
          return what === "list" ? () => many.list(50) : () => many.stats();
        }),
        calls("file store", (what) => {
          if (what === "one") return () => listed.get(newest, { history: "all" });
          return what === "list" ? () => listed.list({ limit: 50 }) : () => listed.stats();
        }),
      ],
      base: "plain files",
      seconds: seconds * 0.4,
    });
    return {
      tables: [write.table, read.table],
      notes: [
        "Plain files know one writer: two processes lose each other's changes. `neither` is what many bots do; a kill while it writes loses the session.",
      ],
      data: [...write.data, ...read.data],
    };
  });
}

/** The number of sessions that appends go to in turn, in every column. */
const number = 8;

function plainly(files, maker, what) {
  let index = 0;
  if (what === "start") return () => files.start(newSession(index++));
  const past = pastOf(maker, what);
  const cut = (id) => files.put(JSON.parse(past.get(id)));
  for (const id of past.keys()) cut(id);
  return appending(what, [...past.keys()], {
    append: (id) => files.append(id, iterationData),
    cut,
  });
}

function tenure(sessions, maker, what) {
  let index = 0;
  if (what === "start") return () => sessions.start(newSession(index++));
  const past = pastOf(maker, what);
  const texts = [...past.values()];
  const act = appending(what, [...past.keys()], {
    append: (id) => sessions.incrementIteration(id, iterationData),
    cut: (id) => sessions.import(past.get(id)),
  });
  const cutBack = act.before;
  act.before = async () => {
    for (const text of texts.splice(0)) await sessions.import(text);
    await cutBack();
  };
  return act;
}

/** Sessions with a history of this length, as text. */
function pastOf(maker, history) {
  const ids = Array.from({ length: number }, (_, index) => fill(maker, index, history));
  return new Map(ids.map((id) => [id, maker.export(id)]));
}
