// Which Rust files are a part of a target.

import assert from "node:assert/strict";
import { test } from "node:test";
import { undeclared } from "./file-check.mjs";

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
