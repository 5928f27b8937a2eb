// docs/ci.md is correct: its workflows are parsed as by a runner, its commands run in a shell, and
// the names in it exist.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMapping } from "@actions/workflow-parser/templates/tokens/type-guards";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { codeBlocks, sectionOf } from "../support/readme.js";
import { environment } from "./support/run.js";
import { readAction, readWorkflow } from "./support/workflow/documents.js";
import { Forge } from "./support/workflow/forge.js";
import type { Run } from "./support/workflow/runner.js";

const page = readFileSync(inRoot("docs", "ci.md"), "utf8");
const blocks = codeBlocks(page, "yaml");

let forge: Forge;
let folder: string;

beforeAll(async () => {
  forge = await Forge.open();
  folder = mkdtempSync(join(inject("packed").workshop, "ci-page-"));
});

afterAll(async () => {
  await forge?.[Symbol.asyncDispose]();
});

/** A code block of the page as a workflow; a block with only steps is wrapped in a job. */
function workflow(block: string, more = ""): string {
  const around = "jobs:\n  agent:\n    runs-on: ubuntu-latest\n    steps:\n";
  const path = join(mkdtempSync(join(folder, "workflow-")), "workflow.yml");
  writeFileSync(path, `on: push\n${block.startsWith(" ") ? around : ""}${block}${more}`);
  return path;
}

const action = (name: string) => readAction(inRoot(name, "action.yml"));

it("starts with the example workflow", () => {
  const example = readFileSync(inRoot("examples", "workflow-action.yml"), "utf8");
  expect(example).toContain(blocks[0]?.slice(blocks[0].indexOf("jobs:")));
});

it("shows valid workflows with existing inputs", async () => {
  expect(blocks.length).toBe(4);
  const workflows = await Promise.all(blocks.map((block) => readWorkflow(workflow(block))));
  const steps = workflows.flatMap(({ jobs }) => jobs.flatMap((job) => job.steps));
  let used = 0;
  for (const { definition } of steps) {
    const [, name] =
      definition
        .find("uses")
        ?.toString()
        .match(/^OWNER\/tenure\/(.+)@v0$/) ?? [];
    const given = definition.find("with");
    if (name === undefined) continue;
    used += 1;
    const known = [...action(name).defaults.keys()];
    const names = given === undefined || !isMapping(given) ? [] : [...given];
    expect(known).toEqual(expect.arrayContaining(names.map(({ key }) => key.toString())));
  }
  expect(used).toBe(7);
});

it("documents every input and output, and the default durations", () => {
  const { defaults, outputs } = action("action");
  const section = sectionOf(page, "The action");
  const names = [defaults, outputs, action("action/finish").defaults].flatMap((all) => [
    ...all.keys(),
  ]);
  for (const name of names) expect(section).toContain(`\`${name}\``);
  const lengths = sectionOf(page, "Which runs are the same").matchAll(
    /\| (\d+) (hour|minute)s?\b.*`([a-z-]+)` \|$/gm,
  );
  const said = [...lengths].map(([, number, unit = "", name]) => [name, `${number}${unit[0]}`]);
  const inputs = ["keep", "window", "pr-window"];
  expect(said).toEqual(inputs.map((name) => [name, defaults.get(name)?.toString()]));
});

it("counts the prevented runs", async () => {
  const runs = ["1", "2", "3"].map((id): Run => ({ event: "push", sha: "c".repeat(40), id }));
  const example = inRoot("examples", "workflow-action.yml");
  const env = { TENURE_COMMAND: join(forge.bin, "tenure") };
  for (const run of runs) await forge.run(example, run, env);
  const shell = (script: string) =>
    execFileSync("bash", ["-euo", "pipefail", "-c", script], {
      cwd: folder,
      encoding: "utf8",
      env: {
        ...environment(),
        PATH: `${forge.bin}:${process.env.PATH}`,
        TENURE_STORE: forge.store,
      },
    });
  const section = codeBlocks(sectionOf(page, "What was saved"), "sh");
  const [[log, count, week, write, every], [all, prevented]] = section.map((block) =>
    block.trim().split("\n").map(shell),
  ) as [string[], string[]];
  const came = log
    ?.trim()
    .split("\n")
    .map((line) => line.split("\t")[3]);
  expect(came).toEqual(["executed", "prevented", "prevented"]);
  expect(count).toBe("2\n");
  expect(week).toMatch(
    /^DAY +RUNS +PREVENTED\n(\d{4}-\d\d-\d\d +0 +0\n){6}\d{4}-\d\d-\d\d +3 +2\n$/,
  );
  expect(write).toMatch(/^audit\/session_audit_\d{8}\.json\n$/);
  expect(every?.trim().split("\n")).toHaveLength(6);
  const entries = JSON.parse(all ?? "") as readonly object[];
  expect(entries).toHaveLength(3);
  const properties = page.match(/objects with the properties ([^:]*):/)?.[1]?.match(/\w+(?=`)/g);
  for (const entry of entries) expect(Object.keys(entry)).toEqual(properties);
  expect(prevented).toBe("2\n");
});

it("blocks later duplicates with the cache alone", async () => {
  const block = blocks.find((text) => text.includes("actions/cache")) ?? "";
  const work = [
    "      - name: Run the agent",
    "        if: steps.tenure.outputs.skip_execution != 'true'",
    '        run: echo "$GITHUB_RUN_ID" >>"$LEDGER"',
    "",
  ].join("\n");
  const env = { TENURE_COMMAND: join(forge.bin, "tenure") };
  for (const id of ["71", "72"]) {
    const run = { event: "push", sha: "d".repeat(40), id };
    expect(await forge.run(workflow(block, work), run, env)).toMatchObject({ status: "success" });
  }
  expect(forge.worked()).toContain("71");
  expect(forge.worked()).not.toContain("72");
});

it("checks and finishes a run in different jobs", async () => {
  const path = workflow(blocks.find((text) => text.includes("concurrency")) ?? "");
  const env = { TENURE_COMMAND: join(forge.bin, "tenure") };
  const jobs = async (id: string) => {
    const done = await forge.runAll(path, { event: "push", sha: "e".repeat(40), id }, env);
    return [...done].map(([name, { status }]) => `${name}: ${status}`);
  };
  expect(await jobs("81")).toEqual(["ask: success", "agent: success"]);
  expect(await forge.logged("81")).toMatchObject([{ executed: true, job_status: "success" }]);
  // The lease of the abandoned run has expired after 6 hours; only its window still blocks.
  const { items } = JSON.parse(await forge.tenure("--json", "dedup", "list", "--all"));
  const { acquiredAt, expiresAt } = items.find(({ holder }: { holder: string }) => holder === "81");
  expect(Date.parse(expiresAt) - Date.parse(acquiredAt)).toBe(5 * 60_000);
  expect(await jobs("82")).toEqual(["ask: success", "agent: skipped"]);
  expect(forge.worked()).toContain("81");
  expect(forge.worked()).not.toContain("82");
  expect(await forge.logged("82")).toMatchObject([{ executed: false, duplicate_prevented: true }]);
});

it("refers to a passing test of the rules", () => {
  const [command = ""] = page.match(/tenure dedup self-test/) ?? [];
  const args = command.split(" ").slice(1);
  const said = execFileSync(join(forge.bin, "tenure"), args, { encoding: "utf8" });
  expect(said).toMatch(/^(ok: .*\n)+$/);
});
