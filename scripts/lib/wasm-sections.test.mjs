// The sections and functions of a module that is constructed by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readModule, withFunctionNames } from "./wasm-sections.mjs";

const text = (value) => [value.length, ...Buffer.from(value)];
const section = (id, ...content) => [id, content.length, ...content];
const body = (...instructions) => [instructions.length, ...instructions];

/**
 * A module with an imported function and two functions, and with names of the import and of the
 * first function.
 */
const module = Buffer.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, 1, 0x60, 0, 0),
  ...section(2, 1, ...text("host"), ...text("log"), 0, 0),
  ...section(3, 2, 0, 0),
  ...section(10, 2, ...body(0, 0x0b), ...body(0, 0x01, 0x01, 0x0b)),
  ...section(0, ...text("name"), 1, 12, 2, 0, ...text("log"), 1, ...text("work")),
]);

test("the example is a valid module", () => {
  assert.ok(WebAssembly.validate(module));
});

test("functions have their names in the module, and imports are not among them", () => {
  const { imported, functions } = readModule(module);
  assert.deepEqual(imported, [{ name: "log" }]);
  assert.deepEqual(
    functions.map(({ name, body }) => [name, body.length]),
    [
      ["work", 2],
      [undefined, 4],
    ],
  );
});

test("sections have names and sizes", () => {
  const { sections } = readModule(module);
  assert.deepEqual(
    sections.map(({ name, content }) => [name, content.length]),
    [
      ["types", 4],
      ["imports", 12],
      ["function types", 3],
      ["code", 9],
      ["name", 19],
    ],
  );
});

test("functions get other names, and nothing else changes", () => {
  const long = "n".repeat(300);
  const renamed = withFunctionNames(module, ["print", undefined, long]);
  assert.ok(WebAssembly.validate(renamed));
  const { sections, imported, functions } = readModule(renamed);
  assert.deepEqual(imported, [{ name: "print" }]);
  const before = readModule(module);
  assert.deepEqual(functions, [
    { name: undefined, body: before.functions[0].body },
    { name: long, body: before.functions[1].body },
  ]);
  assert.deepEqual(sections.slice(0, -1), before.sections.slice(0, -1));
});

test("a module of functions without names has no section of names", () => {
  const { sections } = readModule(withFunctionNames(module, [undefined, "", undefined]));
  assert.deepEqual(sections, readModule(module).sections.slice(0, -1));
});
