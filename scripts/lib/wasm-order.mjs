// Orders the functions of a WebAssembly module so that it compresses better. gzip finds a repetition
// only in the last 32 KiB, so each function is put behind those that it repeats most of. The order is
// written into the names of the functions, and wasm-opt sorts the functions by their names.

import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { nodeTool, run } from "./run.mjs";
import { readModule, withFunctionNames } from "./wasm-sections.mjs";

/**
 * The length of the compared sequences in bytes. Shorter ones are found everywhere; longer ones are
 * missed when two functions differ in a local variable or in a called function here and there.
 */
const sequenceLength = 6;

/** The number of bytes of code in which repetitions are looked for: most of what gzip remembers. */
const windowLength = 30_000;

/**
 * How much the length of a function counts against it. At 0, long functions come first, because they
 * have most sequences; at 1, short ones, because few sequences are most of them. Which of those in
 * between is best changes with the functions, so all of them are tried.
 */
const lengthExponents = [0.6, 0.65, 0.7, 0.75];

/** Added to each length, so that functions of a few bytes do not outdo all others. */
const lengthOffsets = [10, 20, 40];

/**
 * wasm-opt sorts, and otherwise only writes what it has read. The two levels are those of `-Oz`: below
 * them it writes longer code. Reading adds local variables, whose numbers are put in order again.
 */
const sorting = [
  "--optimize-level=2",
  "--shrink-level=2",
  "--reorder-locals",
  "--reorder-functions-by-name",
];

/** Orders the functions of the module in a file, which wasm-opt then writes with these flags. */
export async function orderFunctions(path, flags) {
  writeFileSync(path, namedInOrder(readFileSync(path)));
  const [node, wasmOpt] = nodeTool("binaryen", "wasm-opt");
  await run(node, [wasmOpt, ...sorting, ...flags, "-o", path, path]);
  writeFileSync(path, namedAsBefore(readFileSync(path)));
}

/** The order in which functions compress best, of those that are tried. Returns indices of bodies. */
export function orderToCompress(bodies) {
  if (bodies.length === 0) return [];
  const sequences = sharedSequences(bodies);
  let least = Infinity;
  let found;
  for (const exponent of lengthExponents) {
    for (const offset of lengthOffsets) {
      const costs = bodies.map(({ length }) => (length + offset) ** exponent);
      const order = orderByCosts(bodies, sequences, costs);
      const size = gzipSync(Buffer.concat(order.map((index) => bodies[index])), {
        level: 9,
      }).length;
      if (size < least) [least, found] = [size, order];
    }
  }
  return found;
}

/**
 * The first function is the longest one, and each next function is the one that repeats most of those
 * before it, for its cost. Sequences that few functions have count more. Of equals, the first is taken.
 */
function orderByCosts(bodies, sequences, costs) {
  for (const sequence of sequences.flat()) sequence.count = 0;
  const repeated = new Array(bodies.length).fill(0);
  const left = new Set(bodies.keys());
  const order = [];
  let windowStart = 0;
  let inWindow = 0;
  for (let next = longest(bodies); next !== undefined; next = best(left, repeated, costs)) {
    left.delete(next);
    order.push(next);
    enter(sequences[next], repeated);
    inWindow += bodies[next].length;
    while (inWindow > windowLength && windowStart < order.length - 1) {
      const oldest = order[windowStart++];
      leave(sequences[oldest], repeated);
      inWindow -= bodies[oldest].length;
    }
  }
  return order;
}

/**
 * The sequences of each function that other functions have too, without repetition. `users` are the
 * functions that have it, and `count` is how many of them are in the window. Weights are whole numbers,
 * so that sums of them are exact.
 */
function sharedSequences(bodies) {
  const usersOf = new Map();
  for (const [index, body] of bodies.entries()) {
    for (let start = 0; start + sequenceLength <= body.length; start++) {
      const sequence = body.readUIntBE(start, sequenceLength);
      const users = usersOf.get(sequence);
      if (users === undefined) usersOf.set(sequence, [index]);
      else if (users.at(-1) !== index) users.push(index);
    }
  }
  const sequences = bodies.map(() => []);
  for (const users of usersOf.values()) {
    if (users.length === 1) continue;
    const weight = Math.round(100 * Math.log2(bodies.length / users.length));
    const sequence = { users, weight, count: 0 };
    for (const user of users) sequences[user].push(sequence);
  }
  return sequences;
}

/** A function enters the window: its sequences are now repetitions in all functions that have them. */
function enter(sequences, repeated) {
  for (const sequence of sequences) {
    if (sequence.count++ > 0) continue;
    for (const user of sequence.users) repeated[user] += sequence.weight;
  }
}

function leave(sequences, repeated) {
  for (const sequence of sequences) {
    if (--sequence.count > 0) continue;
    for (const user of sequence.users) repeated[user] -= sequence.weight;
  }
}

function longest(bodies) {
  return bodies.reduce((most, { length }, i) => (length > bodies[most].length ? i : most), 0);
}

/** The function that is left with most repetition for its length; `undefined` if none is left. */
function best(left, repeated, costs) {
  let most = -1;
  let found;
  for (const index of left) {
    const value = repeated[index] / costs[index];
    if (value <= most) continue;
    most = value;
    found = index;
  }
  return found;
}

const positionLength = 6;

/** The module with the position of each function before its name. Imports stay where they are. */
function namedInOrder(module) {
  const { imported, functions } = readModule(module);
  const names = [...imported, ...functions].map(({ name = "" }) => name);
  const inOrder = orderToCompress(functions.map(({ body }) => body));
  const order = [...imported.keys(), ...inOrder.map((index) => imported.length + index)];
  for (const [position, index] of order.entries())
    names[index] = `${String(position).padStart(positionLength, "0")} ${names[index]}`;
  return withFunctionNames(module, names);
}

/** The module without positions in names, if it has names. */
function namedAsBefore(module) {
  const { imported, functions } = readModule(module);
  const names = [...imported, ...functions].map(({ name }) => name?.slice(positionLength + 1));
  return withFunctionNames(module, names);
}
