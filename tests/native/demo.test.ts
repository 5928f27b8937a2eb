// The demo runs, its agent survives kills at any moment, and the demo detects lost data.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, type Session, type WebhookPayload } from "tenure";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { runAgent } from "../../examples/demo/agent-process.mjs";
import { statements } from "../../examples/demo/proof.mjs";
import { steps } from "../../examples/survey.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { CommandFailed, run } from "../../scripts/lib/run.mjs";

const demo = inRoot("examples", "demo.mjs");
const plan = Object.keys(steps);
const commands = Object.values(steps).flatMap(({ calls }) =>
  calls.map(({ tool, args }) => [tool, ...args].join(" ")),
);

let folder: string;

/** A program that runs on a terminal of its own. */
class Terminal {
  output = "";
  readonly exit: Promise<unknown[]>;
  readonly #child;

  constructor(command: readonly string[], env: NodeJS.ProcessEnv) {
    const spawned =
      "import pty, sys, os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    this.#child = spawn("python3", ["-c", spawned, ...command], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text) => {
      this.output += text;
    });
    this.exit = once(this.#child, "close");
    onTestFinished(() => void this.#child.kill());
  }

  types(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Waits until the terminal shows a text. */
  shows(text: RegExp): Promise<RegExpExecArray> {
    return vi.waitUntil(() => text.exec(this.output), { timeout: 120_000 });
  }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tenure-demo-test-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the demo", () => {
  it("kills the agent, and proves that nothing was lost", async () => {
    const { output } = await run(process.execPath, [demo, "--once"], {
      env: { TMPDIR: folder, NO_COLOR: "1" },
    });
    expect(output).toMatch(/✗ SIGKILL (in the middle of|between)/);
    expect(output).toMatch(/finds session_\w+: active, \d+ of 20 iterations used/);
    expect(output).toContain("? May I write the survey to survey.md?");
    expect(output).toContain("✓ wrote survey.md");
    expect(output).toMatch(/resume +after the crash/);
    expect(output).toMatch(/sessions +2 +completed 1, timeout 1/);
    expect(output).toMatch(/success rate +50 %/);
    expect(output).toContain('"event": "complete"');
    expect(output).toContain("webhooks came in order: start, resume, pause, resume, complete");
    expect(output).toContain("Nothing that was recorded was lost");
    const lines = output.split("\n");
    expect(lines.filter((line: string) => line.length > 80)).toEqual([]);
    expect(output).not.toContain("\x1b");
  });

  it("works without git and without cargo", async () => {
    const { output } = await run(process.execPath, [demo, "--once"], {
      env: { TMPDIR: folder, PATH: folder },
    });
    expect(output).toContain("unknown: spawn git ENOENT");
    expect(output).toContain("unknown: spawn cargo ENOENT");
    expect(output).toContain("Nothing that was recorded was lost");
  });

  it("keeps the database on request", async () => {
    const { output } = await run(process.execPath, [demo, "--once", "--keep"], {
      env: { TMPDIR: folder },
    });
    const [, path = ""] = /^The database is (.+)$/m.exec(output) ?? [];
    await using sessions = await open(`sqlite:${path}`);
    expect((await sessions.stats()).total).toBe(2);
  });

  it("asks on a terminal, and serves the web UI until Ctrl-C", async () => {
    const terminal = new Terminal([process.execPath, demo], { TMPDIR: folder, NO_COLOR: "1" });
    await terminal.shows(/yes or no/);
    terminal.types("no\n");
    const [, url, token] = await terminal.shows(/(http:\S+)\?token=(\S+)\s/);
    expect(terminal.output).toContain("The answer is no");
    const page = await fetch(`${url}?token=${token}`, { redirect: "manual" });
    expect(page.status).toBe(303);
    const cookie = page.headers.get("set-cookie")?.split(";")[0] ?? "";
    const shown = await (await fetch(url ?? "", { headers: { cookie } })).text();
    expect(shown).toContain("<title>Tenure</title>");
    await using sessions = await open(url ?? "", { token });
    expect(await sessions.stats()).toMatchObject({ total: 2, byStatus: { timeout: 1 } });
    terminal.types("\x03");
    expect(await terminal.exit).toEqual([0, null]);
  });

  it("explains its options", async () => {
    const { output } = await run(process.execPath, [demo, "--help"]);
    expect(output).toContain("--once");
    const failure = await run(process.execPath, [demo, "--twice"]).catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(CommandFailed);
    expect((failure as CommandFailed).message).toContain("exit code 2");
  });
});

it("the agent performs every step once, however often it is killed", async () => {
  const agent = {
    store: `sqlite:${join(folder, "killed.db")}`,
    report: join(folder, "survey.md"),
    iterations: "20",
  };
  let kills = 0;
  for (;;) {
    // Late enough for some progress each time, then at a random moment.
    let records = 0;
    const { signal } = await runAgent(agent, (_, kill) => {
      records += 1;
      if (records === 4 && kills < 6) setTimeout(kill, Math.random() * 80);
    });
    if (signal === null) break;
    kills += 1;
  }
  expect(kills).toBeGreaterThan(3);
  await runAgent({ ...agent, answer: "yes" }, () => {});

  await using sessions = await open(agent.store);
  const { items } = await sessions.list();
  expect(items).toHaveLength(1);
  const session = await sessions.get(items[0]?.id ?? "", { history: "all" });
  const history = session?.history ?? [];
  const ofType = (wanted: string) => history.filter(({ type }) => type === wanted);
  expect(session).toMatchObject({ status: "completed", iterations: plan.length });
  expect(ofType("resume")).toHaveLength(kills + 1);
  expect(ofType("iteration").map(({ data }) => data.step)).toEqual(plan);
  expect(ofType("tool_call").map(({ data }) => data.args)).toEqual(
    commands.map((command) => ({ command })),
  );
  expect(ofType("learning")).toHaveLength(plan.length);
  const report = readFileSync(agent.report, "utf8");
  for (const name of plan) expect(report).toContain(`**${name}**`);
});

describe("the proof of the demo", () => {
  let seen: Parameters<typeof statements>[0];

  /** The record of a correct run. */
  beforeAll(async () => {
    await using sessions = await open("memory:");
    const payloads: WebhookPayload[] = [];
    sessions.on("lifecycle", (payload) => payloads.push(payload));
    const whole = async (id: string) => (await sessions.get(id, { history: "all" })) as Session;
    const { id } = await sessions.start({ task: "t", mode: "survey" });
    const findings: Record<string, string> = {};
    let killed: Session | undefined;
    for (const [name, { calls }] of Object.entries(steps)) {
      await sessions.incrementIteration(id, { step: name });
      for (const { tool, args } of calls) {
        await sessions.recordToolCall(id, tool, { command: [tool, ...args].join(" ") });
        if (name === "rust" && killed === undefined) {
          killed = await whole(id);
          await sessions.resume(id);
        }
      }
      await sessions.recordLearning(id, name);
      findings[name] = name;
      await sessions.updateContext(id, { findings });
    }
    await sessions.pause(id);
    await sessions.resume(id);
    await sessions.complete(id);
    if (killed === undefined) throw new Error("there is no step of that name");
    const acknowledged = killed.history.map(({ sequence, type }) => ({ sequence, type, text: "" }));
    seen = { acknowledged, killed, ended: await whole(id), payloads };
  });

  const broken = (change: (run: typeof seen) => void) => {
    const run = structuredClone(seen);
    change(run);
    return statements(run).filter(({ holds }) => !holds).length;
  };

  it("finds no error in a correct run", () => {
    expect(broken(() => {})).toBe(0);
  });

  it.each<[string, (run: typeof seen) => void]>([
    ["a lost acknowledged record", ({ killed }) => killed.history.pop()],
    ["a lost event", ({ ended }) => ended.history.splice(3, 1)],
    [
      "an event that has changed",
      ({ ended }) => Object.assign(ended.history[2] ?? {}, { data: {} }),
    ],
    ["a step that was counted twice", ({ ended }) => Object.assign(ended, { iterations: 9 })],
    [
      "a tool call that was recorded twice",
      ({ ended }) =>
        ended.history.push({
          ...(ended.history.find(({ type }) => type === "tool_call") ?? {
            timestamp: "",
            type: "",
            data: {},
          }),
          sequence: ended.history.length + 1,
        }),
    ],
    ["a lost context", ({ ended }) => Object.assign(ended, { context: {} })],
    [
      "a session that has not come to its end",
      ({ ended }) => Object.assign(ended, { status: "active" }),
    ],
    ["a lost webhook", ({ payloads }) => payloads.pop()],
    ["an empty history", ({ killed }) => killed.history.splice(0)],
  ])("notices %s", (_, change) => {
    expect(broken(change)).toBeGreaterThan(0);
  });
});
