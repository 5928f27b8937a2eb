// Which Rust files are a part of a target, and which of their tests it does not run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { turnedOff, undeclared } from "./file-check.mjs";

const missing = (roots, texts) =>
  undeclared(Object.keys(texts), roots, (path) => (path in texts ? texts[path] : undefined));

test("a file is compiled if a module of a target declares it", () => {
  const texts = {
    "a/src/lib.rs": "pub mod one;\n#[cfg(test)]\nmod tests;",
    "a/src/one.rs": "pub(crate) mod two;\n    mod inner { }",
    "a/src/one/two.rs": "",
    "a/src/tests.rs": "",
    "a/tests/main.rs": "mod support;\nmod copies;",
    "a/tests/support/mod.rs": "mod driver;",
    "a/tests/support/driver.rs": "",
    "a/tests/copies.rs": "",
  };
  assert.deepEqual(missing(["a/src/lib.rs", "a/tests/main.rs"], texts), []);
});

test("a file that no module declares is reported", () => {
  const texts = {
    "a/tests/main.rs": "mod one; // mod three;",
    "a/tests/one.rs": "",
    "a/tests/two.rs": "",
    "a/tests/three.rs": "",
    "a/tests/one/four.rs": "",
  };
  const expected = ["a/tests/two.rs", "a/tests/three.rs", "a/tests/one/four.rs"];
  assert.deepEqual(missing(["a/tests/main.rs"], texts), expected);
});

test("a file with a path attribute is compiled, and its modules are next to it", () => {
  const texts = {
    "src/main.rs": '#[path = "other/x.rs"]\nmod y;',
    "src/other/x.rs": "mod z;",
    "src/other/z.rs": "",
  };
  assert.deepEqual(missing(["src/main.rs"], texts), []);
});

test("tests and examples that a target does not run are reported", () => {
  const texts = {
    "src/lib.rs": "mod one;\nmod two;",
    "src/one.rs": "#[cfg(test)]\nmod tests {\n    #[test]\n    fn a_test() {}\n}",
    "src/two.rs": "/// Adds.\n///\n/// ```\n/// add();\n/// ```\nfn add() {}",
  };
  const found = (test, doctest) =>
    turnedOff({ root: "src/lib.rs", test, doctest }, (path) => texts[path]);
  assert.deepEqual(found(true, true), []);
  assert.deepEqual(found(false, true), [
    "src/one.rs: it has a test, and its crate has `test = false`",
  ]);
  assert.deepEqual(found(true, false), [
    "src/two.rs: it has an example, and its crate has `doctest = false`",
  ]);
});
