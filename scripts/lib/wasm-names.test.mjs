// The crates of example functions.

import assert from "node:assert/strict";
import { test } from "node:test";
import { crateOf, mentionsOurs } from "./wasm-names.mjs";

const core = "core[84191437197a5fe3]";
const tenure = "tenure_core[d135a9472d0f2588]";
const serde = "serde_core[79c00a61bad8b9cc]";
const json = "serde_json[69e209e7a683b866]";

test("a function belongs to the crate at the start of its path", () => {
  assert.equal(crateOf(`${tenure}::session::portable::read`), "tenure_core");
});

test("generic code belongs to its own crate, and mentions the crates of its types", () => {
  const name = `${json}::de::from_str::<${tenure}::store::changes::Commit>`;
  assert.equal(crateOf(name), "serde_json");
  assert.equal(mentionsOurs(name), true);
});

test("a method belongs to the crate of its type", () => {
  assert.equal(crateOf(`<${tenure}::value::json::Object>::put`), "tenure_core");
});

test("a method of a trait belongs to the crate of the type", () => {
  assert.equal(crateOf(`<${tenure}::error::Error as ${core}::fmt::Display>::fmt`), "tenure_core");
});

test("a method of a trait for a type of the standard library belongs to the crate of the trait", () => {
  const option = `${core}::option::Option<${tenure}::stored::slot::Slot>`;
  assert.equal(crateOf(`<${option} as ${serde}::de::Deserialize>::deserialize`), "serde_core");
});

test("dropping a value belongs to the crate of its type", () => {
  assert.equal(crateOf(`${core}::ptr::drop_in_place::<${tenure}::error::Error>`), "tenure_core");
  assert.equal(crateOf(`${core}::ptr::drop_in_place::<[u8]>`), "core, alloc, std");
});

test("the crates of the standard library are one part", () => {
  assert.equal(crateOf(`${core}::fmt::float::float_to_decimal::<f64>`), "core, alloc, std");
  assert.equal(mentionsOurs(`${core}::fmt::float::float_to_decimal::<f64>`), false);
});

test("an arrow in the type of a function does not end a type", () => {
  const type = `dyn ${core}::ops::Fn<(&str,)> -> ${tenure}::Error`;
  assert.equal(crateOf(`<${type} as ${serde}::ser::Serialize>::serialize`), "serde_core");
});

test("functions without a crate or a name are counted separately", () => {
  assert.equal(crateOf("memcmp"), "(exports, intrinsics)");
  assert.equal(crateOf(undefined), "(exports, intrinsics)");
});
