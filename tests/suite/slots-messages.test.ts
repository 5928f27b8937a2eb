// The messages for users: every outcome of a slot has a message without codes.

import { type DriverErrorCode, open, type SlotStart, slotMessage } from "tenure";
import { describe, expect, it } from "vitest";
import { failure } from "../support/failures.js";
import { MapStore } from "../support/map-store.js";
import { inMemory, opening } from "../support/stores.js";

const run = { taskId: "T1", phase: "run", task: "carry it out", mode: "developer" } as const;
const opus = { ...run, model: "opus" };
const haiku = { ...run, model: "haiku" };

/** A store that fails with the given code. */
class FailingStore extends MapStore {
  failure: (Error & { code?: string }) | undefined;

  override record(...args: Parameters<MapStore["record"]>): ReturnType<MapStore["record"]> {
    if (this.failure) throw this.failure;
    return super.record(...args);
  }
}

/** The message of each situation when starting a session. */
async function situations(): Promise<Readonly<Record<string, string | undefined>>> {
  const store = new FailingStore();
  const sessions = await opening(store);
  const failing = async (code?: string) => {
    store.failure = Object.assign(new Error("the disk is on fire"), code && { code });
    const error = await failure(sessions.startInSlot(opus));
    store.failure = undefined;
    return slotMessage(error);
  };
  const creationFailed = await failing();
  const storeUnavailable = await failing("STORE_UNAVAILABLE");
  await sessions.startInSlot(opus);
  const sameModel: SlotStart = await sessions.startInSlot(opus);
  const modelChange: SlotStart = await sessions.startInSlot(haiku);
  const stale = { id: modelChange.session?.id ?? "", version: 99 };
  const modified: SlotStart = await sessions.startInSlot(haiku, { confirm: stale });
  sessions.setModels(["haiku"]);
  const missing = await failure(sessions.addEvent(stale.id, "note", {}));
  return {
    creationFailed,
    storeUnavailable,
    sameModelActive: sameModel.message,
    modelChange: modelChange.message,
    dataLoss: modelChange.warning,
    beingModified: modified.message,
    modelMissing: slotMessage(missing),
    unexpected: slotMessage(new Error("a defect")),
  };
}

describe("the messages for users of slots", () => {
  it("are different in each of the eight situations", async () => {
    const messages = Object.values(await situations());
    expect(messages).toHaveLength(8);
    expect(new Set(messages).size).toBe(8);
    for (const text of messages) {
      expect(text).toMatch(/^[A-Z].+[.?]$/);
      // No codes, no names of programs, and no technical terms.
      expect(text).not.toMatch(
        /[_{}<>`"]|[A-Z]{2,}|\b(server|database|exception|null|undefined)\b/,
      );
    }
  });

  it("name the next step, or ask a question", async () => {
    for (const text of Object.values(await situations())) {
      expect(text).toMatch(/\b(try again|open|export|exported|report|replace)\b/i);
    }
  });

  it("warn of a loss only where something may be lost", async () => {
    const sessions = await inMemory();
    expect(await sessions.startInSlot(opus)).not.toHaveProperty("warning");
    expect(await sessions.startInSlot(opus)).not.toHaveProperty("warning");
    expect(await sessions.startInSlot(haiku)).toHaveProperty("warning");
    const rejected = await sessions.startInSlot(haiku, { onModelChange: "reject" });
    expect(rejected).not.toHaveProperty("warning");
  });

  it("are available without an open store", async () => {
    const error = await failure(open("nowhere:"));
    expect(slotMessage(error)).toMatch(/set up/);
    const body = { code: "STORE_UNAVAILABLE", message: "m", details: {} };
    expect(slotMessage(body)).not.toBe(slotMessage(error));
  });

  it("are defined for every code of an error that JavaScript makes", () => {
    const codes: Readonly<Record<DriverErrorCode, true>> = {
      WASM_NOT_READY: true,
      BINDING_UNAVAILABLE: true,
      STORE_REENTERED: true,
      WEBHOOK_FAILED: true,
      ABORTED: true,
      FILE_UNREADABLE: true,
      NOT_REMOVED: true,
      LAGGED: true,
      LISTENER_FAILED: true,
      UNAUTHORIZED: true,
      FORBIDDEN: true,
      READ_ONLY: true,
      SERVER_BUSY: true,
    };
    for (const code of Object.keys(codes)) {
      const message = slotMessage({ code });
      expect(message, code).not.toBe(slotMessage(new Error("anything")));
      expect(message).toMatch(/^[A-Z][^_]+\.$/);
    }
  });

  it("are defined for every thrown value", () => {
    const strange: unknown[] = [undefined, null, 7, "text", {}, { code: 7 }, { code: "__proto__" }];
    for (const thrown of [...strange, Symbol("s"), () => {}]) {
      expect(slotMessage(thrown)).toBe(slotMessage(new Error("anything")));
    }
  });
});
