// The conformance kit on the IndexedDB store, which is persistent and shared.

import { describeStore } from "tenure/testing";
import { IndexedDbStore } from "../../npm/dist/stores/indexeddb.js";
import { newDatabase } from "../support/indexeddb.js";

describeStore("IndexedDB", () => {
  const name = newDatabase();
  return { open: () => new IndexedDbStore(name, { durability: "normal", timeoutMs: 10_000 }) };
});
