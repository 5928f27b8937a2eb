// The page about slots is correct: its examples run, and the names in it exist.

import { readFileSync } from "node:fs";
import { open } from "tenure";
import { describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { runExamples } from "../support/examples.js";
import { newFolder } from "../support/folders.js";
import { linkedFiles, sectionOf } from "../support/readme.js";

const page = readFileSync(inRoot("docs", "slots.md"), "utf8");
const generated = readFileSync(inRoot("npm", "src", "generated.ts"), "utf8");

/** The texts of a string union among the generated types. */
function unionOf(name: string): string[] {
  const [, union = ""] = new RegExp(`export type ${name} = ([^;]*);`).exec(generated) ?? [];
  return [...union.matchAll(/"(\w+)"/g)].map(([, text]) => text ?? "");
}

describe("the page about slots", () => {
  it("has working examples", async () => {
    const outputs = await runExamples(newFolder(), "docs/slots.md");
    expect(outputs.map((output) => output.trimEnd().split("\n"))).toEqual([
      [
        "created",
        "existing true",
        expect.stringMatching(/^needs_confirmation Another model/),
        "replaced model_change true",
        "[ 'sonnet-5' ]",
      ],
      ["existing minor", "needs_confirmation major", "needs_confirmation major"],
      [
        "run was cancelled: model_change",
        expect.stringMatching(/^SESSION_DELETED - This session was replaced/),
      ],
    ]);
  });

  it("names every code with its outcome", () => {
    const section = sectionOf(page, "Outcomes");
    const rows = [...section.matchAll(/^\| `(\w+)` \| `([A-Z_]+)` \|/gm)];
    expect(rows.map(([, , code]) => code).sort()).toEqual(unionOf("SlotCode").sort());
    expect([...new Set(rows.map(([, outcome]) => outcome))].sort()).toEqual(
      unionOf("SlotOutcome").sort(),
    );
  });

  it("names existing methods", async () => {
    await using sessions = await open("memory:");
    const rows = [...page.matchAll(/^\| (`\w+\(.*?) \|/gm)].map(([, cell]) => cell ?? "");
    const names = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)\(/g)].map(([, name]) => name));
    expect(names.length).toBeGreaterThan(8);
    for (const name of [...names, "slotMetrics"]) {
      expect(sessions, name).toHaveProperty(name ?? "", expect.any(Function));
    }
  });

  it("links to existing files", () => {
    for (const file of linkedFiles(page)) {
      expect(() => readFileSync(inRoot("docs", file)), file).not.toThrow();
    }
  });
});
