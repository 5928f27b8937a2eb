// The conformance kit on the IndexedDB store, which is persistent and shared.

import { storeRules } from "tenure";
import { describeStore } from "tenure/testing";
import { IndexedDbStore } from "../../npm/dist/stores/indexeddb.js";
import { newDatabase } from "../support/indexeddb.js";

describeStore("IndexedDB", () => {
  const name = newDatabase();
  const options = { durability: "normal", timeoutMs: 10_000, rules: storeRules } as const;
  return { open: () => new IndexedDbStore(name, options) };
});
