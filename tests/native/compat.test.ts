// `tenure/compat` in Node: its documentation is correct, and a bot that only changed its import
// continues its sessions from one process to the next.

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
import * as compat from "tenure/compat";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { run } from "../../scripts/lib/run.mjs";
import { codeBlocks, linkedFiles, sectionOf } from "../support/readme.js";

const document = readFileSync(inRoot("docs", "compat.md"), "utf8");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tenure-compat-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(inRoot("npm"), join(folder, "node_modules", "tenure"), "junction");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The sessions in the files of the folder. */
const files = (): readonly compat.AgentSession[] =>
  readdirSync(join(folder, "sessions"))
    .filter((name) => !name.startsWith("."))
    .map((name) =>
      JSON.parse(readFileSync(join(folder, "sessions", name, "session.json"), "utf8")),
    );

async function runs(code: string): Promise<readonly string[]> {
  writeFileSync(join(folder, "bot.mjs"), code);
  const { output } = await run(process.execPath, ["bot.mjs"], { cwd: folder });
  return output.trim().split("\n");
}

describe("the document", () => {
  const [usage = "", configuring = "", agent = ""] = codeBlocks(document, "js");

  it("shows working code", async () => {
    // Three iterations, the timeout, and the events around them.
    expect(await runs(usage)).toEqual(["Max iterations reached 6", "completed"]);
    expect(await runs(agent)).toEqual(["code_review: Review code", "0"]);
    expect(files().map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(await runs(configuring)).toEqual(["0"]);
  });

  it("names exactly the exported functions", () => {
    const table =
      sectionOf(document, "The functions")
        .match(/^\|.*$/gm)
        ?.join("\n") ?? "";
    const spans = [...table.matchAll(/`([a-z]\w*)/gi)].map(([, name]) => name ?? "");
    const named = new Set(spans.filter((name) => !/^(null|true|false)$/.test(name)));
    // The class is documented below the table.
    const functions = Object.keys(compat).filter((name) => /^[a-z]/.test(name));
    const others = ["isTenureError"];
    expect([...named].sort()).toEqual(functions.filter((name) => !others.includes(name)).sort());
  });

  it("links to existing files", () => {
    const missing = linkedFiles(document).filter(
      (file) => !existsSync(inRoot(dirname("docs/compat.md"), file)),
    );
    expect(missing).toEqual([]);
  });
});

describe("a bot", () => {
  const bot = async (...message: readonly string[]): Promise<string> => {
    writeFileSync(join(folder, "bot.mjs"), readFileSync(inRoot("examples", "bot.mjs")));
    const { output } = await run(process.execPath, ["bot.mjs", ...message], { cwd: folder });
    return output.trim();
  };

  it("continues in another process with its sessions in files", async () => {
    expect(await bot("start Fix the build", "ann")).toBe("Fix the build: May I merge?");
    const [paused] = files();
    expect(paused).toMatchObject({
      userId: "ann",
      mode: "developer",
      task: "Fix the build",
      status: "paused",
      iterations: 1,
      maxIterations: 20,
      context: { pauseReason: "May I merge?" },
      metadata: { toolsUsed: ["bash"] },
    });
    expect(readdirSync(join(folder, "sessions"))).toContain(paused?.id);
    expect(await bot("yes", "bob")).toBe("There is nothing to go on with.");
    expect(await bot("status", "ann")).toBe("1 sessions, 1 waiting, 0 % completed");
    expect(await bot("yes", "ann")).toBe("Fix the build: merged after 2 steps");
    expect(await bot("status", "ann")).toBe("1 sessions, 0 waiting, 100 % completed");
    expect(files()[0]?.history.map(({ type }) => type)).toEqual([
      ...["start", "iteration", "tool_call", "pause"],
      ...["resume", "iteration", "tool_call", "complete"],
    ]);
  });

  it("continues with the files of its former session code", async () => {
    const session = {
      id: "session_abc123_xyz",
      userId: "ann",
      mode: "developer",
      task: "An old task",
      status: "paused",
      createdAt: "2025-01-01T00:00:00.000Z",
      updatedAt: "2025-01-02T00:00:00.000Z",
      iterations: 4,
      maxIterations: 10,
      context: { pausedAt: "2025-01-02T00:00:00.000Z" },
      history: [
        { timestamp: "2025-01-01T00:00:00.000Z", type: "start", data: { task: "An old task" } },
      ],
    };
    mkdirSync(join(folder, "sessions", session.id), { recursive: true });
    const file = join(folder, "sessions", session.id, "session.json");
    writeFileSync(file, JSON.stringify(session, null, 2));
    expect(await bot("yes", "ann")).toBe("An old task: merged after 5 steps");
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      ...session,
      status: "completed",
      updatedAt: expect.any(String),
      iterations: 5,
      context: { approved: true },
      history: { length: 5 },
    });
  });

  it("deletes a session with a corrupt file, which affects no other", async () => {
    await bot("start Fix the build", "ann");
    const broken = join(folder, "sessions", "broken");
    mkdirSync(broken);
    writeFileSync(join(broken, "session.json"), '{"id":"broken","status":');
    const code = `
      import { deleteSession, getSession, listSessions } from "tenure/compat";
      console.log(listSessions().length);
      try { getSession("broken"); } catch (error) { console.log(error.code); }
      console.log(deleteSession("broken"), getSession("broken"));
    `;
    expect(await runs(code)).toEqual(["1", "CORRUPT_SESSION", "true null"]);
    expect(existsSync(broken)).toBe(false);
  });
});
