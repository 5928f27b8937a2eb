// The modules and uses of example sources.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readCrate, Unreadable } from "./rust-modules.mjs";

/** The modules and uses of a crate with these files, each use as `from -> to (file:line path)`. */
function crate(files, rootFile = "src/lib.rs") {
  const { modules, uses } = readCrate(rootFile, (path) => files[path]);
  const drawn = uses.map(
    ({ from, to, file, line, path }) => `${from} -> ${to} (${file}:${line} ${path})`,
  );
  return { modules: modules.sort(), uses: drawn.sort() };
}

/** The uses in a module `user` with this text, next to the modules `a`, `a::b` and `c`. */
function usesIn(text) {
  const files = { "src/lib.rs": "mod a; mod c; mod user;", "src/a.rs": "pub mod b;" };
  const { uses } = crate({ ...files, "src/a/b.rs": "", "src/c.rs": "", "src/user.rs": text });
  return uses.map((use) => use.replace(/^user -> (\S+) \(src\/user\.rs:(\d+) .*\)$/, "$1 $2"));
}

test("modules are found next to and below the file that declares them", () => {
  const { modules, uses } = crate({
    "src/lib.rs": '#[cfg(unix)]\npub mod a;\nmod c;\n#[path = "odd/name.rs"]\nmod d;',
    "src/a.rs": "pub(crate) mod b;",
    "src/a/b.rs": "",
    "src/c/mod.rs": "mod e;",
    "src/c/e.rs": "",
    "src/odd/name.rs": "",
  });
  assert.deepEqual(modules, ["a", "a::b", "c", "c::e", "crate", "d"]);
  assert.deepEqual(uses, [], "to declare a module is not to use it");
});

test("a module without a file is an error with the location of its declaration", () => {
  assert.throws(
    () => crate({ "src/lib.rs": "\nmod gone;" }),
    (error) => error instanceof Unreadable && error.message.startsWith("src/lib.rs:2 "),
  );
});

test("use is resolved to the deepest existing module", () => {
  assert.deepEqual(usesIn("use crate::a::b::Thing;"), ["a::b 1"]);
  assert.deepEqual(usesIn("use crate::a::Thing::b;"), ["a 1"]);
  assert.deepEqual(usesIn("use super::c;"), ["c 1"]);
  assert.deepEqual(usesIn("use crate::Thing;"), ["crate 1"]);
});

test("every branch of a use tree is a use", () => {
  const tree = "use crate::{\n  a::{self as other, b::{X, Y as Z},},\n  c::*,\n};";
  assert.deepEqual(usesIn(tree), ["a 2", "a::b 2", "c 3"]);
});

test("other crates are not modules, even with the name of one", () => {
  assert.deepEqual(usesIn("use a::b::X; use ::c::Y; use std::fmt; fn f() { serde::c::g() }"), []);
});

test("paths in the code are uses, with the names that use binds", () => {
  assert.deepEqual(usesIn("fn f() -> crate::c::X { super::a::b::g::<u8>() }"), ["a::b 1", "c 1"]);
  assert.deepEqual(usesIn("use crate::a;\nfn f() { a::b::g() }"), ["a 1", "a::b 2"]);
  assert.deepEqual(usesIn("use crate::a as x;\nuse x::b as y;\nfn f() { y::g() }"), [
    "a 1",
    "a::b 2",
  ]);
});

test("comments and strings are no uses, but paths in attributes are", () => {
  assert.deepEqual(usesIn('/// [`crate::a`]\nfn f() { g("crate::a::b") /* crate::c::X */ }'), []);
  assert.deepEqual(usesIn('struct S {\n  #[serde(with = "crate::a::b")]\n  x: u8 }'), ["a::b 2"]);
});

test("the path in a visibility is not a use", () => {
  assert.deepEqual(usesIn("pub(in crate::a) struct S; pub(super) use crate::c::X;"), ["c 1"]);
});

test("code that is compiled for tests only is skipped", () => {
  assert.deepEqual(usesIn("#[cfg(test)]\nmod tests { use super::*; use crate::a::X; }"), []);
  assert.deepEqual(
    usesIn("#[cfg(all(unix, test))] #[allow(x)] use crate::a::{X};\nuse crate::c;"),
    ["c 2"],
  );
  assert.deepEqual(usesIn("#[cfg(test)] pub(crate) fn f() { crate::a::g() }\nuse crate::c;"), [
    "c 2",
  ]);
  assert.deepEqual(usesIn("#[cfg(not(test))] use crate::a::X;"), ["a 1"]);
  const { modules } = crate({ "src/lib.rs": "#[cfg(test)] mod tests; mod a;", "src/a.rs": "" });
  assert.deepEqual(modules, ["a", "crate"]);
});

test("an inline module belongs to its file, with its own scope", () => {
  const inline = "mod inner { use super::super::a::X; fn f() { self::g(); super::h() } }";
  assert.deepEqual(usesIn(inline), ["a 1"]);
  const files = { "src/lib.rs": "mod a; mod b;", "src/a.rs": "pub mod inner { }" };
  const { uses } = crate({ ...files, "src/b.rs": "use crate::a::inner::X;" });
  assert.deepEqual(uses, ["b -> a (src/b.rs:1 crate::a::inner::X)"]);
});

test("a parent that re-exports from a child uses it", () => {
  const { uses } = crate({
    "src/lib.rs": "mod a; pub use a::X;",
    "src/a.rs": "pub mod b;\npub(crate) use self::b::{X, Y};",
    "src/a/b.rs": "use super::Z;",
  });
  assert.deepEqual(uses, [
    "a -> a::b (src/a.rs:2 self::b::X)",
    "a::b -> a (src/a/b.rs:1 super::Z)",
    "crate -> a (src/lib.rs:1 a::X)",
  ]);
});

test("$crate in a macro for other crates is not a use", () => {
  assert.deepEqual(usesIn("#[macro_export] macro_rules! m { () => { $crate::a::f() } }"), []);
  assert.deepEqual(usesIn("macro_rules! m { () => { $crate::a::f() } }"), ["a 1"]);
});

test("a macro for other crates belongs to the module that declares it", () => {
  const { uses } = crate({
    "src/lib.rs": "mod a; mod b;",
    "src/a.rs": "#[macro_export] macro_rules! m { () => {} }",
    "src/b.rs": "crate::m!();",
  });
  assert.deepEqual(uses, ["b -> a (src/b.rs:1 crate::m)"]);
});
