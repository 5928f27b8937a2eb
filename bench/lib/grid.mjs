// Measures rows of contenders in several columns, interleaved, and creates a table: the duration of
// one operation, and its ratio to that of the base row.

import { measure } from "./measure.mjs";
import { table, time, times } from "./report.mjs";

/**
 * A row that calls `act` synchronously. `makeAct` creates it for a column, or promises it; it may have a property
 * `before(n)`, which is called before `n` calls of it and is not measured.
 */
export function calls(name, makeAct, options) {
  const run = (act) => (n) => {
    for (let i = 0; i < n; i += 1) act();
  };
  return { name, run, makeAct, ...options };
}

/** A row that awaits each call before the next. */
export function awaits(name, makeAct, options) {
  const run = (act) => async (n) => {
    for (let i = 0; i < n; i += 1) await act();
  };
  return { name, run, makeAct, ...options };
}

/**
 * Measures for about `seconds`. `columns` is a list of `[label, value]`; a row whose `makeAct`
 * returns nothing for a column's value has no cell there. `base` is the name of a row. Rows that
 * are `wasteful` leave much garbage; they are measured after the others, with the base.
 */
export async function grid({ title, columns, rows, base, seconds }) {
  const isLater = ({ wasteful }) => wasteful && !rows.every((row) => row.wasteful);
  const phases = [rows.filter((row) => !isLater(row))];
  if (rows.some(isLater)) phases.push(rows.filter((row) => isLater(row) || row.name === base));
  const acts = new Map();
  const timings = [];
  for (const phase of phases) {
    const share = phases.length === 1 ? 1 : phase === phases[0] ? 0.8 : 0.2;
    timings.push(await measure(await contendersOf(phase, columns, acts), seconds * share));
  }
  const phaseOf = (row, label) => timings.find((phase) => phase.has(place(row, label)));
  const at = (row, label) => phaseOf(row, label)?.get(place(row, label));
  const cell = (row, label) => {
    const timing = at(row, label);
    if (timing === undefined) return "";
    const compared = row === base ? undefined : phaseOf(row, label).get(place(base, label));
    return [time(timing.median), compared === undefined ? "" : times(timing.ratioTo(compared))];
  };
  return {
    at,
    table: table(
      title,
      columns.map(([label]) => label),
      rows.map(({ name }) => [name, ...columns.map(([label]) => cell(name, label))]),
    ),
    data: rows.map(({ name }) => ({
      name,
      nanoseconds: Object.fromEntries(
        columns.flatMap(([label]) => (at(name, label) ? [[label, at(name, label)]] : [])),
      ),
    })),
  };
}

async function contendersOf(rows, columns, acts) {
  const contenders = [];
  for (const { name, run, makeAct, wasteful, batch } of rows) {
    for (const [label, value] of columns) {
      const key = place(name, label);
      if (!acts.has(key)) acts.set(key, await makeAct(value));
      const act = acts.get(key);
      if (act) contenders.push({ name: key, run: run(act), before: act.before, wasteful, batch });
    }
  }
  return contenders;
}

function place(row, label) {
  return `${row} | ${label}`;
}
