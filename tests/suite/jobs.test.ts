// The option `jobs` of `open` where no thread could run a job, and with values that no run could have. Its runs are in
// native/jobs.test.ts.

import { init, open, openSync } from "tenure";
import { expect, it } from "vitest";
import { failure } from "../support/failures.js";
import { asynchronous, MapStore } from "../support/map-store.js";

const jobs = { maxAge: "30d" };

it("a job is refused where no thread would run it", async () => {
  await init();
  const opening = [
    () => openSync("memory:", { jobs }),
    () => open(new MapStore(), { jobs }),
    () => open(asynchronous(new MapStore()), { jobs }),
    ...(__BUILD__ === "native" ? [] : [() => open("memory:", { jobs })]),
  ];
  for (const open of opening) {
    const error = await failure((async () => open())());
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", details: { what: "jobs" } });
  }
});

it.runIf(__BUILD__ === "native")("a job without a meaning is refused", async () => {
  for (const [options, what] of [
    [{}, "maxAge"],
    [{ ...jobs, at: "3" }, "at"],
    [{ ...jobs, at: "0 3 * *" }, "at"],
    [{ ...jobs, job: "a/b" }, "job"],
    [{ ...jobs, maxAge: "soon" }, "maxAge"],
    [{ ...jobs, batch: 0 }, "batch"],
    [{ ...jobs, batch: 1001 }, "batch"],
    [{ ...jobs, cpuPercent: 101 }, "cpuPercent"],
    [{ ...jobs, keepArchive: "1d" }, "keepArchive"],
    [{ ...jobs, archive: () => {} }, "archive"],
    [{ ...jobs, archive: "s3://user:secret@bucket" }, "archive"],
    [{ ...jobs, archive: "nowhere" }, "archive"],
    [{ ...jobs, onAlert: "mail" }, "onAlert"],
    [{ ...jobs, often: true }, "jobs"],
    ["nightly", "jobs"],
  ] as const) {
    const error = await failure(open("memory:", { jobs: options as object }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", details: { what } });
    expect(error.message).not.toContain("secret");
  }
});
