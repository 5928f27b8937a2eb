// The options of a run of the benchmarks.

import { parseArgs } from "node:util";

/** The parts, in the order in which they run. */
export const names = [
  "start",
  "append",
  "sustained",
  "get",
  "list",
  "stats",
  "pages",
  "text",
  "cleanup",
  "size",
  "latency",
  "boundary",
  "own-store",
  "files",
  "indexeddb",
  "command",
  "slots",
  "postgres",
  "load",
  "watch",
  "memory-pages",
  "page",
  "memory",
];

const usage = `Usage: npm run bench -- [options]

  --quick          about a tenth of the time, for a first impression
  --large          a million sessions where there are many
  --only NAME,...  some parts: ${names.join(", ")}
  --cpu            CPU time instead of wall-clock time, for a busy machine
  --duration TIME  how long the part "load" keeps its load up, such as 30s, 10m or 1h
  --save           write bench/results even though the run is not a full one

bench/README.md says what the parts measure. A full run writes its results to bench/results.`;

/** Reads the options. Help, and what is wrong with them, is printed, and ends the process. */
export function readOptions(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        quick: { type: "boolean", default: false },
        large: { type: "boolean", default: false },
        cpu: { type: "boolean", default: false },
        only: { type: "string" },
        duration: { type: "string" },
        save: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (error) {
    end(2, `${error.message}\n\n${usage}`);
  }
  if (values.help) end(0, usage);
  const only = values.only?.split(",");
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined)
    end(2, `there is no part "${unknown}": the parts are ${names.join(", ")}`);
  const duration = values.duration === undefined ? undefined : secondsOf(values.duration);
  if (Number.isNaN(duration)) end(2, "--duration: expected a time such as 30s, 10m or 1h");
  return { ...values, only, duration };
}

/** The seconds of a time such as `10m`; not a number for another text. */
function secondsOf(text) {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text) ?? [];
  return Number(number) * { s: 1, m: 60, h: 3600 }[unit];
}

function end(code, text) {
  (code === 0 ? console.log : console.error)(text);
  process.exit(code);
}
