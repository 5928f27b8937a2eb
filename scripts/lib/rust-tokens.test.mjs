// The tokens of example sources.

import assert from "node:assert/strict";
import { test } from "node:test";
import { tokensOf } from "./rust-tokens.mjs";

const texts = (source, kind) =>
  tokensOf(source)
    .filter((token) => kind === undefined || token.kind === kind)
    .map(({ text }) => text);

test("names and paths are split at their marks", () => {
  assert.deepEqual(texts("use a::b_2::{C, r#type};"), [
    ..."use a :: b_2 :: { C , type } ;".split(" "),
  ]);
});

test("comments are dropped, also nested ones and doc comments", () => {
  const source = "a // b\n/// c\n//! d\n/* e /* f */ g */ h /** i */ /* j";
  assert.deepEqual(texts(source), ["a", "h"]);
});

test("a comment mark in a string starts no comment, and a quote in a comment starts no string", () => {
  assert.deepEqual(texts('"//" a /* " */ b'), ["//", "a", "b"]);
});

test("escaped quotes do not end a string", () => {
  assert.deepEqual(texts(String.raw`"a\"b" c b"d\\" e c"f"`), [
    String.raw`a\"b`,
    "c",
    String.raw`d\\`,
    "e",
    "f",
  ]);
});

test("raw strings end with as many hashes as they start with", () => {
  assert.deepEqual(texts('r"a\\" b r#"c"d"# e br##"f"#g"## h'), [
    "a\\",
    "b",
    'c"d',
    "e",
    'f"#g',
    "h",
  ]);
});

test("characters and lifetimes are different tokens", () => {
  const source = String.raw`'a' 'a '\'' '"' '\u{1F980}' b'\\' '🦀' <'de, 'static>`;
  assert.deepEqual(texts(source, "lifetime"), ["'a", "'de", "'static"]);
  assert.equal(texts(source, "literal").length, 6);
  assert.deepEqual(texts(source, "string"), []);
});

test("numbers end before the dots of a range", () => {
  assert.deepEqual(texts("0..9u8"), ["0", ".", ".", "9u8"]);
});

test("lines in strings and comments are counted", () => {
  const lines = tokensOf('a\n"b\n"\n/* \n */ c\n// d\ne').map(({ text, line }) => [text, line]);
  assert.deepEqual(lines, [
    ["a", 1],
    ["b\n", 2],
    ["c", 5],
    ["e", 7],
  ]);
});
