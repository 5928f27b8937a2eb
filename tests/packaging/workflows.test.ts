// The workflows in examples/ and the actions that they use, run as by a runner: conditions and
// values are evaluated, scripts run in bash, and the runs are stored in a repository that is served
// over HTTP, to which the jobs have only the URL and a token.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { readWorkflow } from "./support/workflow/documents.js";
import { Forge } from "./support/workflow/forge.js";
import type { Job, Run } from "./support/workflow/runner.js";

let forge: Forge;

beforeAll(async () => {
  forge = await Forge.open();
});

afterAll(async () => {
  await forge?.[Symbol.asyncDispose]();
});

let runs = 1000;
let commits = 0;
const newId = () => String(++runs);
/** A new commit. */
const newSha = () => (++commits).toString(16).padStart(8, "c0ffee00").padEnd(40, "0");

const worked = (run: Run) => forge.worked().includes(run.id);

describe.each([
  { name: "workflow.yml", asked: "Check whether this run is a duplicate", ofAction: [] },
  {
    name: "workflow-action.yml",
    asked: "Ask whether this run is a duplicate",
    // A command syntax that is accepted within a line: the action disables it.
    ofAction: ["##[error]pwned"],
  },
])("$name", ({ name, asked, ofAction }) => {
  const path = inRoot("examples", name);
  const last = "Record how it went, and end the run";
  // The machines of the action have the command installed; the plain workflow installs it.
  const run = (one: Run, env: Record<string, string> = {}): Promise<Job> =>
    forge.run(path, one, { TENURE_COMMAND: join(forge.bin, "tenure"), ...env });

  const push = (sha: string): Run => ({ event: "push", sha, id: newId() });
  const pullRequest = (sha: string): Run => ({
    event: "pull_request",
    sha: newSha(),
    id: newId(),
    payload: { pull_request: { head: { sha } } },
  });

  it("is triggered by the main branch, by pull requests and by the test workflow", async () => {
    const { events } = await readWorkflow(path);
    expect(events).toEqual({
      push: { branches: ["main"], paths: ["src/**"] },
      pull_request: expect.anything(),
      workflow_run: { workflows: ["Tests"], types: ["completed"] },
    });
  });

  it("runs the first run of a commit, and skips the second one with a notice", async () => {
    const sha = newSha();
    const key = `agent-push-${sha.slice(0, 8)}`;
    const [first, second] = [push(sha), push(sha)];
    const job = await run(first);
    expect(job).toMatchObject({ status: "success", steps: { "Run the agent": "success" } });
    expect(job.annotations).toEqual([]);
    expect(job.log).toContain(`${key} has ended; its window goes on until `);
    expect(worked(first)).toBe(true);
    const entry = { session_key: key, event_type: "push", workflow: "Agent" };
    const commit_sha = sha.slice(0, 8);
    expect(await forge.logged(first.id)).toMatchObject([
      { ...entry, commit_sha, executed: true, job_status: "success", duplicate_prevented: false },
    ]);

    const skipped = await run(second);
    expect(skipped).toMatchObject({
      status: "success",
      steps: { [asked]: "success", "Run the agent": "skipped", [last]: "success" },
    });
    expect(skipped.annotations).toEqual([
      {
        level: "notice",
        title: "Run skipped",
        message: expect.stringMatching(`^run ${first.id} has ${key} since .*, until `),
      },
    ]);
    expect(worked(second)).toBe(false);
    expect(await forge.logged(second.id)).toMatchObject([
      { ...entry, commit_sha, executed: false, job_status: "success", duplicate_prevented: true },
    ]);
  });

  it("skips a push of a commit that a pull request has run for", async () => {
    const sha = newSha();
    const [before, after] = [pullRequest(sha), push(sha)];
    expect((await run(before)).steps["Run the agent"]).toBe("success");
    const skipped = await run(after);
    expect(skipped.steps["Run the agent"]).toBe("skipped");
    expect(skipped.annotations[0]?.message).toMatch(
      `run ${before.id} of a pull request has commit`,
    );
  });

  it("identifies a workflow_run by the commit of the triggering run", async () => {
    const head_sha = newSha();
    const following = (): Run => ({
      event: "workflow_run",
      // The commit of the main branch, whatever triggered the run.
      sha: "f".repeat(40),
      id: newId(),
      payload: { workflow_run: { head_sha, name: "Tests" } },
    });
    const [first, second] = [following(), following()];
    await run(first);
    expect(await forge.logged(first.id)).toMatchObject([
      { session_key: `agent-workflow_run-${head_sha.slice(0, 8)}`, executed: true },
    ]);
    expect((await run(second)).steps["Run the agent"]).toBe("skipped");
  });

  it("records a failed run, and finishes it", async () => {
    const failing = push(newSha());
    const job = await run(failing, { AGENT_ENDS_WITH: "7" });
    expect(job).toMatchObject({
      status: "failure",
      steps: { "Run the agent": "failure", [last]: "success" },
    });
    expect(job.log).toContain(" has ended; its window goes on until ");
    expect(await forge.logged(failing.id)).toMatchObject([
      { executed: true, job_status: "failure", duplicate_prevented: false },
    ]);
  });

  it("skips an immediate further attempt like any other run", async () => {
    const first = push(newSha());
    await run(first, { AGENT_ENDS_WITH: "7" });
    const again = await run({ ...first, attempt: 2 });
    expect(again).toMatchObject({ status: "success", steps: { "Run the agent": "skipped" } });
    expect(again.annotations[0]?.message).toMatch(`run ${first.id} has `);
  });

  it("runs when the store is unreachable", async () => {
    const store = "git:http://127.0.0.1:1/nowhere";
    const first = { ...push(newSha()), vars: { TENURE_STORE: store } };
    const job = await run(first, { TENURE_STORE: store });
    expect(job).toMatchObject({ status: "success", steps: { "Run the agent": "success" } });
    expect(job.log).toContain("the store is unavailable");
    expect(worked(first)).toBe(true);
  });

  it("runs when tenure cannot be installed", async () => {
    const first = push(newSha());
    const nowhere = "http://127.0.0.1:1/";
    const job = await run(first, {
      TENURE_COMMAND: "no-such-tenure",
      npm_config_registry: nowhere,
    });
    expect(job).toMatchObject({ status: "success", steps: { "Run the agent": "success" } });
    expect(worked(first)).toBe(true);
  });

  it("is safe with any workflow name", async () => {
    const sha = newSha();
    const workflow = [
      `"; echo pwned >>"$LEDGER"; $(echo pwned >>"$LEDGER") \`echo pwned >>"$LEDGER"\` 'it' --help`,
      "::error::pwned",
      "skip_execution=true",
      "%0A::error::pwned",
      ...ofAction,
    ].join("\n");
    const named = (): Run => ({ ...push(sha), workflow });
    const [first, second] = [named(), named()];
    const job = await run(first);
    expect(job).toMatchObject({ status: "success", steps: { "Run the agent": "success" } });
    const skipped = await run(second);
    expect(skipped).toMatchObject({ status: "success", steps: { "Run the agent": "skipped" } });
    for (const { annotations, outputs } of [job, skipped]) {
      expect(annotations.filter(({ level }) => level === "error")).toEqual([]);
      for (const said of Object.values(outputs))
        expect(["session_key", "skip_execution", "reason"]).toEqual(
          expect.arrayContaining(Object.keys(said)),
        );
    }
    expect(skipped.annotations).toHaveLength(1);
    expect(forge.worked()).not.toContain("pwned");
    expect(await forge.logged(first.id)).toMatchObject([{ workflow, executed: true }]);
  });

  it("runs one of eight concurrent runs", async () => {
    const sha = newSha();
    const all = Array.from({ length: 8 }, () => push(sha));
    const jobs = await Promise.all(all.map((one) => run(one)));
    expect(jobs.map(({ status }) => status)).toEqual(all.map(() => "success"));
    expect(all.filter(worked)).toHaveLength(1);
    const logged = await Promise.all(all.map(({ id }) => forge.logged(id)));
    const executed = logged.flat().filter(({ executed }) => executed);
    expect(executed.map(({ run_id }) => run_id)).toEqual(all.filter(worked).map(({ id }) => id));
    expect(logged.flat()).toHaveLength(8);
  });
});
