// A core that panics. No call is known to cause this, so the test uses a fake binding.

import { describe, expect, it } from "vitest";
import { buildOf } from "../../npm/dist/builds/binding.js";

const info = JSON.stringify({ ok: { build: "wasm", version: "0.0.0", stores: [] } });

function broken() {
  let calls = 0;
  const trap = (): string => {
    calls += 1;
    throw new WebAssembly.RuntimeError("unreachable");
  };
  const exports = {
    info: () => info,
    ...{
      open: trap,
      call: trap,
      start: trap,
      resume: trap,
      cancel: trap,
      setModels: trap,
      loadHeads: trap,
      close: trap,
      startJob: trap,
      resumeJob: trap,
      cancelJob: trap,
    },
    allows: () => undefined,
    rangeOf: () => undefined,
    userData: () => "",
  };
  return { exports, calls: () => calls };
}

const code = (answer: string): string => JSON.parse(answer).error.code;

describe("a core that has panicked", () => {
  it("is not called again when its memory may be inconsistent", () => {
    const { exports, calls } = broken();
    const { binding } = buildOf(exports, "refuse");
    expect(code(binding.start(1, "get", "{}", 0))).toBe("INTERNAL");
    expect(code(binding.start(1, "get", "{}", 0))).toBe("INTERNAL");
    expect(binding.close(1)).toContain("takes no more calls");
    expect(calls()).toBe(1);
  });

  it("is called again when it recovers from panics", () => {
    const { exports, calls } = broken();
    const { binding } = buildOf(exports, "continue");
    expect(code(binding.call(1, "get", "{}", 0))).toBe("INTERNAL");
    expect(code(binding.call(1, "get", "{}", 0))).toBe("INTERNAL");
    expect(calls()).toBe(2);
  });
});

describe("a core whose memory has no room for a text", () => {
  it("is not given the text, and goes on", () => {
    const asked: number[] = [];
    const cancelled: number[] = [];
    const fine = (): string => JSON.stringify({ ok: null });
    const exports = {
      info: () => info,
      hasRoom: (bytes: number) => {
        asked.push(bytes);
        return false;
      },
      ...{ open: fine, call: fine, start: fine, resume: fine, setModels: fine, loadHeads: fine },
      ...{ startJob: fine, resumeJob: fine, close: fine },
      cancel: (_: number, operation: number) => {
        cancelled.push(operation);
        return fine();
      },
      cancelJob: (job: number) => {
        cancelled.push(job);
        return fine();
      },
      allows: () => undefined,
      rangeOf: () => undefined,
      userData: () => "",
    };
    const { binding } = buildOf(exports, "refuse");
    const large = "x".repeat((1 << 20) + 1);
    const answers = [
      binding.call(1, "addEvent", large, 0),
      binding.start(1, "addEvent", large, 0),
      binding.resume(1, 7, large),
      binding.loadHeads(1, new Uint8Array(large.length)),
      binding.startJob("copy", large),
      binding.resumeJob(8, large, 0),
    ];
    for (const answer of answers) {
      const { error } = JSON.parse(answer);
      expect(error).toMatchObject({ code: "TOO_LARGE", details: { actual: large.length } });
    }
    expect(asked).toEqual(answers.map(() => large.length * 4));
    expect(cancelled).toEqual([7, 8]);
    expect(binding.call(1, "addEvent", "{}", 0)).toBe(fine());
  });
});
