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
  return { ...values, only };
}

function end(code, text) {
  (code === 0 ? console.log : console.error)(text);
  process.exit(code);
}
