// The page about testing is correct: its tests run as a user would run them, its example of a check
// reports problems, and the names in it exist.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as testing from "tenure/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { nodeTool, run } from "../../scripts/lib/run.mjs";
import { compileExamples, examplesOf } from "../support/examples.js";
import { lastingFolder } from "../support/folders.js";
import { sectionOf } from "../support/readme.js";

const page = readFileSync(inRoot("docs", "testing.md"), "utf8");
const folder = lastingFolder();

/** The names in the first column of the tables of a text. */
const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)/g)].map(([, name]) => name ?? ""),
  );

describe("the page about testing", () => {
  beforeAll(async () => {
    await compileExamples(folder, examplesOf("docs/testing.md"));
  });

  it("has tests that pass under vitest", async () => {
    const [node, vitest] = nodeTool("vitest", "vitest", inRoot("tests"));
    const args = [vitest, "run", "--reporter=json", "--root", folder, ".ts"];
    const { stdout } = await run(node, args, { cwd: folder, data: true });
    const { testResults, numPassedTests, numFailedTests } = JSON.parse(stdout);
    expect([testResults.length, numPassedTests, numFailedTests]).toEqual([3, 3, 0]);
  });

  it("has a check that returns the problems of a store", async () => {
    const program = `
      import { problemsOf } from "./check.js";
      const store = { load: () => null, commit: () => ({ kind: "applied" }), list: () => ({ all: [] }),
        record: () => null, scan: () => [] };
      console.log((await problemsOf(() => store)).join("\\n"));`;
    writeFileSync(join(folder, "broken.mjs"), program);
    const { output } = await run(process.execPath, ["broken.mjs"], { cwd: folder });
    expect(output).toMatch(/^the_whole_history_is_loaded: .*session empty is not there/m);
  });

  it("names every export, and every property of a given session and of a clock", async () => {
    const [exported = ""] = page.split("\n## ");
    expect([...namesIn(exported)].sort()).toEqual(Object.keys(testing).sort());
    const given = namesIn(sectionOf(page, "Sessions in any state"));
    const source = readFileSync(inRoot("npm", "src", "testing", "given.ts"), "utf8");
    const [, properties = ""] = /const GIVEN: [^=]*= \{([^}]*)\}/.exec(source) ?? [];
    const known = [...properties.matchAll(/(\w+):/g)].map(([, name]) => name);
    expect([...given].sort()).toEqual(known.sort());
    const { clock, sessions } = await testing.memorySessions();
    expect(namesIn(sectionOf(page, "The clock"))).toEqual(Object.keys(clock));
    await sessions.close();
  });
});
