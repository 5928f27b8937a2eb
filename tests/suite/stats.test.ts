// Statistics: sessions by status and mode, iterations, tokens and cost.

import type { Sessions } from "tenure";
import { beforeEach, describe, expect, it } from "vitest";
import { code } from "../support/failures.js";
import { everyStore } from "../support/stores.js";

describe.each(everyStore)("statistics %s", (_, open) => {
  let sessions: Sessions;

  beforeEach(async () => {
    sessions = await open();
  });

  it("of an empty store are zeros", async () => {
    expect(await sessions.stats()).toEqual({
      total: 0,
      byStatus: { active: 0, paused: 0, completed: 0, failed: 0, timeout: 0, abandoned: 0 },
      byMode: {},
      byModel: {},
      averageIterations: 0,
      successRate: 0,
      finishedSuccessRate: 0,
      usage: { tokens: { prompt: 0, completion: 0, total: 0 }, cost: 0 },
      usageByMode: {},
      usageByModel: {},
      usageByUser: {},
      usersOmitted: 0,
    });
  });

  it("count all or only the matching sessions", async () => {
    const start = (id: string, mode: string, userId?: string) =>
      sessions.start({ task: "t", mode, id, userId });
    await start("a", "developer", "ann");
    await start("b", "developer", "ben");
    await start("c", "reviewer", "ann");
    await start("d", "__proto__");
    await sessions.incrementIteration("a");
    await sessions.incrementIteration("a");
    await sessions.complete("a");
    await sessions.fail("b");
    await sessions.trash("d");
    await sessions.recordUsage("c", { tokens: { prompt: 5 } });
    const all = await sessions.stats();
    expect(all).toMatchObject({
      total: 3,
      byStatus: { active: 1, paused: 0, completed: 1, failed: 1, timeout: 0, abandoned: 0 },
      byMode: { developer: 2, reviewer: 1 },
      finishedSuccessRate: 50,
    });
    expect(all.averageIterations).toBeCloseTo(2 / 3, 12);
    expect(all.successRate).toBeCloseTo(100 / 3, 12);
    expect(await sessions.stats({ userId: "ann" })).toMatchObject({
      total: 2,
      successRate: 50,
      averageIterations: 1,
    });
    expect(await sessions.stats({ mode: "reviewer", status: ["active", "paused"] })).toMatchObject({
      total: 1,
      usage: { tokens: { prompt: 5, completion: 0, total: 5 } },
    });
    const trashed = await sessions.stats({ trash: "only" });
    expect(Object.entries(trashed.byMode)).toEqual([["__proto__", 1]]);
  });

  it("count by the model that metadata or the slot name", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m", metadata: { model: "opus" } });
    await sessions.recordUsage(id, { tokens: { prompt: 5 }, cost: 0.5 });
    const slot = { taskId: "T", phase: "plan", task: "t", mode: "m" } as const;
    await sessions.startInSlot({ ...slot, model: "haiku", metadata: { model: "opus" } });
    const stats = await sessions.stats();
    expect(stats.byModel).toEqual({ haiku: 1, opus: 1 });
    expect(stats.usageByModel.opus?.cost).toBe(0.5);
    expect((await sessions.list({ model: "opus" })).items.map((item) => item.id)).toEqual([id]);
  });

  it("sum tokens and cost exactly, in total and by mode and user", async () => {
    await sessions.start({ task: "t", mode: "m", id: "a", userId: "ann", metadata: { cost: 1 } });
    await sessions.start({ task: "t", mode: "n", id: "b" });
    for (let i = 0; i < 10; i += 1) {
      await sessions.recordUsage("a", { tokens: { prompt: 100, completion: 20 }, cost: 0.1 });
    }
    const head = await sessions.recordUsage("b", { cost: 0.2 });
    expect(head.metadata).toMatchObject({ cost: 0.2 });
    expect((await sessions.get("a"))?.metadata).toMatchObject({
      tokens: { prompt: 1000, completion: 200, total: 1200 },
      cost: 2,
    });
    expect(await sessions.stats()).toMatchObject({
      usage: { tokens: { prompt: 1000, completion: 200, total: 1200 }, cost: 2.2 },
      usageByMode: { m: { cost: 2 }, n: { cost: 0.2 } },
      usageByUser: { ann: { tokens: { total: 1200 }, cost: 2 } },
    });
  });

  it("list the users with the most sessions, and count the others", async () => {
    for (let n = 0; n < 12; n += 1) {
      await sessions.start({ task: "t", mode: n % 2 ? "odd" : "even", userId: `user-${n}` });
    }
    for (const userId of ["user-7", "user-7", "user-3"]) {
      const { id } = await sessions.start({ task: "t", mode: "odd", userId });
      await sessions.recordUsage(id, { cost: 1 });
    }
    await sessions.start({ task: "t", mode: "odd" });
    const users = async (filter: Parameters<typeof sessions.stats>[0]) => {
      const { usageByUser, usersOmitted } = await sessions.stats(filter);
      return [Object.keys(usageByUser), usersOmitted];
    };
    const { usageByUser, usersOmitted } = await sessions.stats();
    expect([Object.keys(usageByUser).length, usersOmitted]).toEqual([10, 2]);
    expect([usageByUser["user-7"]?.cost, usageByUser["user-3"]?.cost]).toEqual([2, 1]);
    expect(await users({ users: 0 })).toEqual([[], 12]);
    expect(await users({ users: 1 })).toEqual([["user-7"], 11]);
    // Of users with as many sessions the first names come first.
    expect(await users({ users: 3 })).toEqual([["user-0", "user-3", "user-7"], 9]);
    expect(await users({ users: 2, mode: "odd" })).toEqual([["user-3", "user-7"], 4]);
    expect(await users({ users: 1, mode: "even" })).toEqual([["user-0"], 5]);
    expect(await users({ users: 1, status: "active" })).toEqual([["user-7"], 11]);
    expect(await users({ users: 1, userId: "user-3" })).toEqual([["user-3"], 0]);
    expect(await users({ users: 0, userId: "user-3", mode: "odd" })).toEqual([[], 1]);
    expect(await users({ userId: "user-3", mode: "even" })).toEqual([[], 0]);
    for (const number of [1001, -1, 0.5, "1"]) {
      expect(await code(sessions.stats({ users: number as number }))).toBe("INVALID_ARGUMENT");
    }
  });

  it("say how measures are distributed, in groups and of all sessions", async () => {
    const none = { median: 0, p95: 0 };
    expect(await sessions.distribution()).toMatchObject({
      total: 0,
      durationMs: null,
      cost: null,
      tokens: null,
      groups: [],
      groupsOmitted: 0,
    });
    for (let n = 0; n < 20; n += 1) {
      const model = n < 15 ? "opus" : "haiku";
      const { id } = await sessions.start({ task: "t", mode: "m", metadata: { model } });
      await sessions.recordUsage(id, { tokens: { prompt: n, completion: 1 }, cost: n / 10 });
      if (n === 7) await sessions.complete(id);
      if (n >= 14) await sessions.incrementIteration(id);
    }
    await sessions.start({ task: "t", mode: "n", userId: "ann" });
    const all = await sessions.distribution({ by: "model", groups: 2 });
    expect(all).toMatchObject({ total: 21, groupsOmitted: 1 });
    expect(all.tokens).toEqual({ median: 10, p95: 19 });
    expect(all.cost).toEqual({ median: 0.9, p95: 1.8 });
    expect(all.durationMs).toEqual({ median: expect.any(Number), p95: all.durationMs?.median });
    expect(all.iterations.filter((part) => part.sessions > 0)).toEqual([
      { from: 0, to: 0, sessions: 15 },
      { from: 1, to: 5, sessions: 6 },
    ]);
    expect(all.iterations.at(-1)).toEqual({ from: 201, to: null, sessions: 0 });
    expect(all.groups.map(({ name, sessions: count }) => [name, count])).toEqual([
      ["opus", 15],
      ["haiku", 5],
    ]);
    expect(all.groups[1]).toMatchObject({
      durationMs: null,
      cost: { median: 1.7, p95: 1.9 },
      tokens: { median: 18, p95: 20 },
    });
    const ofAnn = await sessions.distribution({ userId: "ann", by: "model" });
    expect(ofAnn.groups).toEqual([
      { name: null, sessions: 1, durationMs: null, cost: none, tokens: none },
    ]);
    for (const options of [
      { by: "task" },
      { by: "mode", groups: 1001 },
      { groups: 1 },
      { users: 1 },
    ]) {
      const refused = sessions.distribution(options as never);
      expect(await code(refused), JSON.stringify(options)).toBe("INVALID_ARGUMENT");
    }
  });

  it("refuse invalid amounts", async () => {
    const { id } = await sessions.start({ task: "t", mode: "m" });
    for (const usage of [
      { cost: -1 },
      { cost: Number.NaN },
      { cost: Number.POSITIVE_INFINITY },
      { cost: "1" },
      { tokens: { prompt: -1 } },
      { tokens: { prompt: 1.5 } },
      { tokens: { completion: Number.NaN } },
      { tokens: { prompt: 1, total: 1 } },
      { tokens: 5 },
    ]) {
      expect(await code(sessions.recordUsage(id, usage as never)), JSON.stringify(usage)).toBe(
        "INVALID_ARGUMENT",
      );
    }
    expect((await sessions.get(id))?.version).toBe(1);
  });
});
