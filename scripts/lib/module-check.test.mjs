// What the check of modules reports, and what its list of allowed circles allows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf } from "./module-check.mjs";

/** Uses that are written as `a>b b>c`, each in a line of its own. */
const uses = (text) =>
  text.split(" ").map((step, i) => {
    const [from, to] = step.split(">");
    return { from, to, file: `src/${from}.rs`, line: i + 1, path: `crate::${to}::X` };
  });

const allow = (between, ...circle) => ({ crate: "c", between, circle, reason: "it is right" });

test("a circle is reported with each of its steps", () => {
  assert.deepEqual(problemsOf("c", uses("a::x>a::y a::y>a::x"), []), [
    "c: a circle among its files: a::x -> a::y -> a::x\n" +
      "  src/a::x.rs:1: a::x uses a::y (crate::a::y::X)\n" +
      "  src/a::y.rs:2: a::y uses a::x (crate::a::x::X)",
  ]);
});

test("files that form no circle may still form one of the modules above them", () => {
  const [problem, ...others] = problemsOf("c", uses("a::x>b b>a::y"), []);
  assert.match(problem, /^c: a circle among its top-level modules: a -> b -> a\n/);
  assert.match(problem, /src\/a::x\.rs:1: a uses b/);
  assert.deepEqual(others, []);
});

test("an allowed circle is none, and allows no other", () => {
  const allowed = [allow("files", "a", "b")];
  assert.deepEqual(problemsOf("c", uses("a>b b>a"), allowed), []);
  const drawn = problemsOf("c", uses("a>b b>a b>d d>b"), allowed).map((one) => one.split("\n")[0]);
  assert.deepEqual(drawn, [
    "c: a circle among its files: b -> d -> b",
    "c: a circle among its top-level modules: b -> d -> b",
  ]);
});

test("an allowed circle of top-level modules is allowed between all their files", () => {
  const allowed = [allow("top-level modules", "a", "b")];
  assert.deepEqual(problemsOf("c", uses("a::x>b::x a::y>b::y b::z>a::z"), allowed), []);
});

test("an allowed circle that is gone is an error", () => {
  const [problem] = problemsOf("c", uses("a>b"), [allow("files", "a", "b")]);
  assert.match(problem, /a -> b -> a among its files is gone, as b does not use a/);
});
