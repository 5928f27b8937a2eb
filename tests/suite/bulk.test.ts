// Bulk operations, and purging the trash with an archive.

// Loaded first: the browser's own module has neither archives nor retention.
import "../support/complete.js";
import fc from "fast-check";
import type { Sessions } from "tenure";
import { describe, expect, it } from "vitest";
import { code, failure } from "../support/failures.js";
import { everyStore, inMemory } from "../support/stores.js";

const IDS = ["a", "b", "c", "d", "e", "nowhere", "../x"];
const start = (sessions: Sessions, id: string) => sessions.start({ task: "t", mode: "m", id });
const scale = __BUILD__ === "browser" ? 0.1 : Number(process.env.TENURE_TEST_SCALE ?? "1");
const runs = Math.max(10, Math.round(50 * scale));

type Place = "list" | "trash";
const OPERATIONS = ["trashMany", "restoreMany", "deleteMany"] as const;

describe.each(everyStore)("bulk operations %s", (_, open) => {
  it("move sessions to and from the trash as a model predicts, and failures affect no other session", async () => {
    const operation = fc.tuple(
      fc.constantFrom(...OPERATIONS),
      fc.array(fc.constantFrom(...IDS), { maxLength: 8 }),
    );
    const property = fc.asyncProperty(fc.array(operation, { maxLength: 5 }), async (operations) => {
      const sessions = await open();
      const model = new Map<string, Place>();
      for (const id of IDS.slice(0, 5)) {
        await start(sessions, id);
        model.set(id, "list");
      }
      for (const [name, ids] of operations) {
        const { done, refused } = await sessions[name](ids);
        const known = [...new Set(ids)].filter((id) => model.has(id));
        const others = [...new Set(ids)].filter((id) => !model.has(id));
        expect(done).toEqual(known);
        expect(refused.map(({ id }) => id)).toEqual(others);
        for (const { id, code } of refused) {
          expect(code).toBe(id === "../x" ? "INVALID_ID" : "SESSION_NOT_FOUND");
        }
        for (const id of known) {
          if (name === "deleteMany") model.delete(id);
          else model.set(id, name === "trashMany" ? "trash" : "list");
        }
        for (const [trash, place] of [
          ["exclude", "list"],
          ["only", "trash"],
        ] as const) {
          const { items } = await sessions.list({ trash });
          const expected = [...model].filter(([, where]) => where === place).map(([id]) => id);
          expect(items.map(({ id }) => id).sort()).toEqual(expected.sort());
        }
      }
      await sessions.close();
    });
    await fc.assert(property, { numRuns: runs, seed: 7 });
  });

  it("exceed the size of one commit", async () => {
    const sessions = await open();
    const ids = Array.from({ length: 105 }, (_, i) => `s${i}`);
    for (const id of ids) await start(sessions, id);
    expect(await sessions.trashMany(ids)).toEqual({ done: ids, refused: [] });
    expect(await sessions.restoreMany(ids)).toEqual({ done: ids, refused: [] });
    expect(await sessions.deleteMany(ids)).toEqual({ done: ids, refused: [] });
    expect((await sessions.stats({ trash: "include" })).total).toBe(0);
    const { items } = await sessions.audit.entries({ kind: "session", subject: "s104" });
    expect(items.map(({ kind }) => kind).sort()).toEqual([
      "session.delete",
      "session.restore",
      "session.trash",
    ]);
  });

  it("are applied in the order of the calls, awaited or not", async () => {
    const sessions = await open();
    const ids = ["a", "b", "c"];
    const calls: Promise<unknown>[] = [
      ...ids.map((id) => start(sessions, id)),
      ...ids.map((id) => sessions.addEvent(id, "note", { before: true })),
      sessions.trashMany(ids),
      sessions.restoreMany(["b", "a"]),
      sessions.addEvent("a", "note", { after: true }),
    ];
    await Promise.all(calls);
    expect((await sessions.get("a"))?.history).toHaveLength(3);
    const trashed = (await sessions.list({ trash: "only" })).items.map(({ id }) => id);
    expect(trashed).toEqual(["c"]);
  });

  it("start each session in its slot as a single call would", async () => {
    const sessions = await open();
    const slot = { phase: "plan", task: "t", mode: "m" } as const;
    const answers = await sessions.startInSlots([
      { ...slot, taskId: "T1", model: "opus", id: "first" },
      { ...slot, taskId: "T2", model: "opus" },
      { ...slot, taskId: "T1", model: "opus" },
      { ...slot, taskId: "T1", model: "haiku", onModelChange: "replace", locking: "pessimistic" },
      { ...slot, taskId: "", model: "opus" },
      { ...slot, taskId: "T3", model: "opus", id: "first" },
    ]);
    expect(answers.map(({ outcome }) => outcome)).toEqual([
      "created",
      "created",
      "existing",
      "replaced",
      "failed",
      "failed",
    ]);
    expect(answers[3]).toMatchObject({ replaced: { id: "first" } });
    expect(answers[4]).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(answers[5]).toMatchObject({ code: "SESSION_EXISTS" });
    expect(await sessions.slots(["T1", "T2", "T3"])).toHaveLength(2);
  });

  it("archive sessions before they purge them, and keep those that could not be archived", async () => {
    const sessions = await open();
    const ids = Array.from({ length: 120 }, (_, i) => `s${i}`);
    for (const id of ids) await start(sessions, id);
    await sessions.trashMany(ids);
    const kept = new Map<string, string>();
    const result = await sessions.purge(
      { olderThan: 0 },
      {
        archive: async (session, id) => {
          if (id.endsWith("7")) throw new Error("the disk is full");
          expect(await sessions.get(id)).not.toBeNull();
          kept.set(id, session);
        },
      },
    );
    const stay = ids.filter((id) => id.endsWith("7"));
    expect(result.removed).toBe(ids.length - stay.length);
    expect(result.failed.map(({ id }) => id).sort()).toEqual(stay.sort());
    expect(result.failed[0]).toMatchObject({
      code: "ARCHIVE_FAILED",
      message: "the disk is full",
    });
    expect([...kept.keys()].sort()).toEqual(ids.filter((id) => !id.endsWith("7")).sort());
    const left = await sessions.list({ trash: "only", limit: 1000 });
    expect(left.items.map(({ id }) => id).sort()).toEqual(stay);
    // Archived sessions can be restored completely.
    await sessions.import(kept.get("s3") ?? "");
    expect(await sessions.get("s3")).toMatchObject({ id: "s3", task: "t" });
  });
});

describe("purging the trash", () => {
  it("archives only the given sessions, or up to the limit", async () => {
    const sessions = await inMemory();
    const ids = Array.from({ length: 6 }, (_, i) => `s${i}`);
    for (const id of ids) await start(sessions, id);
    await sessions.trashMany(ids.slice(0, 5));
    const kept: string[] = [];
    const archive = (_: string, id: string) => void kept.push(id);
    const named = ["s1", "s5", "nowhere"];
    for (const other of [{ limit: 1 }, { cursor: "ca.0.a" }]) {
      for (const options of [{}, { archive }]) {
        const params = { olderThan: 0, ids: named, ...other };
        expect(await failure(sessions.purge(params, options))).toMatchObject({
          code: "INVALID_ARGUMENT",
          details: { what: Object.keys(other)[0], problem: "expected no `ids` with it" },
        });
      }
    }
    expect(await sessions.purge({ olderThan: 0, ids: named }, { archive })).toMatchObject({
      removed: 1,
      ids: ["s1"],
    });
    const some = await sessions.purge({ olderThan: 0, limit: 2 }, { archive });
    expect(some).toMatchObject({ removed: 2, ids: ["s0", "s2"] });
    const { nextCursor: cursor } = some;
    expect(await sessions.purge({ olderThan: 0, cursor, dryRun: true }, { archive })).toMatchObject(
      {
        removed: 2,
        dryRun: true,
      },
    );
    const rest = await sessions.purge({ olderThan: 0, cursor }, { archive });
    expect(rest).toMatchObject({ removed: 2, ids: ["s3", "s4"], failed: [] });
    expect(rest).not.toHaveProperty("nextCursor");
    expect(kept).toEqual(["s1", "s0", "s2", "s3", "s4"]);
    expect(await code(sessions.purge({ olderThan: 0, limit: 0 }, { archive }))).toBe(
      "INVALID_ARGUMENT",
    );
    expect(await code(sessions.trashMany(Array.from({ length: 1001 }, (_, i) => `${i}`)))).toBe(
      "INVALID_ARGUMENT",
    );
  });

  it("keeps a session that was changed after it was archived", async () => {
    const sessions = await inMemory();
    await start(sessions, "a");
    await sessions.trash("a");
    const archive = async (): Promise<void> => {
      await sessions.restore("a");
      await sessions.updateContext("a", { precious: 1 });
      await sessions.trash("a");
    };
    const result = await sessions.purge({ olderThan: 0 }, { archive });
    expect(result).toMatchObject({ removed: 0, failed: [{ id: "a", code: "VERSION_CONFLICT" }] });
    expect(await sessions.context("a")).toMatchObject({ context: { precious: 1 } });
  });

  it("keeps a session whose archive does not return undefined or true", async () => {
    const sessions = await inMemory();
    await start(sessions, "s");
    await sessions.trash("s");
    for (const answer of [false, null, 0, "x", {}]) {
      for (const name of ["archive", "archiveParts"]) {
        const archive = async (parts: unknown) => {
          if (typeof parts !== "string") for await (const _ of parts as AsyncIterable<string>);
          return answer;
        };
        const { removed, failed } = await sessions.purge({ olderThan: 0 }, {
          [name]: archive,
        } as never);
        const message = expect.stringContaining("expected undefined or true from the archive");
        expect({ removed, failed }).toEqual({
          removed: 0,
          failed: [{ id: "s", code: "ARCHIVE_FAILED", message }],
        });
      }
    }
    expect(await sessions.get("s")).not.toBeNull();
    const archive = async () => true as const;
    expect(await sessions.purge({ olderThan: 0 }, { archive })).toMatchObject({ removed: 1 });
  });

  it("refuses an archive in the wrong place, and deletes nothing", async () => {
    const sessions = await inMemory();
    await start(sessions, "a");
    await sessions.trash("a");
    const archive = (): void => {};
    const purge = sessions.purge.bind(sessions) as (...args: unknown[]) => Promise<unknown>;
    for (const args of [
      [{ olderThan: 0, archive }],
      [{ olderThan: 0, batch: 1 }, { archive }],
      [{ olderThan: 0 }, { archiv: archive }],
      [{ olderThan: 0 }, { archive: "x" }],
      [{ olderThan: 0 }, { archive: null }],
      [{ olderThan: 0 }, "x"],
      [{ olderThan: 0 }, null],
      [undefined],
    ]) {
      expect(await code(purge(...args))).toBe("INVALID_ARGUMENT");
    }
    expect(await sessions.get("a")).not.toBeNull();
  });

  it("does not archive sessions that were restored meanwhile", async () => {
    const sessions = await inMemory();
    for (const id of ["a", "b"]) await start(sessions, id);
    await sessions.trashMany(["a", "b"]);
    const result = await sessions.purge(
      { olderThan: 0 },
      { archive: async (_, id) => void (id === "a" && (await sessions.restore("b"))) },
    );
    expect(result).toMatchObject({ removed: 1, ids: ["a"], failed: [] });
    expect(await sessions.get("b")).not.toHaveProperty("deletedAt");
  });
});
