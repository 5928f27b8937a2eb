// JavaScript stores: the cost of driving one, in addition to the store itself.

import { asynchronous, MapStore } from "../contenders/map-store.mjs";
import { builds } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { fill, iterationData } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 8;

const base = "memory, native";
const columns = [
  ["isResumable", (sessions, id) => () => sessions.isResumable(id)],
  ["get with 10 events", (sessions, id) => () => sessions.get(id, { history: 10 })],
  [
    "append",
    (sessions) => {
      const id = fill(sessions, 0, 10);
      return () => sessions.incrementIteration(id, iterationData);
    },
  ],
];

export function run({ seconds }) {
  return inWorkspace(async (workspace) => {
    const rows = [];
    let requests;
    for (const [build, entry] of builds()) {
      const memory = workspace.closing(entry.openSync("memory:"));
      const memoryId = fill(memory, 0, 10);
      rows.push(calls(`memory, ${build}`, (operation) => operation(memory, memoryId)));

      const store = new MapStore();
      const sync = workspace.closing(entry.openSync(store));
      const id = fill(sync, 0, 10);
      requests ??= columns.map(([label, operation]) => [
        label,
        requestsOf(store, operation(sync, id)),
      ]);
      rows.push(calls(`own store, ${build}`, (operation) => operation(sync, id)));

      // The same sessions, filled synchronously.
      const awaited = workspace.closing(await entry.open(store));
      const promising = workspace.closing(await entry.open(asynchronous(store)));
      const over = (sessions) => (operation) => {
        if (operation !== columns[2][1]) return operation(sessions, id);
        const own = fill(sync, 0, 10);
        return () => sessions.incrementIteration(own, iterationData);
      };
      rows.push(
        awaits(`own store, ${build}, awaited`, over(awaited)),
        awaits(`own store of promises, ${build}, awaited`, over(promising)),
      );
    }
    const measured = await grid({
      title: "A store of one's own, in two maps",
      columns,
      rows,
      base,
      seconds,
    });
    const asked = requests.map(([label, number]) => `${label} ${number}`).join(", ");
    return {
      tables: [measured.table],
      notes: [`How often the store is asked: ${asked}.`],
      data: measured.data,
    };
  });
}

function requestsOf(store, act) {
  const before = store.requests;
  act();
  return store.requests - before;
}
