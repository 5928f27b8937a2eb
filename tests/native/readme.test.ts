// The README and the pages about sessions and errors are correct: the example for a bot runs several
// times and in several processes at once in a folder with only the package, and the methods,
// codes and files in them exist.

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
import { run } from "../../scripts/lib/run.mjs";
import { runExamples } from "../support/examples.js";
import { newFolder } from "../support/folders.js";
import { codeBlocks, linkedFiles, sectionOf } from "../support/readme.js";

const readme = readFileSync(inRoot("README.md"), "utf8");
const [bot = "", browser = ""] = codeBlocks(readme, "js");
const sessionsPage = readFileSync(inRoot("docs", "sessions.md"), "utf8");
const errorsPage = readFileSync(inRoot("docs", "errors.md"), "utf8");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tenure-readme-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(inRoot("npm"), join(folder, "node_modules", "tenure"), "junction");
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
    // The second run changes nothing in the context.
    expect(history.map(({ type }) => type)).toEqual([
      ...["start", "iteration", "tool_call", "context_change", "pause"],
      ...["resume", "iteration", "tool_call", "pause"],
    ]);
  });

  it("says that its iterations are used, and goes on with more", async () => {
    const short = bot
      .replace("./tenure.db", "./short.db")
      .replace("Iterations: 20", "Iterations: 2");
    writeFileSync(join(folder, "short.mjs"), short);
    const outputs: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      outputs.push((await run(process.execPath, ["short.mjs"], { cwd: folder })).output);
    }
    expect(outputs[1]).toContain("iterations: 2,");
    expect(outputs.slice(2)).toEqual([
      expect.stringMatching(
        /^All iterations are used: TENURE_STORE=\S+ npx tenure resume \S+ --add-iterations 10\n$/,
      ),
      "Nothing to do: the session is timeout\n",
    ]);
    await using sessions = await open(`sqlite:${join(folder, "short.db")}`);
    const [head] = (await sessions.list()).items;
    await sessions.resume(head?.id ?? "", { addIterations: 1 });
    const { output } = await run(process.execPath, ["short.mjs"], { cwd: folder });
    expect(output).toContain("iterations: 3,");
  });

  it("lets one of several processes work on the session at a time", async () => {
    writeFileSync(join(folder, "bot.mjs"), bot.replace("./tenure.db", "./shared.db"));
    const processes = Array.from({ length: 6 }, () =>
      run(process.execPath, ["bot.mjs"], { cwd: folder }),
    );
    const outputs = (await Promise.all(processes)).map(({ output }) => output);
    const worked = outputs.filter((output) => output.includes("pauseReason: 'May I merge?'"));
    const refused = outputs.filter(
      (output) => output === "Another process works on this session\n",
    );
    expect(worked.length).toBeGreaterThanOrEqual(1);
    expect(worked.length + refused.length).toBe(outputs.length);

    await using sessions = await open(`sqlite:${join(folder, "shared.db")}`);
    const { items } = await sessions.list();
    expect(items).toMatchObject([{ status: "paused", iterations: worked.length }]);
    const { history } = (await sessions.get(items[0]?.id ?? "")) ?? { history: [] };
    const first = ["start", "iteration", "tool_call", "context_change", "pause"];
    const later = worked.slice(1).flatMap(() => ["resume", "iteration", "tool_call", "pause"]);
    expect(history.map(({ type }) => type)).toEqual([...first, ...later]);
  });

  it("continues its session after a crash", async () => {
    const crashing = bot
      .replace("./tenure.db", "./crashed.db")
      .replace("held.lost.throwIfAborted();", 'process.kill(process.pid, "SIGKILL");');
    writeFileSync(join(folder, "crashing.mjs"), crashing);
    const crashed = run(process.execPath, ["crashing.mjs"], { cwd: folder });
    await expect(crashed).rejects.toThrow("SIGKILL");
    writeFileSync(join(folder, "bot.mjs"), bot.replace("./tenure.db", "./crashed.db"));
    const { output } = await run(process.execPath, ["bot.mjs"], { cwd: folder });
    expect(output).toContain("iterations: 2,");
  });

  it("is about thirty lines long, and the one for a browser about ten", () => {
    const lengths = [bot, browser].map((example) => {
      const lines = example.split("\n").filter((line) => !/^\s*(\/\/.*)?$/.test(line));
      return lines.length;
    });
    expect(lengths[0]).toBeLessThanOrEqual(32);
    expect(lengths[1]).toBeLessThanOrEqual(13);
  });
});

it("every method on the page about sessions exists", async () => {
  await using sessions = await open("memory:");
  const rows = sectionOf(sessionsPage, "Methods").matchAll(/^\| (`\w+\(.*?) \|/gm);
  const names = [...rows].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)\(/g)].map(([, name]) => name ?? ""),
  );
  expect(names.length).toBeGreaterThan(35);
  for (const name of names) expect(sessions, name).toHaveProperty(name, expect.any(Function));
});

it("every option of `open` is on the page about sessions", () => {
  const rows = sectionOf(sessionsPage, "Opening a store").matchAll(/^\| `(\w+)` \|/gm);
  const source = readFileSync(inRoot("npm", "src", "handles", "options.ts"), "utf8");
  const [, options = ""] = /OPEN_OPTIONS = \{(.*?)\}/s.exec(source) ?? [];
  const names = [...options.matchAll(/^ *(\w+):/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(10);
  expect([...rows].map(([, name]) => name).sort()).toEqual(names.sort());
});

it("the examples on the page about sessions run", async () => {
  const outputs = await runExamples(newFolder(), "docs/sessions.md");
  const [iterations, ...others] = outputs;
  expect(iterations).toBe("timeout after 3 of 3\n");
  expect(others.filter((output) => output !== "")).toEqual([
    "active\nfailed\n",
    "{ plan: 'A' } { plan: 'B' }\n",
    "{ d: 5 }\n",
    "{ plan: 'B' }\n",
    // The duration is that of the example.
    expect.stringMatching(/^\d+ 0\.02 \[ \[ 'developer', 1500 \] \]\n$/),
    "1\n",
  ]);
});

describe("the page about errors", () => {
  const sources = readdirSync(inRoot("npm", "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(inRoot("npm", "src", name), "utf8"))
    .join("\n");

  it("has every code, and no other", () => {
    const unions = sources.matchAll(/export type (?:Core|Driver)ErrorCode =([^;]*);/g);
    const known = [...unions].flatMap(([, union = ""]) =>
      [...union.matchAll(/"(\w+)"/g)].map(([, code]) => code ?? ""),
    );
    const rows = [...errorsPage.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect(known.length).toBeGreaterThan(40);
    expect(rows.sort()).toEqual(known.sort());
  });

  it("is where the README names codes from", () => {
    const codes = [...readme.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(0);
    for (const code of codes) expect(errorsPage).toContain(`| \`${code}\` |`);
  });
});

const guides = readdirSync(inRoot("docs")).filter((name) => name.endsWith(".md"));

it.each([
  "README.md",
  "CHANGELOG.md",
  "ARCHITECTURE.md",
  "examples/README.md",
  "bench/README.md",
  ...guides.map((name) => `docs/${name}`),
])("every file that %s links to exists", (document) => {
  const files = linkedFiles(readFileSync(inRoot(document), "utf8"));
  const missing = files.filter((file) => !existsSync(inRoot(dirname(document), file)));
  expect(missing).toEqual([]);
});
