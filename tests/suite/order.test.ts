// Of two sessions of one millisecond, the one that was started later is the newer one.

// Loaded first: the browser's own module does not have all operations.
import "../support/complete.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clockedStores } from "../support/stores.js";

const COUNT = 60;

const start = { task: "t", mode: "m" };
const reversed = <T>(items: readonly T[]): T[] => [...items].reverse();
const idsOf = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-01-08T18:05:30.000Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

describe.each(clockedStores)("sessions of one millisecond %s", (_, open) => {
  it("are listed in the order in which they were started, by every time and page", async () => {
    const sessions = await open();
    const started: string[] = [];
    for (let at = 0; at < COUNT; at += 1) {
      const { id } = await sessions.start(start);
      started.push(id);
      expect(idsOf((await sessions.list({ limit: 1 })).items)).toEqual([id]);
    }
    started.push(...idsOf(await Promise.all(started.map(() => sessions.start(start)))));
    for (const orderBy of ["createdAt", "updatedAt"] as const) {
      const newest = await sessions.list({ orderBy, limit: 1000 });
      expect(idsOf(newest.items)).toEqual(reversed(started));
      const oldest = await sessions.list({ orderBy, direction: "asc", limit: 1000 });
      expect(idsOf(oldest.items)).toEqual(started);
      const paged: string[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await sessions.list({ orderBy, limit: 7, ...(cursor ? { cursor } : {}) });
        paged.push(...idsOf(page.items));
        cursor = page.nextCursor;
      } while (cursor);
      expect(paged).toEqual(reversed(started));
    }
  });

  it("keep their order if the clock goes back within the millisecond's second", async () => {
    const sessions = await open();
    const first = await sessions.start(start);
    vi.setSystemTime(Date.now() - 500);
    const second = await sessions.start(start);
    expect(second.id > first.id).toBe(true);
  });

  it("are in the order of their starts if one call has started them", async () => {
    const sessions = await open();
    const model = "a";
    const starts = Array.from({ length: 20 }, (_, at) => {
      return { ...start, taskId: `t${at}`, phase: "plan", model } as const;
    });
    const answers = await sessions.startInSlots(starts);
    const started = answers.map((answer) => ("session" in answer ? answer.session?.id : undefined));
    expect(idsOf((await sessions.list()).items)).toEqual(reversed(started));
  });

  it("are removed in the order of the audit log", async () => {
    const sessions = await open();
    const started = await Promise.all(Array.from({ length: COUNT }, () => sessions.start(start)));
    const removed = reversed(idsOf(started));
    for (const id of removed.slice(0, 20)) await sessions.trash(id);
    await sessions.trashMany(removed.slice(20));
    const { items } = await sessions.audit.entries({ limit: 1000 });
    expect(items.map(({ subject }) => subject)).toEqual(removed);
    const newest = await sessions.audit.entries({ limit: 1000, order: "desc" });
    expect(newest.items).toEqual(reversed(items));
  });

  it("are agents in the order in which they were created", async () => {
    const { agents } = await open();
    const created: string[] = [];
    for (let at = 0; at < COUNT; at += 1) {
      const { id } = await agents.create({ agentName: "a" });
      expect(id).toMatch(/^agent-20260108-180530-[0-9a-f]{8}$/);
      created.push(id);
    }
    expect(idsOf((await agents.list({ limit: 1000 })).items)).toEqual(reversed(created));
  });

  it.runIf(__BUILD__ === "native")(
    "are found by the hook before delegation, the newest first",
    async () => {
      const { agents } = await open();
      for (let at = 0; at < 20; at += 1) {
        const { id } = await agents.create({ agentName: "a", metadata: { task_id: "T1" } });
        await agents.update(id, { phase: "planning" });
        const { output } = await agents.hooks.preDelegate({ agent_name: "a", task_id: "T1" });
        expect(output).toMatchObject({ should_resume: true, agent_id: id });
      }
    },
  );
});
