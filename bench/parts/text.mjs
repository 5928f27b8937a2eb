// A page of the sessions whose tasks contain a text, over many sessions in SQLite: a text of a few, of
// none, and of most. Also what the option `textIndex` costs each write.

import { setTimeout as sleep } from "node:timers/promises";
import { Floor } from "../contenders/floor.mjs";
import { open, openSync } from "../contenders/tenure.mjs";
import { calls, grid } from "../lib/grid.mjs";
import { copyOfMany } from "../lib/many.mjs";
import { check, checkMost, count, time, times } from "../lib/report.mjs";
import { iterationData, newSession } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 24;

const limit = 50;
const base = "SQLite";
const indexed = "SQLite, textIndex";
/** The most that a page of a rare text may take in nanoseconds, and a write with the index. */
const most = { rare: 5e6, write: 1.1 };
/** How long the index is waited for: it grows after `open` has returned. */
const indexTimeoutMs = 300_000;

const texts = [
  ["of three sessions", "xylophone"],
  ["of none", "marimba"],
  ["of most", "release branch"],
];
const [[rare, rareText]] = texts;

const writes = [
  [
    "start",
    (sessions) => {
      let index = 0;
      return () => sessions.start(newSession(index++));
    },
  ],
  [
    "append",
    (sessions) => {
      const { id } = sessions.start(newSession(0));
      return () => sessions.incrementIteration(id, iterationData);
    },
  ],
  [
    "start and complete",
    (sessions) => {
      let index = 0;
      return () => sessions.complete(sessions.start(newSession(index++)).id);
    },
  ],
  [
    "change the task",
    (sessions) => {
      const { id } = sessions.start(newSession(0));
      let index = 0;
      return () => sessions.override(id, { task: newSession(index++).task });
    },
  ],
];

export function run({ seconds, large }) {
  const number = large ? 1_000_000 : 100_000;
  return inWorkspace(async (workspace) => {
    const at = (name) => workspace.path(`${name}.db`);
    for (const name of ["plain", "indexed"]) {
      copyOfMany(number, at(name));
      const sessions = openSync(`sqlite:${at(name)}`);
      for (let index = 0; index < 3; index += 1) {
        sessions.start({ ...newSession(index), task: `Tune the ${rareText} ${index}` });
      }
      sessions.close();
    }
    const plain = workspace.closing(openSync(`sqlite:${at("plain")}`));
    const floor = workspace.closing(new Floor(at("plain")));
    const contenders = [[base, plain]];
    const notes = [];
    const index = await openIndexed(at("indexed"));
    if (index === undefined) notes.push(`"${indexed}" is left out: \`open\` has no such option.`);
    else {
      workspace.closing(index.handle);
      contenders.push([indexed, workspace.closing(openSync(`sqlite:${at("indexed")}`))]);
      notes.push(
        index.took === undefined
          ? `The index was not ready ${indexTimeoutMs / 1000} s after \`open\`.`
          : `The index was ready ${time(index.took * 1e6)} after \`open\`.`,
      );
    }
    const read = await grid({
      title: `A page of ${limit} with a text, over ${count(number)} sessions`,
      columns: texts,
      rows: [
        calls("floor: better-sqlite3, LIKE", (text) => () => floor.listOfText(text, limit)),
        ...contenders.map(([name, sessions]) =>
          calls(name, (text) => () => sessions.list({ text, limit })),
        ),
      ],
      base,
      seconds: seconds / 3,
    });
    const written = await grid({
      title: `Writes, over ${count(number)} sessions`,
      columns: writes,
      rows: contenders.map(([name, sessions]) => calls(name, (write) => write(sessions))),
      base,
      seconds: (seconds * 2) / 3,
    });
    const [best] = contenders.at(-1);
    return {
      tables: [read.table, written.table],
      notes,
      checks: [
        checkMost(
          `${best}: a page of a text of three sessions among ${count(number)}`,
          most.rare,
          [[rare, read.at(best, rare).median]],
          time,
        ),
        ...(index === undefined
          ? [check(`${indexed}: at most ${times(most.write)} of a write without it`, false, "none")]
          : [
              checkMost(
                `${indexed}: a write against one without it`,
                most.write,
                writes.map(([what]) => [
                  what,
                  written.at(indexed, what).ratioTo(written.at(base, what)),
                ]),
              ),
            ]),
      ],
      data: [...read.data, ...written.data],
    };
  });
}

/**
 * Opens a database with the index, and waits until lists use it. Resolves to the handle, and how long
 * that took in milliseconds; to `undefined` where `open` has no such option.
 */
async function openIndexed(path) {
  const started = performance.now();
  let handle;
  try {
    handle = await open(`sqlite:${path}`, { textIndex: true });
  } catch (error) {
    if (error.code === "INVALID_ARGUMENT") return undefined;
    throw error;
  }
  while (performance.now() - started < indexTimeoutMs) {
    const asked = performance.now();
    await handle.list({ text: rareText, limit });
    const now = performance.now();
    if (now - asked < most.rare / 1e6) return { handle, took: now - started };
    await sleep(200);
  }
  return { handle };
}
