// The order of example functions, and a module that computes the same in that order.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { nodeTool, run } from "./run.mjs";
import { orderFunctions, orderToCompress } from "./wasm-order.mjs";
import { readModule } from "./wasm-sections.mjs";

describe("the order of functions", () => {
  /** A short function: each byte is one more than the byte before. */
  const code = (start, length) => Buffer.from(Array.from({ length }, (_, i) => start + i));

  /** A long function: its numbers of four bytes are different, also from those of other lengths. */
  const withoutRepetition = (length) => {
    const body = Buffer.alloc(length);
    for (let i = 0; i < length; i += 4) body.writeUInt32BE(0x01000000 * (length % 251) + i, i);
    return body;
  };

  test("starts with the longest, and continues with those that repeat it", () => {
    const bodies = [code(0, 20), code(50, 20), code(0, 30), code(50, 21), code(0, 21)];
    assert.deepEqual(orderToCompress(bodies), [2, 4, 0, 1, 3]);
  });

  test("is that of the module for functions that share nothing", () => {
    const bodies = [code(0, 20), code(50, 20), code(100, 20)];
    assert.deepEqual(orderToCompress(bodies), [0, 1, 2]);
  });

  test("does not count what gzip has forgotten", () => {
    const shared = code(100, 60);
    const start = withoutRepetition(28_000);
    const tail = code(0, 30);
    const first = Buffer.concat([start, withoutRepetition(3_000), shared]);
    const second = Buffer.concat([start, tail]);
    // The fourth function has less in common with the second than the third has with the first.
    const fourth = Buffer.concat([tail, code(200, 30)]);
    assert.deepEqual(orderToCompress([first, second, shared, fourth]), [0, 1, 3, 2]);
  });

  test("contains functions that are shorter than a compared sequence", () => {
    assert.deepEqual(orderToCompress([code(0, 2), code(0, 2), code(0, 0)]), [0, 1, 2]);
    assert.deepEqual(orderToCompress([]), []);
  });
});

describe("a module in order", () => {
  let folder;
  let unordered;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenure-wasm-order-"));
    unordered = await assemble(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  const ordered = async (...flags) => {
    const path = join(folder, "ordered.wasm");
    writeFileSync(path, unordered);
    await orderFunctions(path, flags);
    return readFileSync(path);
  };

  test("has all functions under their names, in the order of their bodies", async () => {
    const { imported, functions } = readModule(await ordered("--debuginfo"));
    assert.deepEqual(names(imported), ["note", "add"]);
    const { functions: former } = readModule(unordered);
    const order = orderToCompress(former.map(({ body }) => body));
    assert.deepEqual(
      names(functions),
      order.map((index) => former[index].name),
    );
    assert.notDeepEqual(names(functions), names(former));
  });

  test("computes the same, through calls, the table, the start function and imports", async () => {
    const module = await ordered();
    assert.ok(WebAssembly.validate(module));
    assert.deepEqual(compute(module), compute(unordered));
    assert.deepEqual(compute(module), { noted: [7], polynomials: [97, 153], factorial: 120 });
  });

  test("is the same each time", async () => {
    assert.ok((await ordered()).equals(await ordered()));
  });

  test("has no names if they are stripped", async () => {
    const { sections, functions } = readModule(await ordered("--strip-debug"));
    assert.equal(
      sections.some(({ name }) => name === "name"),
      false,
    );
    assert.equal(functions.length, 6);
  });
});

const names = (functions) => functions.map(({ name }) => name);

/**
 * A module whose functions are used in every way: imported, exported, called, called through the table,
 * and at the start. The two polynomials are similar and far from each other.
 */
async function assemble(folder) {
  const polynomial = (name, constant) => `
    (func $${name} (param $x i32) (result i32)
      (call $sum
        (i32.mul (i32.mul (local.get $x) (local.get $x)) (i32.const 3))
        (i32.add (i32.mul (local.get $x) (i32.const 4)) (i32.const ${constant}))))`;
  const source = `
    (module
      (import "host" "note" (func $note (param i32)))
      (import "host" "add" (func $add (param i32 i32) (result i32)))
      (type $unary (func (param i32) (result i32)))
      (table 2 2 funcref)
      (elem (i32.const 0) $a_first $z_second)
      (start $begin)
      ${polynomial("a_first", 2)}
      (func $begin (call $note (i32.const 7)))
      (func $factorial (export "factorial") (param $n i32) (result i32)
        (if (result i32) (i32.eqz (local.get $n))
          (then (i32.const 1))
          (else (i32.mul (local.get $n)
            (call $factorial (i32.sub (local.get $n) (i32.const 1)))))))
      (func $polynomial (export "polynomial") (param $which i32) (param $x i32) (result i32)
        (call_indirect (type $unary) (local.get $x) (local.get $which)))
      (func $sum (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
      ${polynomial("z_second", 58)})`;
  writeFileSync(join(folder, "source.wat"), source);
  const [node, wasmAs] = nodeTool("binaryen", "wasm-as");
  const path = join(folder, "unordered.wasm");
  await run(node, [wasmAs, "--debuginfo", "-o", path, join(folder, "source.wat")]);
  return readFileSync(path);
}

/** What the functions of the module return, and what the start function has noted. */
function compute(module) {
  const noted = [];
  const host = { note: (value) => noted.push(value), add: (a, b) => a + b };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { host });
  const polynomials = [exports.polynomial(0, 5), exports.polynomial(1, 5)];
  return { noted, polynomials, factorial: exports.factorial(5) };
}
