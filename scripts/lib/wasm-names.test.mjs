// Which crate a function of a module is counted for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { crateOf, mentionsOurs } from "./wasm-names.mjs";

const core = "core[84191437197a5fe3]";
const tenure = "tenure_core[d135a9472d0f2588]";
const serde = "serde_core[79c00a61bad8b9cc]";
const json = "serde_json[69e209e7a683b866]";

test("a function is of the crate that its path begins with", () => {
  assert.equal(crateOf(`${tenure}::session::portable::read`), "tenure_core");
});

test("generic code is of the crate that wrote it, and made for the type that it names", () => {
  const name = `${json}::de::from_str::<${tenure}::store::changes::Commit>`;
  assert.equal(crateOf(name), "serde_json");
  assert.equal(mentionsOurs(name), true);
});

test("a method is of the crate of its type", () => {
  assert.equal(crateOf(`<${tenure}::value::json::Object>::put`), "tenure_core");
});

test("a method of a trait is of the crate of the type", () => {
  assert.equal(crateOf(`<${tenure}::error::Error as ${core}::fmt::Display>::fmt`), "tenure_core");
});

test("a method of a trait on a type of the standard library is of the trait's crate", () => {
  const option = `${core}::option::Option<${tenure}::stored::slot::Slot>`;
  assert.equal(crateOf(`<${option} as ${serde}::de::Deserialize>::deserialize`), "serde_core");
});

test("dropping a value is of the crate of its type", () => {
  assert.equal(crateOf(`${core}::ptr::drop_in_place::<${tenure}::error::Error>`), "tenure_core");
  assert.equal(crateOf(`${core}::ptr::drop_in_place::<[u8]>`), "core, alloc, std");
});

test("the standard library is one part", () => {
  assert.equal(crateOf(`${core}::fmt::float::float_to_decimal::<f64>`), "core, alloc, std");
  assert.equal(mentionsOurs(`${core}::fmt::float::float_to_decimal::<f64>`), false);
});

test("an arrow in a function's type does not end it", () => {
  const type = `dyn ${core}::ops::Fn<(&str,)> -> ${tenure}::Error`;
  assert.equal(crateOf(`<${type} as ${serde}::ser::Serialize>::serialize`), "serde_core");
});

test("a name without a crate, and no name, are counted apart", () => {
  assert.equal(crateOf("memcmp"), "(exports, intrinsics)");
  assert.equal(crateOf(undefined), "(exports, intrinsics)");
});
