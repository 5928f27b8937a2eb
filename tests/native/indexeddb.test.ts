// What a URL of IndexedDB comes to in Node. Sessions in it are in `browser/` and `pages/`.

import { open, openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { failure } from "../support/failures.js";

describe("indexeddb:", () => {
  it("is no store where there is no IndexedDB", async () => {
    for (const attempt of [
      () => open("indexeddb:app"),
      async () => openSync("indexeddb:app"),
      () => open(new URL("indexeddb:app")),
    ]) {
      const { code, message } = await failure(attempt);
      expect(code).toBe("UNSUPPORTED_STORE");
      expect(message).toContain("where there is IndexedDB, indexeddb:name");
    }
  });
});
