// The README is correct: its example for a bot runs twice in a folder with only the package, its
// types check, and the names in it exist.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { open } from "tenure";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { nodeTool, run } from "../../scripts/lib/run.mjs";
import { codeBlocks, linkedFiles, sectionOf } from "../support/readme.js";

const readme = readFileSync(inRoot("README.md"), "utf8");
const [bot = "", browser = ""] = codeBlocks(readme, "js");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tenure-readme-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(inRoot("npm"), join(folder, "node_modules", "tenure"), "junction");
  symlinkSync(inRoot("node_modules", "@types"), join(folder, "node_modules", "@types"), "junction");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the example for a bot", () => {
  it("continues its session when it is run again", async () => {
    writeFileSync(join(folder, "bot.mjs"), bot);
    const first = await run(process.execPath, ["bot.mjs"], { cwd: folder });
    expect(first.output).toContain("pauseReason: 'May I merge?'");
    expect(first.output).toContain("iterations: 1,");
    const second = await run(process.execPath, ["bot.mjs"], { cwd: folder });
    expect(second.output).toContain("iterations: 2,");

    await using sessions = await open(`sqlite:${join(folder, "tenure.db")}`);
    const { items } = await sessions.list();
    expect(items).toHaveLength(1);
    const { history } = (await sessions.get(items[0]?.id ?? "")) ?? { history: [] };
    const run1 = ["start", "iteration", "tool_call", "pause"];
    expect(history.map(({ type }) => type)).toEqual([...run1, "resume", ...run1.slice(1)]);
  });

  it("is about ten lines long", () => {
    for (const example of [bot, browser]) {
      const lines = example.split("\n").filter((line) => line !== "" && !line.startsWith("//"));
      expect(lines.length).toBeLessThanOrEqual(13);
    }
  });
});

it("the examples type-check", async () => {
  writeFileSync(join(folder, "bot.mts"), bot);
  writeFileSync(join(folder, "browser.mts"), browser);
  const [node, tsc] = nodeTool("typescript", "tsc", inRoot("npm"));
  const strictly = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"];
  await run(node, [tsc, ...strictly, "--types", "node", "bot.mts", "browser.mts"], { cwd: folder });
});

it("every listed method exists", async () => {
  await using sessions = await open("memory:");
  const box = sectionOf(readme, "What is in the box").replaceAll(
    /`(idempotencyKey|ifVersion)`/g,
    "",
  );
  const names = [...box.matchAll(/`([a-z]\w+)`/gi)].map(([, name]) => name ?? "");
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) expect(sessions, name).toHaveProperty(name, expect.any(Function));
});

it("every code of an error exists", () => {
  const known = readFileSync(inRoot("npm", "src", "generated.ts"), "utf8");
  const codes = [...readme.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(8);
  for (const code of codes) expect(known).toContain(`"${code}"`);
});

const guides = readdirSync(inRoot("docs")).filter((name) => name.endsWith(".md"));

it.each([
  "README.md",
  "CHANGELOG.md",
  "ARCHITECTURE.md",
  "examples/README.md",
  ...guides.map((name) => `docs/${name}`),
])("every file that %s links to exists", (document) => {
  const files = linkedFiles(readFileSync(inRoot(document), "utf8"));
  const missing = files.filter((file) => !existsSync(inRoot(dirname(document), file)));
  expect(missing).toEqual([]);
});
