// Counts tests in the output of test runners.

import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

export const nothing = { passed: 0, failed: 0 };

export function sum(tallies) {
  return tallies.reduce(
    (a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }),
    nothing,
  );
}

/** Adds up the final lines of cargo's test programs. */
export function countCargoTests(output) {
  const lines = stripVTControlCharacters(output).matchAll(
    /^test result: .*?(\d+) passed; (\d+) failed;/gm,
  );
  return sum(
    [...lines].map(([, passed, failed]) => ({ passed: Number(passed), failed: Number(failed) })),
  );
}

/** Parses the final lines of Node's test runner. */
export function countNodeTests(output) {
  const lines = stripVTControlCharacters(output).matchAll(/^ℹ (pass|fail|cancelled) (\d+)$/gm);
  return sum(
    [...lines].map(([, kind, count]) =>
      kind === "pass" ? { passed: Number(count), failed: 0 } : { passed: 0, failed: Number(count) },
    ),
  );
}

/** Parses the JSON report of vitest, which does not exist if vitest failed early. */
export function countVitestTests(path) {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(path, "utf8"));
    return { passed: numPassedTests, failed: numFailedTests };
  } catch {
    return nothing;
  }
}
