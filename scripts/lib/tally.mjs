// Counts tests, from the output of the test runners.

import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

export const nothing = { passed: 0, failed: 0 };

export function sum(tallies) {
  return tallies.reduce(
    (a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }),
    nothing,
  );
}

/** Adds up the closing lines of cargo's test programs; wasm-bindgen's runner prints the same ones. */
export function countCargoTests(output) {
  const lines = stripVTControlCharacters(output).matchAll(
    /^test result: .*?(\d+) passed; (\d+) failed;/gm,
  );
  return sum(
    [...lines].map(([, passed, failed]) => ({ passed: Number(passed), failed: Number(failed) })),
  );
}

/** Reads the closing lines of Node's own test runner. */
export function countNodeTests(output) {
  const lines = stripVTControlCharacters(output).matchAll(/^ℹ (pass|fail|cancelled) (\d+)$/gm);
  return sum(
    [...lines].map(([, kind, count]) =>
      kind === "pass" ? { passed: Number(count), failed: 0 } : { passed: 0, failed: Number(count) },
    ),
  );
}

/** Reads the JSON report of vitest; there is none if vitest failed before it. */
export function countVitestTests(path) {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(path, "utf8"));
    return { passed: numPassedTests, failed: numFailedTests };
  } catch {
    return nothing;
  }
}
