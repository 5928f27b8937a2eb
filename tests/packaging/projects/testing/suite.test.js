// A user's own suite with the helpers.

import { givenSession, memorySessions } from "tenure/testing";
import { expect, it } from "vitest";

it("cleans up what is old", async () => {
  const { sessions, clock } = await memorySessions();
  await givenSession(sessions, { status: "completed" });
  clock.advance("31d");
  await sessions.cleanup({ maxAge: "30d" });
  expect((await sessions.list()).items).toEqual([]);
  await sessions.close();
});
