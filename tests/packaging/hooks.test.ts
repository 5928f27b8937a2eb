// The settings and the crontab line in docs/agents.md, run as by an agent host and by cron: in a
// shell, in the folder of a project with the package.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { codeBlocks } from "../support/readme.js";
import { newProject } from "./support/project.js";

const document = readFileSync(new URL("../../docs/agents.md", import.meta.url), "utf8");
const [settings = ""] = codeBlocks(document, "json");
const { PreToolUse, SubagentStop, SessionStart } = JSON.parse(settings).hooks;
const recorded = new URL("../../core/tests/agents/payloads/", import.meta.url);
const crontab = document.match(/^0 \* \* \* \* cd \S+ && (tenure .*)$/m)?.[1] ?? "";

let project: string;

beforeAll(async () => {
  project = await newProject("esm");
});

function shell(command: string, input = ""): string {
  const bin = join(project, "node_modules", ".bin");
  return execFileSync("/bin/sh", ["-c", command], {
    cwd: project,
    input,
    encoding: "utf8",
    env: { PATH: `${bin}:${process.env.PATH}` },
  });
}

const runHook = (hooks: [{ hooks: [{ command: string }] }], input: object) =>
  JSON.parse(shell(hooks[0].hooks[0].command, JSON.stringify(input)));

it("the hooks resume the waiting agent, and finish it when it has stopped", () => {
  const id = shell("tenure agent create --agent builder --purpose build").trim();
  shell(`tenure agent update ${id} --phase planning`);
  expect(runHook(PreToolUse, { agent_name: "builder", agent_id: id })).toMatchObject({
    should_resume: true,
    reason: "session_resumable",
    agent_id: id,
    resume_metadata: { previous_phase: "planning" },
  });
  runHook(SubagentStop, { task_info: { agent_id: id }, workflow_metrics: { exit_code: 1 } });
  expect(JSON.parse(shell(`tenure agent get ${id}`))).toMatchObject({ phase: "failed" });
  expect(runHook(PreToolUse, { agent_name: "builder", agent_id: id })).toMatchObject({
    should_resume: false,
  });
});

it.each(readdirSync(recorded).filter((name) => name.endsWith(".json")))(
  "the hooks understand what a host sends: %s",
  (name) => {
    const payloads: { hook_event_name: string }[] = JSON.parse(
      readFileSync(new URL(name, recorded), "utf8"),
    );
    const payload = (event: string) => {
      const found = payloads.find(({ hook_event_name }) => hook_event_name === event);
      if (found === undefined) throw new Error(`no ${event} in ${name}`);
      return found;
    };
    runHook(SessionStart, payload("SessionStart"));
    const { hookSpecificOutput } = runHook(PreToolUse, payload("PreToolUse"));
    const [id = ""] = hookSpecificOutput.additionalContext.match(/agent-[\w-]+/) ?? [];
    const host = () => JSON.parse(shell(`tenure agent get ${id}`)).metadata.host;
    expect(host()).toMatchObject({ cwd: "/home/ada/shop" });
    expect(runHook(SubagentStop, payload("SubagentStop"))).toEqual({});
    expect(host()).toHaveProperty("stopped_at");
    expect(JSON.parse(shell(`tenure agent get ${id}`))).toMatchObject({ phase: "completed" });
  },
);

it("the crontab cleans up unfinished agents, and no others", () => {
  const id = shell("tenure agent create --agent cleaner --purpose clean").trim();
  const tomorrow = new Date(Date.now() + 86_400_000 + 1000).toISOString();
  expect(shell("tenure agent list --agent cleaner")).toContain(id);
  expect(shell(crontab)).not.toContain(id);
  expect(shell("tenure agent list --agent cleaner")).toContain(id);
  shell(crontab.replace("tenure ", `tenure --now ${tomorrow} `));
  expect(shell("tenure agent list --agent cleaner")).toBe("");
});
