// Hundreds of users of several servers over one PostgreSQL database: what was answered is what the database has, under
// a load that is kept up, and through an outage of the database. The benchmark measures the same users.

import { open } from "tenure";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { appendThroughOutage } from "../../bench/lib/outage.mjs";
import { fillSlotsTogether, slotsOf } from "../../bench/lib/scenario.mjs";
import { allRequests, load, type Server, withServers } from "../../bench/lib/users.mjs";
import { durable, ensurePostgres, startPostgres } from "../../scripts/lib/postgres.mjs";
import { opening } from "../support/stores.js";

const scale = Number(process.env.TENURE_TEST_SCALE ?? "0.1");
const seconds = 30 * scale;
const servers = 4;

/** A server of this file's own, which is ended in the middle, and keeps what it acknowledges. */
let database: Awaited<ReturnType<typeof startPostgres>>;

beforeAll(async () => {
  database = await startPostgres(await ensurePostgres(), { settings: durable });
});

afterAll(() => database.stop());

describe("hundreds of users", () => {
  it("leave what they were answered", async () => {
    const url = `${database.url}?schema=kept_up`;
    const filled = 200;
    const sessions = await opening(url);
    await fillSlotsTogether(sessions, filled);
    const answers = new Map<string, number>();
    const answered = (what: string, answer: unknown) => {
      const outcome = what === "replace" ? (answer as { outcome: string }).outcome : answer;
      const key = ["look", "read", "nothing"].includes(what) ? what : `${what}: ${outcome}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
    };
    const users = { users: 500, slots: slotsOf(filled), seconds, think: 1000 };
    await withServers("postgres", url, servers, (all: readonly Server[]) =>
      load(all, { ...users, locking: "optimistic", kinds: allRequests, answered }),
    );
    const times = (answer: string) => answers.get(answer) ?? 0;
    for (const what of ["look", "create: created", "replace: replaced", "work: noted"])
      expect(times(what)).toBeGreaterThan(0);

    const inSlots = new Set<string>();
    let [started, replaced, notes] = [0, 0, 0];
    for await (const head of sessions.list({ trash: "include", limit: 1000 })) {
      started += 1;
      if (head.deletedAt !== undefined) replaced += 1;
      else {
        const slot = `${head.slot?.taskId} ${head.slot?.phase}`;
        expect(inSlots).not.toContain(slot);
        inSlots.add(slot);
      }
      const { history } = (await sessions.get(head.id, { history: "all" })) ?? { history: [] };
      notes += history.filter(({ type }) => type === "note").length;
      expect(history.map(({ sequence }) => sequence)).toEqual(history.map((_, n) => n + 1));
    }
    const ofFilling = filled - slotsOf(filled);
    expect({ started, replaced, notes }).toEqual({
      started: filled + times("create: created") + times("replace: replaced"),
      replaced: ofFilling + times("replace: replaced"),
      notes: times("work: noted"),
    });
  });

  it("lose and repeat nothing through an outage", async () => {
    const url = `${database.url}?schema=outage`;
    // The schema is there before the database goes.
    await (await open(url)).close();
    const away = Math.max(1, seconds / 10);
    const { appended, lost, twice, waits } = await appendThroughOutage(database, url, {
      servers,
      users: 100,
      before: seconds / 3,
      away,
      after: seconds / 3,
    });
    expect({ lost, twice }).toEqual({ lost: 0, twice: 0 });
    expect(appended).toBeGreaterThan(0);
    // Users had to wait until the database was back.
    expect(Math.max(...waits)).toBeGreaterThan(away * 1000);
  });
});
