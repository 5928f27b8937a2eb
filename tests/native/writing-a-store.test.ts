// The guide to writing a store is correct: its store passes the kit, its tests run as a user would
// run them, and the names in it exist.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { nodeTool, run } from "../../scripts/lib/run.mjs";
import { compileExamples, examplesOf } from "../support/examples.js";
import { lastingFolder } from "../support/folders.js";
import { codeBlocks } from "../support/readme.js";

const guide = readFileSync(inRoot("docs", "writing-a-store.md"), "utf8");
const examples = examplesOf("docs/writing-a-store.md");
const folder = lastingFolder();

beforeAll(async () => {
  await compileExamples(folder, examples);
});

/** The kit itself is tested elsewhere, so that a small part of its generated inputs suffices. */
const scale = { TENURE_TEST_SCALE: String(Number(process.env.TENURE_TEST_SCALE ?? 0.1) / 10) };

const script = (name: string, build = "native"): Promise<{ readonly output: string }> =>
  run(process.execPath, [name], { cwd: folder, env: { ...scale, TENURE_BINDING: build } });

describe("the store of the guide", () => {
  it.each(["native", "wasm"])("serves sessions on the %s build", async (build) => {
    expect((await script("use.js", build)).output.trim()).toBe(`2 events over ${build}`);
  });

  it("passes the kit under vitest, as a store and as an opener", async () => {
    const [node, vitest] = nodeTool("vitest", "vitest", inRoot("tests"));
    const args = [vitest, "run", "--reporter=json", "--root", folder, ".ts"];
    const { stdout } = await run(node, args, { cwd: folder, env: scale, data: true });
    const report = JSON.parse(stdout);
    const counts = { files: report.testResults.length, failed: report.numFailedTests };
    expect(counts).toEqual({ files: 3, failed: 0 });
    // Cases are skipped only for capabilities that the store does not declare.
    expect(report.numPendingTests).toBe(30);
    expect(report.numPassedTests).toBeGreaterThan(150);
  }, 240_000);

  it("passes the kit without vitest", async () => {
    expect((await script("check.js")).output.trim()).toBe("0 failed");
  });

  it("is about fifty lines long", () => {
    const lines = examples[0]?.code
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("//"));
    expect(lines?.length).toBeLessThanOrEqual(60);
    expect(lines?.length).toBeGreaterThan(30);
  });
});

it("every code block has a file name, and is run here or by `cargo test`", () => {
  const names = examples.map(({ file }) => file);
  expect(names).toEqual([
    "store.ts",
    "use.ts",
    "watched.ts",
    "watched.test.ts",
    "store.test.ts",
    "shared.test.ts",
    "check.ts",
  ]);
  const kit = readFileSync(inRoot("stores", "testkit", "src", "lib.rs"), "utf8");
  expect(codeBlocks(guide, "rust")).toHaveLength(1);
  expect(kit).toContain("docs/writing-a-store.md");
});

it("every code of an error exists", () => {
  const sources = ["generated.ts", "values/error.ts"];
  const known = sources.map((name) => readFileSync(inRoot("npm", "src", name), "utf8")).join("");
  const codes = [...guide.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code);
  const errors = new Set(codes.filter((code) => code !== "TENURE_TEST_SCALE"));
  expect(errors.size).toBeGreaterThan(6);
  for (const code of errors) expect(known).toContain(`"${code}"`);
});
