// What the exports of the WebAssembly module for browsers have to do wherever it runs, called without the
// package around them. Texts cross both ways as JSON.

import { describe, expect, it } from "vitest";
import type * as glue from "../../npm/wasm/tenure_wasm.js";

const NOW = 1_700_000_000_000;

/** The module, and its memory. */
export interface WasmModule {
  readonly exports: typeof glue;
  readonly memory: WebAssembly.Memory;
}

/** The cases, for a module that `load` loads. */
export function describeWasmModule(load: () => Promise<WasmModule>): void {
  describe("the WebAssembly module", async () => {
    const { exports, memory } = await load();
    const open = (url: string): number => JSON.parse(exports.open(url, "{}")).ok.handle;
    const call = (handle: number, name: string, params: object) =>
      JSON.parse(exports.call(handle, name, JSON.stringify(params), NOW));
    const params = (task: string) => ({ userId: "u1", channelId: "c1", task, mode: "chat" });

    it("performs an operation from text to text", () => {
      const handle = open("memory:");
      // Beyond the basic plane: two units in JavaScript, four bytes in UTF-8.
      const task = "count the 🦀";
      const started = call(handle, "start", params(task));
      expect(started.ok.task).toBe(task);
      expect(call(handle, "get", { id: started.ok.id }).ok).toEqual(started.ok);
      exports.close(handle);
    });

    it("gives sessions of one millisecond ids of their own", () => {
      const handle = open("memory:");
      const ids = Array.from({ length: 1000 }, () => call(handle, "start", params("t")).ok.id);
      expect(new Set(ids).size).toBe(1000);
      exports.close(handle);
    });

    it("lets its memory grow a few times for many sessions", () => {
      const handle = open("memory:");
      const first = memory.buffer.byteLength;
      const sizes = new Set([first]);
      for (let number = 0; number < 5000; number += 1) {
        call(handle, "start", params("x".repeat(2000)));
        sizes.add(memory.buffer.byteLength);
      }
      expect(memory.buffer.byteLength - first).toBeGreaterThan(10_000_000);
      expect(sizes.size).toBeLessThan(30);
      exports.close(handle);
    });

    it("asks a store of the host, whose reply ends the operation", () => {
      const handle = open("host:");
      const asked = JSON.parse(exports.start(handle, "get", '{"id":"session_1"}', NOW));
      expect(asked.need.method).toBe("load");
      const answer = exports.resume(handle, asked.need.operation, '{"ok":null}');
      expect(JSON.parse(answer)).toEqual({ ok: null });
      exports.close(handle);
    });

    it("answers for a closed handle with a code", () => {
      const handle = open("memory:");
      exports.close(handle);
      expect(call(handle, "list", {}).error.code).toBe("CLOSED");
    });

    it("says what a job needs, and continues it with the reply", () => {
      const { need } = JSON.parse(exports.startJob("slotWait", '{"retries":1}'));
      expect(need.method).toBe("attempt");
      const needed = JSON.parse(exports.resumeJob(need.operation, '{"ok":"SLOT_LOCKED"}', 1.5));
      expect(needed.need.method).toBe("sleep");
      exports.cancelJob(need.operation);
      const ended = JSON.parse(exports.resumeJob(need.operation, '{"ok":null}', 2.5));
      expect(ended.error.code).toBe("INTERNAL");
    });
  });
}
