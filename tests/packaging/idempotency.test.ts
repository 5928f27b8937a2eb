// A call with an idempotency key has the same fingerprint whether the library makes it or the command:
// a call of one is a repeat for the other, and not a call with other parameters.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { open, type Sessions } from "tenure";
import { beforeAll, expect, it } from "vitest";
import { newProject } from "./support/project.js";

let project: string;

beforeAll(async () => {
  project = await newProject("esm");
});

interface Call {
  readonly args: string[];
  readonly repeat: (sessions: Sessions, idempotencyKey: string) => Promise<unknown>;
}

const calls: readonly Call[] = [
  {
    args: ["event", "add", "a", "note", '{"n":1}'],
    repeat: (s, idempotencyKey) => s.addEvent("a", "note", { n: 1 }, { idempotencyKey }),
  },
  {
    args: ["iterate", "a", "--data", '{"n":1}'],
    repeat: (s, idempotencyKey) => s.incrementIteration("a", { n: 1 }, { idempotencyKey }),
  },
  {
    args: ["tool", "a", "grep", "--args", '["x"]', "--result", '"r"'],
    repeat: (s, idempotencyKey) => s.recordToolCall("a", "grep", ["x"], "r", { idempotencyKey }),
  },
  {
    args: ["tool", "a", "grep", "--start", "--call-id", "c"],
    repeat: (s, idempotencyKey) =>
      s.startToolCall("a", "grep", undefined, { callId: "c", idempotencyKey }),
  },
  {
    args: ["tool", "a", "--finish", "c", "--result", "7"],
    repeat: (s, idempotencyKey) => s.finishToolCall("a", "c", 7, { idempotencyKey }),
  },
  {
    args: ["usage", "a", "--prompt", "1", "--completion", "2", "--cached", "1", "--cost", "2"],
    repeat: (s, idempotencyKey) =>
      s.recordUsage(
        "a",
        { tokens: { prompt: 1, completion: 2, cached: 1 }, cost: 2 },
        { idempotencyKey },
      ),
  },
  {
    args: ["context", "set", "a", "n:=1", "--record", "all"],
    repeat: (s, idempotencyKey) =>
      s.updateContext("a", { n: 1 }, { record: "all", idempotencyKey }),
  },
  {
    args: ["context", "unset", "a", "n"],
    repeat: (s, idempotencyKey) => s.updateContext("a", {}, { unset: ["n"], idempotencyKey }),
  },
];

it("a call of the command is repeated by the library", async () => {
  const tenure = (args: string[]): string =>
    execFileSync(join(project, "node_modules", ".bin", "tenure"), args, {
      cwd: project,
      encoding: "utf8",
      env: { ...process.env, TENURE_STORE: "sqlite:calls.db" },
    });
  tenure(["start", "t", "--id", "a", "--idempotency-key", "started"]);
  for (const [place, { args }] of calls.entries())
    tenure([...args, "--idempotency-key", `k${place}`]);
  await using sessions = await open(`sqlite:${join(project, "calls.db")}`);
  const { version } = (await sessions.get("a")) ?? {};
  for (const [place, { repeat }] of calls.entries()) await repeat(sessions, `k${place}`);
  expect((await sessions.get("a"))?.version).toBe(version);
  const [{ repeat: addEvent } = expect.fail()] = calls;
  await expect(addEvent(sessions, "k1")).rejects.toMatchObject({ code: "IDEMPOTENCY_MISMATCH" });
});
