// Finds circles in a directed graph: a map from each node to the set of the nodes that it leads to.

/**
 * Circles that together take part in every circle of the graph and share no step: the shortest one,
 * the shortest one that is left without its steps, and so on. Each is a list of nodes whose last one
 * leads back to the first. Where each step of them goes away or turns round, there is no circle.
 * @param {Map<string, Set<string>>} graph
 * @returns {string[][]}
 */
export function circlesOf(graph) {
  const left = new Map([...graph].map(([node, next]) => [node, new Set(next)]));
  const circles = [];
  for (let circle = shortest(left); circle; circle = shortest(left)) {
    circles.push(circle);
    for (const [from, to] of stepsOf(circle)) left.get(from).delete(to);
  }
  return circles;
}

/** The steps of a circle, each from one node to the next. */
export function stepsOf(circle) {
  return circle.map((node, i) => [node, circle[(i + 1) % circle.length]]);
}

/** The shortest circle, of several the first in the order of names; nothing where there is none. */
function shortest(graph) {
  let found;
  for (const node of [...graph.keys()].sort()) {
    const circle = shortestThrough(node, graph, found?.length ?? Number.POSITIVE_INFINITY);
    if (circle) found = circle;
    if (found?.length === 2) break;
  }
  return found;
}

/** The shortest circle through a node that has fewer than `limit` nodes. */
function shortestThrough(start, graph, limit) {
  const cameFrom = new Map([[start, undefined]]);
  let level = [start];
  for (let length = 1; length < limit && level.length > 0; length++) {
    const nextLevel = [];
    for (const node of level) {
      for (const next of [...(graph.get(node) ?? [])].sort()) {
        if (next === start) return pathTo(node, cameFrom);
        if (cameFrom.has(next)) continue;
        cameFrom.set(next, node);
        nextLevel.push(next);
      }
    }
    level = nextLevel;
  }
  return undefined;
}

function pathTo(node, cameFrom) {
  const path = [];
  for (let at = node; at !== undefined; at = cameFrom.get(at)) path.unshift(at);
  return path;
}
