// The command `tenure`, as hooks and jobs run it: complete processes from start to end, compared
// with a minimal process and with an idle interpreter.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { quantile } from "../lib/measure.mjs";
import { check, count, table, time, times } from "../lib/report.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 20;

const root = fileURLToPath(new URL("../..", import.meta.url));
const timer = join(root, "target", "debug", "examples", "processes");
const tenure = join(root, "npm", "bin", "tenure");
const nothing = "/bin/true";
const stored = 1000;

/** The durations of the original implementations, in milliseconds: functions within a process. */
const before = new Map([
  ["agent create", 5],
  ["agent update", 3],
  ["agent should-resume", 2],
  ["agent get", 1],
  ["agent finalize", 5],
  ["agent cleanup", 50],
  ["agent list", 10],
]);

export function run({ seconds }) {
  return inWorkspace(async (workspace) => {
    const store = `sqlite:${workspace.path("agents.db")}`;
    const of = (...argv) => [tenure, "--store", store, ...argv];
    const id = (...argv) => output(of("agent", "create", "--agent", "builder", ...argv)).trim();
    const waiting = id("--purpose", "approval");
    output(of("agent", "update", waiting, "--phase", "approval"));
    // One to finalize in each round, and as many as the list should have.
    const rounds = Math.max(20, Math.round(seconds * 10));
    const ids = Array.from({ length: stored - 1 }, (_, number) =>
      id("--purpose", `task ${number}`),
    );
    const own = (number) => ids[number % ids.length];
    const hook = JSON.stringify({ agent_name: "builder", agent_id: waiting, task_id: "T001" });
    const aside = `sqlite:${workspace.path("created.db")}`;
    // Not a version manager's shim that may precede it in the PATH.
    const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : find("python3");
    const programs = [
      { name: nothing, argv: [nothing] },
      ...(python ? [{ name: "python3 -c pass", argv: [python, "-c", "pass"] }] : []),
      { name: "agent should-resume", argv: of("agent", "should-resume", waiting) },
      { name: "hook pre-delegate", argv: of("hook", "pre-delegate"), input: hook },
      {
        name: "agent create",
        argv: [tenure, "--store", aside, "agent", "create", "--agent", "a", "--purpose", "{n}"],
      },
      {
        name: "agent update",
        argv: of("agent", "update", own(0), "--phase", "planning", "--metadata", '{"n":{n}}'),
      },
      { name: "agent get", argv: of("agent", "get", own(1)) },
      { name: "agent finalize", argv: of("agent", "finalize", own(2), "completed") },
      { name: "agent list", argv: of("agent", "list") },
      { name: "agent cleanup", argv: of("agent", "cleanup", "--hours", "24") },
    ];
    const timings = JSON.parse(output([timer], JSON.stringify({ rounds, programs })));
    const median = (name) => quantile(timings[name], 0.5);
    const ratio = (name) => median(name) / median(nothing);
    const label = (name) => (name === "agent list" ? `agent list, of ${count(stored)}` : name);
    const within = (name, most) =>
      check(
        `${label(name)} takes at most ${most}x ${nothing}`,
        ratio(name) <= most,
        `${ratio(name).toFixed(2)}x`,
      );
    return {
      tables: [
        table(
          "The command: whole processes",
          ["median", "p95", "where it was first written"],
          programs.map(({ name }) => [
            label(name),
            name === nothing ? time(median(name)) : [time(median(name)), times(ratio(name))],
            time(quantile(timings[name], 0.95)),
            before.has(name) ? time(before.get(name) * 1e6) : "",
          ]),
        ),
      ],
      notes: [
        "Beside them, what the operation is said to have taken there: as a function of a running interpreter, which took 39.5 ms (66 ms for a list) as a process.",
      ],
      checks: [within("agent should-resume", 3), within("agent list", 8)],
      data: programs.map(({ name }) => ({
        name,
        nanoseconds: {
          median: median(name),
          p5: quantile(timings[name], 0.05),
          p95: quantile(timings[name], 0.95),
        },
      })),
    };
  });
}

function output([program, ...argv], input) {
  const { stdout, stderr, status, error } = spawnSync(program, argv, { input, encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${argv.join(" ")} ended with ${status}: ${stderr}`);
  return stdout;
}

/** The path of a program of this name, if there is one. */
function find(name) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync);
}
