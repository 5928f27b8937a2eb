// Circles in small graphs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { circlesOf, edgesOf } from "./circles.mjs";

/** The circles of a graph that is written as `a>b b>c`, each as `a b c`. */
function circles(text) {
  const graph = new Map();
  for (const [from, to] of text.split(" ").map((step) => step.split(">"))) {
    if (!graph.has(from)) graph.set(from, new Set());
    graph.get(from).add(to);
  }
  return circlesOf(graph).map((circle) => circle.join(" "));
}

test("a graph without a circle has none", () => {
  assert.deepEqual(circles("a>b b>c a>c d>c"), []);
});

test("the shortest circles come first", () => {
  assert.deepEqual(circles("a>b b>c c>a c>d d>c"), ["c d", "a b c"]);
});

test("the shortest path of each circle is returned", () => {
  assert.deepEqual(circles("a>b b>c c>d d>a b>d"), ["a b d"]);
});

test("returned circles share no edge, and without their edges the graph has no circle", () => {
  assert.deepEqual(circles("a>b b>a a>c c>b"), ["a b"]);
  assert.deepEqual(circles("a>b b>a a>c c>d d>a"), ["a b", "a c d"]);
});

test("the edges of a circle lead back to its first node", () => {
  assert.deepEqual(edgesOf(["a", "b"]), [
    ["a", "b"],
    ["b", "a"],
  ]);
});
