// Sessions of any size are exported in parts.

// Loaded first: the browser's own module exports no parts.
import "../support/complete.js";
import fc from "fast-check";
import { openSync, type Sessions } from "tenure";
import { beforeEach, describe, expect, it } from "vitest";
import { code } from "../support/failures.js";
import { everyStore, inMemory } from "../support/stores.js";

type Options = Parameters<Sessions["exportParts"]>[1];

const joined = async (parts: AsyncIterable<string>): Promise<string> => {
  const texts: string[] = [];
  for await (const part of parts) texts.push(part);
  return texts.join("");
};

describe.each(everyStore)("%s, an export in parts", (_, open) => {
  let sessions: Sessions;

  beforeEach(async () => {
    sessions = await open();
  });

  const parts = (id: string, options?: Options) => joined(sessions.exportParts(id, options));

  it("has the text of the export", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })),
        fc.array(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 2 }))),
        fc.constantFrom("pause", "complete", "trash", "get"),
        async (other, data, last) => {
          const events = data.map((one) => ({ ...one, timestamp: 1, type: "note", data: one }));
          const head = { id: "a", mode: "m", task: "t", status: "active", createdAt: 1 };
          await sessions.import({ ...other, ...head, history: events } as never);
          await sessions.addEvent("a", "note", { text: "\ud800" });
          await (last === "complete" ? sessions.complete("a", "r") : sessions[last]("a"));
          expect(await parts("a")).toBe(await sessions.export("a"));
        },
      ),
      { numRuns: 20 },
    );
  });

  it("knows the trash, and refuses what is no option", async () => {
    await sessions.start({ task: "t", mode: "m", id: "a" });
    await sessions.trash("a");
    expect(await parts("a")).toBe(await sessions.export("a"));
    expect(await code(parts("a", { trash: "exclude" }))).toBe("SESSION_NOT_FOUND");
    expect(await code(parts("b"))).toBe("SESSION_NOT_FOUND");
    expect(await code(parts("a", { after: "x" } as Options))).toBe("INVALID_ARGUMENT");
  });
});

describe("an export in parts", () => {
  const event = { type: "note", data: { text: "x".repeat(1_000_000) } };
  const tenEvents = Array.from({ length: 10 }, () => event);

  it("contains the session as it was at the first part", async () => {
    const sessions = await inMemory();
    await sessions.start({ task: "t", mode: "m", id: "a" });
    await sessions.addEvents("a", tenEvents);
    await sessions.addEvents("a", tenEvents);
    const before = await sessions.export("a");
    const texts: string[] = [];
    for await (const part of sessions.exportParts("a")) {
      texts.push(part);
      await sessions.addEvents("a", [event]);
    }
    expect(texts.length).toBeGreaterThan(2);
    expect(texts.join("") === before).toBe(true);
    expect((await sessions.get("a"))?.eventCount).toBeGreaterThan(22);
  });

  it("fails if the history is replaced meanwhile", async () => {
    const sessions = await inMemory();
    await sessions.start({ task: "t", mode: "m", id: "a" });
    const empty = await sessions.export("a");
    await sessions.addEvents("a", tenEvents);
    const replaced = async (): Promise<void> => {
      for await (const part of sessions.exportParts("a")) {
        expect(part).not.toBe("");
        await sessions.import(empty);
      }
    };
    expect(await code(replaced())).toBe("VERSION_CONFLICT");
  });

  it("is what an archive gets, one part after another", async () => {
    const sessions = await inMemory();
    const ids = ["a", "b", "c", "d"];
    for (const id of ids) {
      await sessions.start({ task: "t", mode: "m", id });
      await sessions.addEvents(id, tenEvents);
      await sessions.trash(id);
    }
    const before = await sessions.export("a");
    const seen: Record<string, string[]> = {};
    let inWork = 0;
    const archiveParts = async (parts: AsyncIterable<string>, id: string): Promise<void> => {
      expect(++inWork).toBe(1);
      const texts: string[] = [];
      seen[id] = texts;
      try {
        for await (const part of parts) {
          texts.push(part);
          await new Promise((resolve) => setTimeout(resolve, 1));
          if (id === "b") throw new Error("no room");
          if (id === "c") return;
          if (id === "d") await sessions.delete("d");
        }
      } finally {
        inWork -= 1;
      }
    };
    const { failed, ids: removed } = await sessions.purge({ olderThan: 0 }, { archiveParts });
    expect(removed).toEqual(["a"]);
    expect(seen.a?.length).toBeGreaterThan(1);
    expect(seen.a?.join("") === before).toBe(true);
    expect(failed).toEqual([
      { id: "b", code: "ARCHIVE_FAILED", message: "no room" },
      { id: "c", code: "ARCHIVE_FAILED", message: expect.stringContaining("all parts") },
      { id: "d", code: "SESSION_NOT_FOUND", message: expect.any(String) },
    ]);
    expect(inWork).toBe(0);
    const both = { archive: () => {}, archiveParts };
    expect(await code(sessions.purge({ olderThan: 0 }, both))).toBe("INVALID_ARGUMENT");
  });

  it("is read synchronously, too, part by part", () => {
    using sessions = openSync("memory:");
    sessions.start({ task: "t", mode: "m", id: "a" });
    sessions.addEvents("a", tenEvents);
    const text = sessions.export("a");
    const [first, ...others] = sessions.exportParts("a");
    expect(others).not.toEqual([]);
    expect([first, ...others].join("") === text).toBe(true);
    for (const part of sessions.exportParts("a")) {
      expect(text.startsWith(part)).toBe(true);
      break;
    }
  });
});
