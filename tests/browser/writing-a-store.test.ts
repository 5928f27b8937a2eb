// The store of the guide passes the conformance kit in a browser, with and without vitest.

import { MapStore } from "example:store.ts";
import { describeStore } from "tenure/testing";
import { expect, it, vi } from "vitest";

describeStore("the store of the guide", () => new MapStore());

it("reports no failed case", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("example:check.ts");
  expect(log.mock.calls).toEqual([[0, "failed"]]);
  log.mockRestore();
});
