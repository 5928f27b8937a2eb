// The action and its finish action, beyond the workflows in examples/: their inputs, their
// behaviour on errors, and that no untrusted value becomes part of a script.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMapping } from "@actions/workflow-parser/templates/tokens/type-guards";
import fc from "fast-check";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { readAction, readWorkflow } from "./support/workflow/documents.js";
import { Forge } from "./support/workflow/forge.js";
import type { Job, Run } from "./support/workflow/runner.js";

const scale = Number(process.env.TENURE_TEST_SCALE ?? "0.1");

let forge: Forge;

beforeAll(async () => {
  forge = await Forge.open();
});

afterAll(async () => {
  await forge?.[Symbol.asyncDispose]();
});

let runs = 5000;
const push = (): Run => ({
  event: "push",
  sha: (++runs).toString(16).padStart(8, "beef0000").padEnd(40, "0"),
  id: String(runs),
});
const another = (run: Run): Run => ({ ...run, id: String(++runs) });

const example = readFileSync(inRoot("examples", "workflow-action.yml"), "utf8");

/** The workflow of the examples, with inputs for the action. */
function workflowWith(inputs: Readonly<Record<string, string>>): string {
  const lines = Object.entries(inputs).map(([name, value]) => `\n          ${name}: ${value}`);
  const uses = "uses: OWNER/tenure/action@v0";
  const given = lines.length > 0 ? `\n        with:${lines.join("")}` : "";
  const path = join(mkdtempSync(join(inject("packed").workshop, "workflow-")), "workflow.yml");
  writeFileSync(path, example.replace(uses, uses + given));
  return path;
}

/** Runs the workflow with the command of the project; `now` is a clock override. */
function run(one: Run, inputs: Readonly<Record<string, string>>, now?: string): Promise<Job> {
  const command = [join(forge.bin, "tenure"), ...(now === undefined ? [] : ["--now", now])];
  return forge.run(workflowWith(inputs), one, { TENURE_COMMAND: command.join(" ") });
}

const ran = ({ steps }: Job) => steps["Run the agent"] === "success";

it("inputs override the values of the event", async () => {
  const first = push();
  const inputs = {
    workflow: "Nightly",
    event: "manual",
    sha: "0123456789abcdef",
    "run-id": "4711",
  };
  const job = await run(first, inputs);
  expect(job.outputs.tenure).toMatchObject({
    session_key: "nightly-manual-01234567",
    skip_execution: "false",
  });
  const again = await run(another(first), { ...inputs, "run-id": "4712" });
  expect(again.outputs.tenure?.reason).toMatch("run 4711 has nightly-manual-01234567");
});

it("the input key identifies a run", async () => {
  const key = "\"a key: with 'quotes' and $(blanks) #1\"";
  const [first, second] = [push(), push()];
  expect((await run(first, { key })).outputs.tenure?.session_key).toBe(JSON.parse(key));
  expect(ran(await run(second, { key }))).toBe(false);
});

it("accepts durations and symmetry", async () => {
  const first = push();
  const inputs = { window: "1h", "pr-window": "2h", keep: "3h", symmetric: "'true'" };
  await run(first, inputs);
  const later = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
  expect(ran(await run(another(first), inputs, later(59)))).toBe(false);
  const pullRequest = { ...another(first), event: "pull_request" };
  const skipped = await run(pullRequest, inputs, later(119));
  expect(skipped.outputs.tenure?.reason).toMatch(`run ${first.id} of a push has commit`);
  expect(ran(await run(another(first), inputs, later(121)))).toBe(true);
});

it("a tag is another run than the branch of its commit", async () => {
  const first = push();
  const tag = (name: string) => ({ ...another(first), ref: `refs/tags/${name}` });
  expect(ran(await run(first, {}))).toBe(true);
  const tagged = await run(tag("v1.0"), {});
  expect(tagged.outputs.tenure?.session_key).toBe(
    `agent-push-${first.sha.slice(0, 8)}:refs/tags/v1.0`,
  );
  expect(ran(tagged)).toBe(true);
  expect(ran(await run(tag("v1.0"), {}))).toBe(false);
  expect(ran(await run(tag("v1"), {}))).toBe(true);
  expect(ran(await run(tag("v2"), { by: "commit" }))).toBe(false);
});

it("runs by ref do the work of one branch", async () => {
  const inputs = { by: "ref" };
  const first = push();
  const branch = (name: string) => ({ ...another(first), ref: `refs/heads/${name}` });
  const pullRequest = (repository: string) => ({
    ...another(first),
    event: "pull_request",
    ref: "refs/pull/7/merge",
    payload: {
      pull_request: {
        number: 7,
        head: { sha: first.sha, ref: "staging", repo: { full_name: repository } },
      },
    },
  });
  expect(ran(await run(branch("next"), inputs))).toBe(true);
  expect(ran(await run(branch("production"), inputs))).toBe(true);
  expect(ran(await run(branch("production"), inputs))).toBe(false);
  // A branch of a fork is another branch than that of the same name here.
  expect(ran(await run(pullRequest("fork/agents"), inputs))).toBe(true);
  expect(ran(await run(branch("staging"), inputs))).toBe(true);
  const ours = await run(pullRequest("acme/agents"), { ...inputs, workflow: "Other" });
  expect(ours.outputs.tenure?.session_key).toMatch(":refs/heads/staging");
  const skipped = await run(branch("staging"), { ...inputs, workflow: "Other" });
  expect(skipped.outputs.tenure?.reason).toMatch("of a pull request has commit");
});

it.each(["tenure", "line"])("the command may be the bare name %s", async (name) => {
  const bin = mkdtempSync(join(inject("packed").workshop, "bin-"));
  symlinkSync(join(forge.bin, "tenure"), join(bin, name));
  const job = await forge.run(workflowWith({ command: name }), push(), {
    PATH: `${bin}:${process.env.PATH}`,
    TENURE_COMMAND: name,
  });
  expect(job).toMatchObject({ status: "success", annotations: [] });
  expect(job.outputs.tenure?.skip_execution).toBe("false");
});

/** Texts that shells, runners and runner files could interpret. */
const awkward = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '$(echo pwned >>"$LEDGER")',
        '`echo pwned >>"$LEDGER"`',
        '"; echo pwned >>"$LEDGER"; "',
        "'; echo pwned >>\"$LEDGER\"; '",
      ),
      fc.constantFrom("\n", "\r\n", "::error::pwned", "\n::error::pwned\n", "##[error]pwned"),
      fc.constantFrom("skip_execution=true", "reason<<END", "%0A", "%", "--help", "-", "*", "~"),
      fc.string({ unit: "grapheme", maxLength: 8 }).map((text) => text.replaceAll("\0", "")),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(""));

it("accepts names with any characters", async () => {
  const store = `sqlite:${join(mkdtempSync(join(inject("packed").workshop, "any-")), "tenure.db")}`;
  const TENURE_COMMAND = join(forge.bin, "tenure");
  const path = inRoot("examples", "workflow-action.yml");
  await fc.assert(
    fc.asyncProperty(awkward, awkward, awkward, async (workflow, event, sha) => {
      // The same names, passed to the command without a shell.
      const asked = ["--store", store, "--json", "dedup", "check", "--", event, workflow, sha];
      const { key, skip } = JSON.parse(execFileSync(TENURE_COMMAND, asked, { encoding: "utf8" }));
      const job = await forge.run(
        path,
        { ...push(), event, workflow, sha },
        {
          TENURE_COMMAND,
          TENURE_STORE: store,
        },
      );
      expect(job.outputs.tenure).toEqual({
        session_key: key,
        skip_execution: String(skip),
        reason: expect.any(String),
      });
      expect(job.status).toBe("success");
      expect(job.annotations.map(({ level }) => level)).toEqual(skip ? ["notice"] : []);
      expect(ran(job)).toBe(!skip);
    }),
    { numRuns: Math.max(5, Math.round(50 * scale)), seed: 20_260_108 },
  );
  expect(forge.worked()).not.toContain("pwned");
});

it("a run blocks duplicates while it is active", async () => {
  const first = push();
  const started = await forge.run(withoutEnd(), first, {
    TENURE_COMMAND: join(forge.bin, "tenure"),
  });
  expect(ran(started)).toBe(true);
  const later = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
  expect(ran(await run(another(first), {}, later(5.9)))).toBe(false);
  expect(ran(await run(another(first), {}, later(6.1)))).toBe(true);
});

/** The workflow on a machine that is lost before its end. */
function withoutEnd(): string {
  const path = join(mkdtempSync(join(inject("packed").workshop, "workflow-")), "workflow.yml");
  writeFileSync(path, example.slice(0, example.indexOf("      - name: Record how it went")));
  return path;
}

it("another attempt runs when the window of the first one has expired", async () => {
  const first = push();
  await run(first, {});
  const later = new Date(Date.now() + 5.5 * 60_000).toISOString();
  const again = await run({ ...first, attempt: 2 }, {}, later);
  expect(ran(again)).toBe(true);
  // The attempt is a separate run, which it finishes itself.
  const third = await run(another(first), {}, later);
  expect(third.outputs.tenure?.reason).toMatch(`run ${first.id}/2 has`);
  expect(again.log).toContain(" has ended; its window goes on until ");
});

it("the summary of the job shows the decision", async () => {
  const first = push();
  const job = await run(first, { key: "the-key" });
  expect(job.summary).toBe(
    [
      "### Run recorded",
      "",
      "In the audit log:",
      "",
      "    key       the-key",
      "    executed  true",
      "    job       success",
      "\n",
    ].join("\n"),
  );
  const skipped = await run(another(first), { key: "the-key" });
  expect(skipped.summary).toMatch(
    /^### Run skipped\n\nIt would be a duplicate run:\n\n {4}run \d+ has the-key since .*\n\n### Run recorded\n/,
  );
});

it.each([
  ["a length that is none", { window: "soon" }, /'soon' for '--window/],
  ["a key that is none", { key: "vm:1" }, /keys of runs do not begin with/],
  ["a command that is not there", { command: "no-such-program --at all" }, /not found/],
  ["a command that fails", { command: "false" }, /exit code 1/],
  ["a store that is none", { store: "nonsense:here" }, /nonsense/],
])("runs with a warning for %s", async (_, inputs, said) => {
  const job = await run(push(), { command: join(forge.bin, "tenure"), ...inputs });
  expect(job).toMatchObject({ status: "success", steps: { "Run the agent": "success" } });
  expect(job.outputs.tenure?.skip_execution).toBe("false");
  const [warning] = job.annotations;
  expect(warning).toMatchObject({
    level: "warning",
    title: "It is unknown whether this run is a duplicate",
  });
  expect(warning?.message).toMatch(said);
});

it("warns when an admitted run cannot be recorded", async () => {
  const first = push();
  const ending = example.replace(/(uses: OWNER\/tenure\/action\/finish@v0\n +with:)/, (uses) =>
    [uses, "          store: git:http://127.0.0.1:1/nowhere"].join("\n"),
  );
  const path = join(mkdtempSync(join(inject("packed").workshop, "workflow-")), "workflow.yml");
  writeFileSync(path, ending);
  const job = await forge.run(path, first, { TENURE_COMMAND: join(forge.bin, "tenure") });
  expect(job).toMatchObject({ status: "success", steps: { "Run the agent": "success" } });
  expect(job.annotations.map(({ level, title }) => `${level}: ${title}`)).toEqual([
    "warning: This run is missing from the audit log",
    "warning: This run could not be ended",
  ]);
});

it("installs tenure by default", async () => {
  const first = push();
  const path = inRoot("examples", "workflow-action.yml");
  const job = await forge.run(path, first);
  expect(job).toMatchObject({ status: "success", annotations: [] });
  expect(await forge.logged(first.id)).toMatchObject([{ executed: true, job_status: "success" }]);
});

it("installs its own version", () => {
  const { version } = JSON.parse(readFileSync(inRoot("npm", "package.json"), "utf8"));
  const named = (...path: string[]) =>
    readFileSync(inRoot(...path), "utf8").match(/tenure@[\d.]+\w/g);
  expect(named("action", "common.sh")).toEqual([`tenure@${version}`]);
  expect(named("examples", "workflow.yml")).toEqual([`tenure@${version}`]);
});

it("does not print the token, and lets the runner mask values derived from it", async () => {
  const job = await run(push(), {});
  expect(job.log).not.toContain("token-of-the-job");
  const secret = Buffer.from("x-access-token:token-of-the-job").toString("base64");
  const lines = job.log.split("\n").filter((line) => line.includes(secret));
  expect(new Set(lines)).toEqual(new Set([`::add-mask::${secret}`]));
});

it("inserts no expression into a script", async () => {
  const actions = ["action", "action/finish"].map((folder) =>
    readAction(inRoot(folder, "action.yml")),
  );
  const examples = ["workflow.yml", "workflow-action.yml"].map((name) => inRoot("examples", name));
  const workflows = await Promise.all(examples.map(readWorkflow));
  const jobs = workflows.flatMap((workflow) => workflow.jobs);
  const scripts = [...actions, ...jobs].flatMap(({ steps }) =>
    steps.map(({ definition }) => definition.find("run")).filter((script) => script !== undefined),
  );
  expect(scripts.length).toBeGreaterThan(6);
  for (const script of scripts) expect(script.isExpression, script.toString()).toBe(false);
});

it("the finish action takes the same environment", () => {
  const environmentOf = (folder: string) => {
    const env = readAction(inRoot(folder, "action.yml")).steps[0]?.definition.find("env");
    if (env === undefined || !isMapping(env)) throw new Error(`${folder} has no environment`);
    return new Map([...env].map(({ key, value }) => [key.toString(), value.toString()]));
  };
  const [begin, end] = [environmentOf("action"), environmentOf("action/finish")];
  const shared = ["WORKFLOW", "EVENT", "SHA", "RUN_ID", "RUN_ATTEMPT", "STORE", "TOKEN", "COMMAND"];
  for (const name of shared.map((name) => `INPUT_${name}`)) {
    expect(begin.get(name), name).toMatch(/^\$\{\{ .* \}\}$/);
    expect(end.get(name), name).toBe(begin.get(name));
  }
});
