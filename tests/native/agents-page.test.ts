// The page about agents is correct: its examples run, and the names in it exist.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "tenure";
import { describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { runExamples } from "../support/examples.js";
import { newFolder } from "../support/folders.js";
import { codeBlocks, sectionOf } from "../support/readme.js";

const page = readFileSync(inRoot("docs", "agents.md"), "utf8");
const generated = readFileSync(inRoot("npm", "src", "generated.ts"), "utf8");

/** The texts of a string union among the generated types. */
function unionOf(name: string): string[] {
  const [, union = ""] = new RegExp(`export type ${name} = ([^;]*);`).exec(generated) ?? [];
  return [...union.matchAll(/"(\w+)"/g)].map(([, text]) => text ?? "");
}

/** The first column of the tables in a text, without the headers. */
const firstColumn = (text: string): string[] =>
  [...text.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell ?? "");

describe("the page about agents", () => {
  it("has working examples", async () => {
    const folder = newFolder();
    expect(await runExamples(folder, "docs/agents.md")).toEqual([
      "agent-: true, resumable\n",
      "applying plan.json\nplanning, approval, executing, completed\n",
      "denied by ada\n",
      "OOMKilled,no memory limit: set a limit. No more crashes.\n",
    ]);
    await using sessions = await open(`sqlite:${join(folder, "agents.db")}`);
    const { items } = await sessions.agents.list();
    expect(items.map(({ agentName }) => agentName)).toEqual([
      "gitops-operator",
      "migrator",
      "terraform-architect",
      "reviewer",
    ]);
  });

  it("names existing methods", async () => {
    await using sessions = await open("memory:");
    const names = [...page.matchAll(/^\| `([\w.]+)\(/gm)].map(([, name]) => name ?? "");
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      expect(sessions.agents, name).toHaveProperty(name, expect.any(Function));
    }
  });

  it("names every phase and every reason", () => {
    const [phases = "", reasons = ""] = sectionOf(page, "Phases").split("`reason`");
    const named = firstColumn(phases).join().match(/\w+/g);
    expect(named?.sort()).toEqual(unionOf("Phase").sort());
    const given = firstColumn(reasons).map((cell) => cell.replaceAll("`", ""));
    expect(given.sort()).toEqual(unionOf("ResumeReason").sort());
  });

  it("has settings in valid JSON", () => {
    const [settings = ""] = codeBlocks(page, "json");
    const { PreToolUse, SubagentStop } = JSON.parse(settings).hooks;
    expect(PreToolUse[0].hooks[0].command).toBe("tenure hook pre-delegate");
    expect(SubagentStop[0].hooks[0].command).toBe("tenure hook subagent-stop");
  });
});
