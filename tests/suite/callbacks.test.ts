// Callbacks: whatever takes a function also takes an asynchronous one, and its rejection has an outcome
// of its own. None is unhandled: the test runner fails on those.

// Loaded first: the browser's own module has neither archives nor machines.
import "../support/complete.js";
import { copy, getSessionManager, openSync, type Sessions } from "tenure";
import { configure, SessionAwareAgent } from "tenure/compat";
import { checkStore } from "tenure/testing";
import { describe, expect, it, vi } from "vitest";
import { code } from "../support/failures.js";
import { asynchronous, MapStore } from "../support/map-store.js";
import { inMemory, opening } from "../support/stores.js";

const cause = new Error("rejected");
const rejects = (): Promise<never> => Promise.reject(cause);

/** The errors that the `"error"` listeners of a handle receive. */
function errorsOf(sessions: Pick<Sessions, "on">): unknown[] {
  const errors: unknown[] = [];
  sessions.on("error", ({ code, cause }) => errors.push([code, cause]));
  return errors;
}

const slot = { task: "t", mode: "m", taskId: "T", phase: "plan" } as const;

describe("an asynchronous callback that rejects", () => {
  it.each(["lifecycle", "cancelled"] as const)(
    "as a listener for %s is reported",
    async (event) => {
      const sessions = await inMemory();
      const errors = errorsOf(sessions);
      sessions.on(event, rejects);
      await sessions.startInSlot({ ...slot, model: "a" });
      const start = { ...slot, model: "b" };
      expect((await sessions.startInSlot(start, { onModelChange: "replace" })).outcome).toBe(
        "replaced",
      );
      await vi.waitFor(() => expect(errors).toContainEqual(["LISTENER_FAILED", cause]));
    },
  );

  it("as a listener of a synchronous handle is reported", async () => {
    using sessions = openSync("memory:");
    const errors = errorsOf(sessions);
    sessions.on("lifecycle", rejects);
    sessions.start({ task: "t", mode: "m" });
    await vi.waitFor(() => expect(errors).toEqual([["LISTENER_FAILED", cause]]));
  });

  it("as the fetch of a webhook is a failed delivery", async () => {
    const webhook = { url: "http://localhost:1/", fetch: rejects };
    const sessions = await opening("memory:", { webhook });
    const errors = errorsOf(sessions);
    await sessions.start({ task: "t", mode: "m" });
    await vi.waitFor(() => expect(errors).toEqual([["WEBHOOK_FAILED", cause]]));
  });

  it("as the function of models fails the call", async () => {
    const sessions = await opening("memory:", { models: rejects as never });
    expect(await code(sessions.startInSlot({ ...slot, model: "a" }))).toBe("INVALID_ARGUMENT");
  });

  it("as an archive leaves the session in the trash", async () => {
    const sessions = await inMemory();
    const { id } = await sessions.start({ task: "t", mode: "m" });
    await sessions.trash(id);
    const { failed } = await sessions.purge({ olderThan: 0 }, { archive: rejects });
    expect(failed).toEqual([{ id, code: "ARCHIVE_FAILED", message: "rejected" }]);
  });

  it("as a method of a store fails the call", async () => {
    const sessions = await opening(Object.assign(asynchronous(new MapStore()), { load: rejects }));
    expect(await code(sessions.get("s"))).toBe("STORE_FAILED");
    const results = await checkStore(rejects, { only: ["sessions"] });
    expect(results.length).toBeGreaterThan(0);
    for (const { outcome } of results) expect(outcome).toBe("failed");
  });

  it("as the runner of an agent fails its session", async () => {
    configure({ store: "memory:" });
    const agent = new SessionAwareAgent("u", "c", rejects);
    await expect(agent.execute("t", "m")).rejects.toBe(cause);
  });

  it("as the task of a sweep leaves the orphan listed", async () => {
    const { swept } = await getSessionManager().sweep(rejects);
    expect(swept).toEqual([]);
  });

  it.skipIf(__BUILD__ === "browser")("as the progress of a copy ends the copy", async () => {
    const sessions = await inMemory();
    await sessions.start({ task: "t", mode: "m" });
    await expect(copy(sessions, "memory:", { onProgress: rejects })).rejects.toBe(cause);
  });
});
