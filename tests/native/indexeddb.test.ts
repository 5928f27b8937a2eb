// An IndexedDB URL in Node. Sessions in IndexedDB are tested in `browser/` and `pages/`.

import { open, openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { failure } from "../support/failures.js";

describe("indexeddb:", () => {
  it("is unsupported without IndexedDB", async () => {
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
