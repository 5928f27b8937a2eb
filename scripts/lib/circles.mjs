// Finds circles in a directed graph, which is a map from each node to the set of its successors.

/**
 * Circles without common edges, such that every circle of the graph shares an edge with one of
 * them: the shortest circle, then the shortest one without the edges of the first, and so on. Each
 * circle is a list of nodes, of which the last one leads to the first.
 * @param {Map<string, Set<string>>} graph
 * @returns {string[][]}
 */
export function circlesOf(graph) {
  const remaining = new Map([...graph].map(([node, next]) => [node, new Set(next)]));
  const circles = [];
  for (let circle = shortest(remaining); circle; circle = shortest(remaining)) {
    circles.push(circle);
    for (const [from, to] of edgesOf(circle)) remaining.get(from).delete(to);
  }
  return circles;
}

/** The edges of a circle. */
export function edgesOf(circle) {
  return circle.map((node, i) => [node, circle[(i + 1) % circle.length]]);
}

/** The shortest circle, and of several the first by name; `undefined` if there is none. */
function shortest(graph) {
  let found;
  for (const node of [...graph.keys()].sort()) {
    const circle = shortestThrough(node, graph, found?.length ?? Number.POSITIVE_INFINITY);
    if (circle) found = circle;
    if (found?.length === 2) break;
  }
  return found;
}

/** The shortest circle through a node with fewer than `limit` nodes. */
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
