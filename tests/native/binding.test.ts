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
