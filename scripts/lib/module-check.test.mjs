// The reports of the module check, and the effect of allowed circles.

import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf } from "./module-check.mjs";

/** Uses from the notation `a>b b>c`, each on its own line. */
const uses = (text) =>
  text.split(" ").map((step, i) => {
    const [from, to] = step.split(">");
    return { from, to, file: `src/${from}.rs`, line: i + 1, path: `crate::${to}::X` };
  });

const allow = (between, ...circle) => ({ crate: "c", between, circle, reason: "it is right" });

test("a circle is reported with each of its edges", () => {
  assert.deepEqual(problemsOf("c", uses("a::x>a::y a::y>a::x"), []), [
    "c: a circle among its files: a::x -> a::y -> a::x\n" +
      "  src/a::x.rs:1: a::x uses a::y (crate::a::y::X)\n" +
      "  src/a::y.rs:2: a::y uses a::x (crate::a::x::X)",
  ]);
});

test("files without a circle may have a circle between their top-level modules", () => {
  const [problem, ...others] = problemsOf("c", uses("a::x>b b>a::y"), []);
  assert.match(problem, /^c: a circle among its top-level modules: a -> b -> a\n/);
  assert.match(problem, /src\/a::x\.rs:1: a uses b/);
  assert.deepEqual(others, []);
});

test("an allowed circle is not reported, and another circle is", () => {
  const allowed = [allow("files", "a", "b")];
  assert.deepEqual(problemsOf("c", uses("a>b b>a"), allowed), []);
  const drawn = problemsOf("c", uses("a>b b>a b>d d>b"), allowed).map((one) => one.split("\n")[0]);
  assert.deepEqual(drawn, [
    "c: a circle among its files: b -> d -> b",
    "c: a circle among its top-level modules: b -> d -> b",
  ]);
});

test("an allowed circle of top-level modules applies to all their files", () => {
  const allowed = [allow("top-level modules", "a", "b")];
  assert.deepEqual(problemsOf("c", uses("a::x>b::x a::y>b::y b::z>a::z"), allowed), []);
});

test("an allowed circle that does not exist is an error", () => {
  const [problem] = problemsOf("c", uses("a>b"), [allow("files", "a", "b")]);
  assert.match(problem, /a -> b -> a among its files is gone, as b does not use a/);
});
