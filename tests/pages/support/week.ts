// A week of a team's agents, for pictures: sessions of several kinds, models and users, with tool calls, an
// approval and errors. Each run stores the same.

/** The end of the week: the time at which the pictures are taken. */
export const WEEK_ENDS = Date.parse("2026-01-09T15:30:00.000Z");

/** Stores the week. It is sent to a page as text, so that it uses nothing outside of itself. */
export async function fillWeek(sessions: import("tenure").Sessions): Promise<void> {
  const end = Date.parse("2026-01-09T15:30:00.000Z");
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
  let seed = 20_260_109;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  const oneOf = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const iso = (time: number): string => new Date(time).toISOString();

  const kinds = [
    ["developer", "#dev", "opus-4", "Fix the flaky test of the login page"],
    ["developer", "#dev", "opus-4", "Upgrade the compiler, and correct what it finds"],
    ["developer", "#dev", "sonnet-5", "Remove the feature flag new_checkout"],
    ["developer", "#dev", "sonnet-5", "Write the migration of the table orders"],
    ["reviewer", "#reviews", "sonnet-5", "Review pull request #482: retries of uploads"],
    ["reviewer", "#reviews", "haiku-4", "Review pull request #491: typos in the guide"],
    ["researcher", "#ops", "opus-4", "Find out why the nightly build takes 40 minutes longer"],
    ["researcher", "#ops", "sonnet-5", "Compare three libraries for rate limits"],
    ["support", "#support", "haiku-4", "Answer ticket 1207: the export is empty"],
    ["support", "#support", "haiku-4", "Answer ticket 1215: webhooks arrive twice"],
    ["planner", "#dev", "opus-4", "Plan the new parser"],
    ["writer", "#releases", "sonnet-5", "Draft the release notes of 2.4"],
  ] as const;
  const users = ["alice", "bob", "carol", "dave", "erin"];
  const prices = { "opus-4": 9e-6, "sonnet-5": 2.4e-6, "haiku-4": 6e-7 } as const;

  const texts: object[] = [];
  for (let number = 0; number < 260; number += 1) {
    // More of them in working hours, and few on the weekend.
    const date = end - Math.floor(random() * 7) * day;
    const isQuiet = [0, 6].includes(new Date(date).getUTCDay());
    if (isQuiet && random() < 0.7) continue;
    const midnight = Math.floor(date / day) * day;
    const createdAt = midnight + 7 * hour + Math.floor((random() + random()) * 5 * hour);
    if (createdAt > end - 70 * minute) continue;
    const [mode, channelId, model, task] = oneOf(kinds);
    const status = oneOf([
      ...Array.from({ length: 14 }, () => "completed" as const),
      "failed",
      "failed",
      "abandoned",
      "timeout",
      "paused",
    ] as const);
    const maxIterations = oneOf([20, 40, 60]);
    const iterations =
      status === "timeout" ? maxIterations : 1 + Math.floor(random() ** 1.6 * (maxIterations - 2));
    const updatedAt = createdAt + iterations * Math.floor((20 + random() * 90) * 1000);
    const prompt = iterations * Math.floor(1500 + random() * 4000);
    const completion = Math.floor(prompt * (0.05 + random() * 0.1));
    const ended = status === "completed" || status === "failed" || status === "abandoned";
    const last = { completed: "complete", failed: "error", abandoned: "abandoned" } as const;
    texts.push({
      id: `${mode}-${String(1000 + number)}`,
      userId: oneOf(users),
      channelId,
      mode,
      task,
      status,
      createdAt: iso(createdAt),
      updatedAt: iso(updatedAt),
      iterations,
      maxIterations,
      context: { step: iterations },
      metadata: {
        model,
        tokens: { prompt, completion, total: prompt + completion },
        cost: Math.round((prompt + completion) * prices[model] * 10_000) / 10_000,
      },
      history: [
        { sequence: 1, timestamp: iso(createdAt), type: "start", data: { task, mode } },
        ...(ended
          ? [{ sequence: 2, timestamp: iso(updatedAt), type: last[status], data: {} }]
          : []),
      ],
      ...(ended ? { finalizedAt: iso(updatedAt) } : {}),
      ...(status === "completed" ? { result: "Done, with a test" } : {}),
      ...(status === "failed" ? { error: "The registry of packages did not answer" } : {}),
    });
  }
  for (let at = 0; at < texts.length; at += 40) {
    await Promise.all(texts.slice(at, at + 40).map((text) => sessions.import(text as never)));
  }

  // The rest is done step by step, at its time.
  let now = end - 6 * day;
  Date.now = () => now;
  const later = (seconds: number): void => {
    now += seconds * 1000;
  };
  const call = async (
    id: string,
    tool: string,
    args: object,
    result: unknown,
    seconds: number,
  ): Promise<void> => {
    const { callId } = await sessions.startToolCall(id, tool, args);
    later(seconds);
    await sessions.finishToolCall(id, callId, result);
    later(2 + Math.floor(random() * 6));
  };

  // Agents that were resumed and ended.
  for (let number = 0; number < 18; number += 1) {
    now = end - 6 * day + Math.floor((number / 18) * 5.9 * day);
    const id = `agent-20260103-${String(160_000 + number)}-0c41d7e2`;
    const [agentName, purpose] = oneOf([
      ["incident-responder", "Find the cause of the latency of the API"],
      ["infra-operator", "Rotate the certificates of the ingress"],
      ["data-engineer", "Repair the import of the orders of yesterday"],
    ] as const);
    await sessions.agents.create({ id, agentName, purpose, metadata: { model: "sonnet-5" } });
    for (const phase of ["investigating", "planning"] as const) {
      later(20 + Math.floor(random() * 60));
      await sessions.agents.update(id, { phase });
    }
    await sessions.agents.requestApproval(id, { reason: "one change of production" });
    later(40 + Math.floor(random() * 90));
    if (number % 6 === 5) {
      await sessions.agents.hooks.preDelegate({ agent_id: id, agent_name: agentName });
      await sessions.agents.deny(id, { by: "erin", reason: "not before the release" });
      continue;
    }
    await sessions.agents.approve(id, { by: "erin" });
    await sessions.agents.hooks.preDelegate({ agent_id: id, agent_name: agentName });
    await sessions.agents.update(id, { phase: "executing" });
    await sessions.incrementIteration(id);
    await call(id, "apply", { plan: number }, { changed: 1 }, 12);
    await sessions.recordUsage(id, { tokens: { prompt: 9_400, completion: 880 }, cost: 0.03 });
    await sessions.agents.update(id, { phase: "validating" });
    later(30);
    await sessions.agents.finalize(id, number % 9 === 4 ? "failed" : "completed");
  }

  now = end - 58 * minute;
  const agent = "agent-20260109-143200-5d1f20aa";
  await sessions.agents.create({
    id: agent,
    agentName: "infra-operator",
    purpose: "Double the node pool of the staging cluster",
    metadata: { model: "opus-4" },
  });
  later(40);
  await sessions.agents.update(agent, { phase: "investigating" });
  await call(agent, "kubectl", { args: ["top", "nodes"] }, { cpu: "91 %", memory: "78 %" }, 4);
  await sessions.agents.update(agent, { phase: "planning" });
  await call(agent, "terraform", { args: ["plan"] }, { add: 0, change: 1, destroy: 0 }, 38);
  await sessions.recordUsage(agent, { tokens: { prompt: 18_240, completion: 1_310 }, cost: 0.17 });
  await sessions.agents.requestApproval(agent, { reason: "terraform plan: 1 to change" });
  later(120);

  const review = "reviewer-1260";
  await sessions.start({
    id: review,
    task: "Review pull request #497: a cache for sessions",
    mode: "reviewer",
    userId: "carol",
    channelId: "#reviews",
    maxIterations: 20,
    metadata: { model: "sonnet-5" },
  });
  later(20);
  await sessions.incrementIteration(review);
  await call(review, "fetch_diff", { pull: 497 }, { files: 12, added: 340, removed: 88 }, 3);
  await sessions.recordUsage(review, { tokens: { prompt: 22_900, completion: 2_045 }, cost: 0.06 });
  await sessions.pause(review, "Waiting for the author");

  now = end - 5 * minute;
  const live = "developer-1261";
  await sessions.start({
    id: live,
    task: "Make the import of large files resumable",
    mode: "developer",
    userId: "alice",
    channelId: "#dev",
    workspace: "/srv/work/importer",
    maxIterations: 40,
    context: { branch: "resumable-import", step: "reproduce" },
    metadata: { model: "opus-4" },
  });
  later(9);
  const work = [
    ["read_file", { path: "src/import/reader.ts" }, { lines: 214 }, 1],
    ["search", { text: "offset", in: "src" }, { matches: 17 }, 2],
    ["run_tests", { files: ["import"] }, { passed: 41, failed: 0, ms: 8120 }, 9],
    ["edit_file", { path: "src/import/reader.ts", hunks: 3 }, { changed: 48 }, 1],
    ["run_tests", { files: ["import"] }, { passed: 39, failed: 2, ms: 8440 }, 9],
    ["read_file", { path: "tests/import.test.ts" }, { lines: 388 }, 1],
    ["edit_file", { path: "src/import/state.ts", hunks: 2 }, { changed: 21 }, 1],
    ["run_tests", { files: ["import"] }, { passed: 41, failed: 0, ms: 8310 }, 9],
    ["bash", { command: "git diff --stat" }, { exitCode: 0, stdout: "3 files changed" }, 1],
  ] as const;
  for (const [step, [tool, args, result, seconds]] of work.entries()) {
    await sessions.incrementIteration(live);
    later(6 + Math.floor(random() * 12));
    await call(live, tool, args, result, seconds);
    if (step === 3) await sessions.updateContext(live, { step: "implement", files: ["reader.ts"] });
    if (step === 4) {
      await sessions.recordLearning(live, "The reader keeps its offset only after a full block");
      later(84);
    }
    if (step === 7) {
      const files = ["reader.ts", "state.ts"];
      await sessions.updateContext(live, { step: "review", files });
    }
  }
  await sessions.recordUsage(live, { tokens: { prompt: 61_480, completion: 7_920 }, cost: 0.62 });

  now = end - 31 * minute;
  for (const [taskId, phase, model, task, mode] of [
    ["T-42", "plan", "opus-4", "Plan the new parser", "planner"],
    ["T-42", "run", "sonnet-5", "Write the new parser", "developer"],
    ["T-43", "verify", "haiku-4", "Verify the migration of orders", "reviewer"],
  ] as const) {
    await sessions.startInSlot({
      taskId,
      phase,
      model,
      task,
      mode,
      id: `${mode}-${taskId}-${phase}`,
      userId: "erin",
      channelId: "#dev",
    });
    later(31);
  }
  for (const [number, runId] of ["7101", "7102", "7103"].entries()) {
    const run = { eventType: "push", workflow: "CI", runId, commitSha: "4f1c2d9" };
    const { key } = await sessions.dedup.admit(run);
    await sessions.dedup.audit({ ...run, key, executed: number === 0, jobStatus: "success" });
    later(5);
  }
}
