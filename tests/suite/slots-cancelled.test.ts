// Notifications to the runner of a session that is superseded in its slot.

// Loaded first: the browser's own module does not have all operations.
import "../support/complete.js";
import type { SlotCancelled } from "tenure";
import { describe, expect, it } from "vitest";
import { code } from "../support/failures.js";
import { everyStore, inMemory } from "../support/stores.js";

const run = { taskId: "T1", phase: "run", task: "carry it out", mode: "developer" } as const;
const replace = { onModelChange: "replace" } as const;

describe.each(everyStore)("a session that is replaced while it runs, %s,", (_, openStore) => {
  it.each(["active", "paused"])("and is %s, is reported as cancelled", async (status) => {
    const sessions = await openStore();
    const received: SlotCancelled[] = [];
    sessions.on("cancelled", (cancelled) => received.push(cancelled));
    const { session: old } = await sessions.startInSlot({ ...run, model: "opus" });
    const id = old?.id ?? "";
    if (status === "paused") await sessions.pause(id);
    const { session, cancelled } = await sessions.startInSlot({ ...run, model: "haiku" }, replace);
    const expected = {
      id,
      replacedBy: session?.id,
      taskId: "T1",
      phase: "run",
      reason: "model_change",
    };
    expect(received).toEqual([expected]);
    expect(cancelled).toEqual(expected);
    expect(await code(sessions.addEvent(id, "note", {}))).toBe("SESSION_DELETED");
    expect(await code(sessions.complete(id, "done"))).toBe("SESSION_DELETED");
    expect(await sessions.get(id)).toMatchObject({ status: "abandoned" });
  });

  it("is reported for each session of a bulk start", async () => {
    const sessions = await openStore();
    const received: string[] = [];
    sessions.on("cancelled", ({ taskId }) => received.push(taskId));
    const starts = (model: string) =>
      ["T1", "T2", "T3"].map((taskId) => ({ ...run, ...replace, taskId, model }));
    await sessions.startInSlots(starts("opus").slice(1));
    expect(received).toEqual([]);
    await sessions.startInSlots(starts("haiku"));
    expect(received.sort()).toEqual(["T2", "T3"]);
  });

  it("is not reported if it has finished or stays", async () => {
    const sessions = await openStore();
    const received: SlotCancelled[] = [];
    sessions.on("cancelled", (cancelled) => received.push(cancelled));
    const { session: failed } = await sessions.startInSlot({ ...run, model: "opus" });
    await sessions.fail(failed?.id ?? "", "no more");
    const { session: done } = await sessions.startInSlot({ ...run, model: "opus" });
    await sessions.complete(done?.id ?? "", "done");
    await sessions.startInSlot({ ...run, model: "opus" }, { rerun: true });
    await sessions.startInSlot({ ...run, model: "opus" });
    await sessions.startInSlot({ ...run, model: "haiku" });
    await sessions.startInSlot({ ...run, model: "haiku" }, { onModelChange: "reject" });
    expect(received).toEqual([]);
  });
});

describe("a listener for cancelled sessions", () => {
  it("is called before the starting call returns, and not after it is removed", async () => {
    const sessions = await inMemory();
    const order: string[] = [];
    const off = sessions.on("cancelled", () => order.push("received"));
    await sessions.startInSlot({ ...run, model: "opus" });
    await sessions.startInSlot({ ...run, model: "haiku" }, replace);
    order.push("returned");
    off();
    await sessions.startInSlot({ ...run, model: "opus" }, replace);
    expect(order).toEqual(["received", "returned"]);
  });

  it("that throws does not undo the start", async () => {
    const sessions = await inMemory();
    const errors: string[] = [];
    sessions.on("error", ({ code }) => errors.push(code));
    sessions.on("cancelled", () => {
      throw new Error("no");
    });
    await sessions.startInSlot({ ...run, model: "opus" });
    const answer = await sessions.startInSlot({ ...run, model: "haiku" }, replace);
    expect(answer).toMatchObject({ outcome: "replaced" });
    expect(errors).toEqual(["LISTENER_FAILED"]);
  });
});
