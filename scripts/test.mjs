// `npm test`: builds everything and runs every check. The last printed line is the number of tests:
// `N passed, N failed`.
//
//   npm test -- --only native                      one group, or several with commas
//   npm test -- --only native suite/session        only some files of the group
//
// Groups: lint, rust, native, wasm, browser, packaging.
//
// TENURE_TEST_SCALE  the scale of the long tests: 1 is everything, the default is 0.1
// TENURE_FULL=1      also check the licences of all dependencies, which builds a tool for a minute;
//                    a check that this machine does not support is then a failure, and not skipped

import { readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { build } from "./build.mjs";
import { ensureBuckets, startBuckets } from "./lib/buckets.mjs";
import { locked, testPrograms } from "./lib/cargo.mjs";
import { cargoTool } from "./lib/cargo-tools.mjs";
import { ensureChromium } from "./lib/chromium.mjs";
import { checkFeatures } from "./lib/feature-check.mjs";
import { checkFiles } from "./lib/file-check.mjs";
import { inLanes, Transcript } from "./lib/lanes.mjs";
import { checkModules } from "./lib/module-check.mjs";
import { ensurePackages, toTest } from "./lib/packages.mjs";
import { inRoot, stateDir } from "./lib/paths.mjs";
import {
  ensureOtherPostgres,
  ensurePostgres,
  otherVersions,
  startPostgres,
} from "./lib/postgres.mjs";
import { seconds, step } from "./lib/progress.mjs";
import { ensurePrometheus } from "./lib/prometheus.mjs";
import { checkClippy, checkPrograms, checkRequirements } from "./lib/requirements.mjs";
import { CommandFailed, main, nodeTool, Problem, report, run } from "./lib/run.mjs";
import { countCargoTests, countNodeTests, countVitestTests, nothing, sum } from "./lib/tally.mjs";
import { checkWords } from "./lib/word-check.mjs";

const everything = process.env.TENURE_FULL === "1";
const licenceChecker = "0.20.2";
const minutes = 60_000;

/** The builds that each group needs. */
const groups = {
  lint: ["ts"],
  rust: [],
  // Some tests compare the two builds, and some use the command.
  native: ["native", "cli", "wasm", "ts", "ui"],
  wasm: ["wasm", "ts"],
  browser: ["native", "cli", "wasm", "ts", "ui"],
  packaging: ["native", "cli", "wasm", "ts", "ui"],
};

/**
 * The environment in which cargo compiles our crates with clippy, which is the compiler with more
 * lints. `cargo clippy` does the same, but only checks: what the tests need would be compiled again.
 */
const withLints = {
  RUSTC_WORKSPACE_WRAPPER: "clippy-driver",
  CLIPPY_ARGS: "-Dwarnings",
};

/** The programs that the checks of a group need. */
const programs = {
  lint: ["git"],
  rust: ["git", "jq"],
  packaging: ["bash", "git", "jq"],
};

/** The groups with tests over a PostgreSQL server and servers of object storage, which this script starts. */
const withServers = ["rust", "native"];

/** All checks, in the order of their output. Two run at a time; `laneOf` says which. */
const checks = [
  {
    group: "lint",
    title: "Rust formatting",
    run: (show) => cargo(show, ["fmt", "--all", "--check"]),
  },
  { group: "lint", title: "circles of Rust modules", run: checkModules },
  { group: "lint", title: "files of Rust", run: checkFiles },
  { group: "lint", title: "features of crates", run: checkFeatures },
  { group: "lint", title: "banned words", run: checkWords },
  { group: "lint", title: "tests of the scripts", run: scriptTests },
  { group: "lint", title: "TypeScript and JSON style", run: biome },
  { group: "lint", title: "TypeScript types", run: typeCheck },
  { group: "lint", title: "Rust lints", run: clippy },
  {
    group: "lint",
    title: "licences",
    run: licences,
    when: () => everything,
  },
  { group: "rust", title: "Rust tests", run: rustTests },
  {
    group: "rust",
    title: `PostgreSQL ${Object.keys(otherVersions).join(" and ")}`,
    run: otherPostgresTests,
    when: () => files.length === 0,
  },
  { group: "native", title: "suite on the native build", run: (show) => vitest(show, "native") },
  { group: "wasm", title: "suite on the wasm build", run: (show) => vitest(show, "wasm") },
  {
    group: "browser",
    title: "suite in Chromium",
    run: (show) => vitest(show, "browser"),
    when: () => concerns((file) => !file.startsWith("pages")),
  },
  { group: "packaging", title: "the packed package", run: (show) => vitest(show, "packaging") },
  {
    group: "browser",
    title: "several pages in Chromium",
    run: (show) => vitest(show, "pages"),
    when: () => concerns((file) => file.startsWith("pages")),
  },
];

/**
 * Checks of one lane do not run at the same time. Most checks keep all processors busy: beside each other they take longer than one
 * after another, as tests that wait for a time or for another process look again and again. The checks in Chromium and of the
 * package mostly wait.
 */
function laneOf({ group }) {
  return group === "browser" || group === "packaging" ? "waiting" : "others";
}

/** How many tests of Rust, or files of a suite, a check runs at once. Some of them wait for disks, for other processes or for timers. */
const testsAtOnce = availableParallelism() + 1;

const { chosen, files } = readArguments(process.argv.slice(2));
let chromium;
/** The compilation of our crates with their tests, once it has begun, and its output. */
let compilation;

await main(async () => {
  process.env.TENURE_TEST_SCALE ??= "0.1";
  // The random cases are the same in every run; a larger scale adds more of them.
  process.env.PROPTEST_RNG_SEED ??= "20260108";
  chooseColours();
  await prepare();
  const meant = checks.filter(({ group, when }) => chosen.includes(group) && (when?.() ?? true));
  return summarize(await inLanes(meant, { laneOf }, perform));
});

function readArguments(args) {
  if (args[0] !== "--only") return { chosen: Object.keys(groups), files: args };
  return { chosen: (args[1] ?? "").split(","), files: args.slice(2) };
}

/** Whether the given files include some of a kind, or no files were given. */
function concerns(isMeant) {
  return files.length === 0 || files.some(isMeant);
}

/** Programs write to a pipe, so they need to know whether this script writes to a terminal. */
function chooseColours() {
  if (process.env.NO_COLOR || process.env.FORCE_COLOR) return;
  if (process.stdout.isTTY)
    Object.assign(process.env, { FORCE_COLOR: "1", CARGO_TERM_COLOR: "always" });
  else process.env.NO_COLOR = "1";
}

async function prepare() {
  const unknown = chosen.find((group) => !(group in groups));
  if (unknown !== undefined)
    throw new Problem(
      `there is no group "${unknown}": the groups are ${Object.keys(groups).join(", ")}`,
    );
  checkRequirements();
  if (chosen.includes("lint") || chosen.includes("rust")) checkClippy();
  checkPrograms([...new Set(chosen.flatMap((group) => programs[group] ?? []))]);
  const needsServers = withServers.some((group) => chosen.includes(group));
  // The download of these programs takes as long as a part of the build, and waits for a network.
  const buckets = needsServers ? ensureBuckets() : undefined;
  buckets?.catch(() => {});
  await ensurePackages(toTest);
  if (chosen.includes("browser") || chosen.includes("packaging")) {
    await step("Chromium", async (working) => {
      chromium = await ensureChromium(() => working("installing"));
    });
  }
  if (needsServers) {
    await step("PostgreSQL", async (working) => {
      const { env } = await startPostgres(await ensurePostgres(() => working("installing")));
      Object.assign(process.env, env);
    });
  }
  if (chosen.includes("native")) {
    await step("promtool", async (working) => {
      Object.assign(process.env, await ensurePrometheus(() => working("downloading")));
    });
  }
  // Cargo goes on to compile the tests beside the rest of the build.
  const idle = chosen.includes("lint") ? compiled : undefined;
  await build([...new Set(chosen.flatMap((group) => groups[group]))], { idle });
  if (buckets) {
    await step("object storage", async (working) => {
      working("starting");
      const { env, missing } = await startBuckets(await buckets);
      Object.assign(process.env, env);
      if (missing.length > 0) return `no server can be had of ${missing.join(", ")}: not tested`;
    });
  }
}

/** Runs a check and prints its outcome. Does not throw. */
async function perform({ title, run }, show) {
  show.out(`\n=== ${title}\n`);
  const started = performance.now();
  let tally = nothing;
  let ok = true;
  try {
    tally = (await run(show)) ?? nothing;
  } catch (error) {
    ok = false;
    tally = error.tally ?? nothing;
    if (error instanceof CommandFailed) show.err(`failed: ${error.message}\n`);
    else report(error, show);
  }
  // A check that fails before its tests counts as a failure.
  if (!ok && tally.failed === 0) tally = { ...tally, failed: 1 };
  const time = seconds(started);
  show.out(`--- ${title}: ${outcome(tally, ok)} in ${time}\n`);
  return { title, tally, ok, time };
}

function outcome({ passed, failed }, ok) {
  if (passed + failed === 0) return "ok";
  return `${ok ? "ok" : "FAILED"}, ${passed} passed, ${failed} failed`;
}

function summarize(results) {
  const width = Math.max(...results.map(({ title }) => title.length));
  console.log("\n=== summary");
  for (const { title, tally, ok, time } of results) {
    console.log(`${title.padEnd(width)}  ${time.padStart(8)}  ${outcome(tally, ok)}`);
  }
  const { passed, failed } = sum(results.map(({ tally }) => tally));
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

/** Runs a program with its output shown. A failure keeps the number of tests. */
async function counted(show, command, args, options, count) {
  try {
    const { output } = await run(command, args, { show, ...options });
    const tally = count(output);
    if (tally.passed + tally.failed === 0) throw new Problem("no test ran");
    return tally;
  } catch (error) {
    if (error instanceof CommandFailed) error.tally = count(error.output);
    throw error;
  }
}

async function cargo(show, args, env) {
  await run("cargo", args, { show, env, timeoutMs: 20 * minutes });
}

async function clippy(show) {
  const { ended, transcript } = compiled();
  transcript.show(show);
  const problem = await ended;
  if (problem) throw problem;
}

/** The compilation of our crates with their tests. It is begun where that was not done before. */
function compiled() {
  if (compilation) return compilation;
  const transcript = new Transcript();
  const args = ["build", ...locked, "--workspace", "--all-targets"];
  const ended = cargo(transcript, args, withLints).catch((error) => error);
  compilation = { transcript, ended };
  return compilation;
}

async function biome(show) {
  const [node, tool] = nodeTool("@biomejs/biome", "biome");
  await run(node, [tool, "ci", "--colors=off"], { show });
}

async function typeCheck(show) {
  const [node, tsc] = nodeTool("typescript", "tsc", inRoot("npm"));
  for (const project of ["npm", "tests", "examples", "ui"]) {
    await run(node, [tsc, "--noEmit", "-p", project], { show });
  }
}

async function licences(show) {
  const deny = await cargoTool({ crate: "cargo-deny", version: licenceChecker });
  await run(deny, ["--log-level", "warn", "check", "bans", "licenses", "sources"], { show });
}

function scriptTests(show) {
  const folder = inRoot("scripts", "lib");
  const tests = readdirSync(folder).filter((name) => name.endsWith(".test.mjs"));
  const args = ["--test", "--test-reporter=spec", ...tests.map((name) => join(folder, name))];
  return counted(show, process.execPath, args, {}, countNodeTests);
}

function rustTests(show) {
  const args = ["test", ...locked, "--workspace", "--no-fail-fast", ...files];
  const env = { ...withLints, RUST_TEST_THREADS: String(testsAtOnce) };
  return counted(show, "cargo", args, { env, timeoutMs: 20 * minutes }, countCargoTests);
}

/** The store of PostgreSQL over the oldest and the newest version of the server, in the quick form of its long tests. */
async function otherPostgresTests(show) {
  const tallies = [];
  const programs = await testPrograms("tenure-postgres", { env: withLints });
  for (const version of Object.keys(otherVersions)) {
    const program = await ensureOtherPostgres(version);
    if (program === undefined) {
      const problem = `PostgreSQL ${version} cannot be had for this machine`;
      if (everything) throw new Problem(problem);
      show.out(`${problem}: it is not tested\n`);
      continue;
    }
    const { env, stop } = await startPostgres(program);
    const quick = { ...env, TENURE_TEST_SCALE: "0.1", RUST_TEST_THREADS: String(testsAtOnce) };
    try {
      for (const { executable, folder } of programs) {
        const options = { env: quick, cwd: folder, timeoutMs: 10 * minutes };
        tallies.push(await counted(show, executable, [], options, countCargoTests));
      }
    } finally {
      stop();
    }
  }
  return sum(tallies);
}

function vitest(show, project) {
  const results = join(stateDir, `vitest-${project}.json`);
  rmSync(results, { force: true });
  const [node, tool] = nodeTool("vitest", "vitest", inRoot("tests"));
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${results}`];
  return counted(
    show,
    node,
    [tool, "run", "--project", project, `--maxWorkers=${testsAtOnce}`, ...reporters, ...files],
    {
      cwd: inRoot("tests"),
      env: { CHROMIUM: chromium ?? "" },
      timeoutMs: 20 * minutes,
    },
    () => countVitestTests(results),
  );
}
