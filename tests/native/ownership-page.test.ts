// The page about leases is correct: its examples run, and the names in it exist.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "tenure";
import { describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { runExamples } from "../support/examples.js";
import { newFolder } from "../support/folders.js";
import { sectionOf } from "../support/readme.js";
import { newRegistry, registryView, runScript } from "../support/registry.js";

const page = readFileSync(inRoot("docs", "leases.md"), "utf8");
const generated = readFileSync(inRoot("npm", "src", "generated.ts"), "utf8");

/** The methods in the tables of a text. */
const methodsIn = (text: string): string[] =>
  [...text.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    [...(cell ?? "").matchAll(/`(\w+)\(/g)].map(([, name]) => name ?? ""),
  );

describe("the page about leases", () => {
  it("has working examples", async () => {
    const folder = newFolder();
    const registry = newRegistry();
    runScript(
      registry,
      `manager.registerVmSync("lost", "zone", []); process.kill(process.pid, "SIGKILL");`,
    );
    expect(await runExamples(folder, "docs/leases.md", { ...registry })).toEqual([
      "mine, with token 1\n",
      "null true\nSESSION_HELD\n",
      "* this process: worker-1\n" +
        "gcloud compute instances delete worker-1 --zone europe-west4-a --quiet\n",
      "deleting lost in zone\n1 gone, 0 left\n",
    ]);
    expect(registryView(registry).orphans).toEqual([]);
    await using sessions = await open(`sqlite:${join(folder, "jobs.db")}`);
    expect((await sessions.leases.list({ state: "released" })).items).toHaveLength(2);
  });

  it("names existing methods, and every outcome", async () => {
    await using sessions = await open("memory:");
    const [leases = "", manager = ""] = page.split("## The session manager");
    const names = methodsIn(leases);
    expect(names).toHaveLength(7);
    for (const name of names) {
      expect(sessions.leases, name).toHaveProperty(name, expect.any(Function));
    }
    const source = readFileSync(inRoot("npm", "src", "machines", "session-manager.ts"), "utf8");
    for (const name of methodsIn(manager))
      expect(source).toMatch(new RegExp(`^ {2}.*\\b${name}\\(`, "m"));
    for (const [, name] of sectionOf(page, "The session manager").matchAll(
      /^\| `(\w+)\(.*\| yes \|/gm,
    ))
      expect(source).toContain(`  ${name}Sync(`);
    const [, union = ""] = /export type LeaseOutcomeKind = ([^;]*);/.exec(generated) ?? [];
    for (const [, outcome] of union.matchAll(/"(\w+)"/g))
      expect(leases).toContain(`\`${outcome}\``);
  });
});
