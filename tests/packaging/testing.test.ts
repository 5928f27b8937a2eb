// The packed package in a project with tests: the kit for its own store, and the helpers for its
// own code.

import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { examplesOf } from "../support/examples.js";
import { newProject } from "./support/project.js";
import { node, ok } from "./support/run.js";

let project: string;

beforeAll(async () => {
  project = await newProject("testing");
  for (const { file, code } of examplesOf("docs/writing-a-store.md")) {
    if (["store.ts", "store.test.ts"].includes(file)) writeFileSync(join(project, file), code);
  }
});

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

async function vitest(file: string): Promise<Report> {
  const program = join("node_modules", "vitest", "vitest.mjs");
  const args = [program, "run", "--reporter=json", file];
  const { stdout } = await node(project, args, { timeoutMs: 240_000 });
  return JSON.parse(stdout) as Report;
}

describe("without vitest", () => {
  it("the kit and the helpers run without it", async () => {
    expect(await node(project, ["plain.js"])).toEqual(
      ok("every_field_of_a_head_is_stored failed true\ngiven-1 2026-01-02T00:00:00.000Z"),
    );
  });

  it("the tests of the kit report the missing package", async () => {
    const { status, stderr } = await node(project, ["-e", 'import("tenure/testing")']);
    expect(status).toBe(1);
    expect(stderr).toContain("Cannot find package 'vitest'");
  });
});

describe("with vitest", () => {
  // Linked, as there is no registry to install it from; its dependencies are resolved from its real
  // path.
  beforeAll(() => {
    const installed = inRoot("node_modules", "vitest");
    symlinkSync(installed, join(project, "node_modules", "vitest"), "junction");
  });

  it("the kit passes a correct store", async () => {
    const report = await vitest("store.test.ts");
    expect(report.testResults.map(({ message }) => message)).toEqual([""]);
    expect(report.numFailedTests).toBe(0);
    expect(report.numPassedTests).toBeGreaterThan(70);
    const skipped = report.testResults[0]?.assertionResults.filter(
      ({ status }) => !["passed", "failed"].includes(status),
    );
    // Cases for capabilities that the store does not declare.
    const groups = skipped?.map(({ ancestorTitles }) => ancestorTitles[1]);
    expect(new Set(groups)).toEqual(new Set(["feed", "handles"]));
    expect(groups).toHaveLength(report.numPendingTests);
  });

  it("the kit fails an incorrect store, with a message for each case", async () => {
    const report = await vitest("forgetful.test.js");
    expect(report.numFailedTests).toBeGreaterThan(5);
    const cases = report.testResults[0]?.assertionResults ?? [];
    expect(cases).toContainEqual(
      expect.objectContaining({
        ancestorTitles: ["a store that keeps nothing", "history"],
        title: "the whole history is loaded",
        status: "failed",
        failureMessages: [expect.stringMatching(/session empty is not there/)],
      }),
    );
  });

  it("a user's suite controls the time of its sessions", async () => {
    expect(await vitest("suite.test.js")).toMatchObject({ numPassedTests: 1, numFailedTests: 0 });
  });
});
