// How the features of crates are read and compared.

import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, readFeatures } from "./feature-check.mjs";

const addon = readFeatures("a v1.0.0\tstd\nb v2.0.0\t\nb v2.0.0\t (*)\nonly v1.0.0\tx\n");

test("crates with the same features in both are no difference", () => {
  assert.deepEqual(differences(addon, readFeatures("b v2.0.0\t\na v1.0.0\tstd\nc v1.0.0\t\n")), []);
});

test("crates with other features are reported, and other versions are other crates", () => {
  const command = readFeatures("a v1.0.0\talloc,std\nb v2.1.0\tstd\n");
  assert.deepEqual(differences(addon, command), [
    { crate: "a v1.0.0", addon: "std", command: "alloc,std" },
  ]);
});
