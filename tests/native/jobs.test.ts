// Jobs that a handle runs: what has been missed is run at once, over the store, by one process at a time, and `close` ends it. The core has the
// tests of schedules and retries, the command those of the archive. About 3 s.

import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JobAlert, type JobReport, open, type PurgeProgress, type Sessions } from "tenure";
import { afterEach, describe, expect, it, vi } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { runExamples } from "../support/examples.js";
import { newFolder } from "../support/folders.js";
import { command } from "../support/server.js";
import { newDatabase } from "../support/sqlite.js";
import { opening } from "../support/stores.js";

const DAY = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

/** A store with sessions in the trash, whose job was seen three days ago for the first time, and has missed its runs since. */
async function missed(ids: readonly string[]): Promise<string> {
  const url = `sqlite:${newDatabase()}`;
  const sessions = await opening(url);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 3 * DAY });
  // A program that runs the job itself calls it by its name.
  await (sessions as unknown as Performer).perform("jobClaim", { job: "archive" });
  vi.useRealTimers();
  for (const id of ids) {
    await sessions.start({ id, task: "t", mode: "m" });
    await sessions.trash(id);
  }
  return url;
}

interface Performer {
  perform(name: string, params: object): Promise<unknown>;
}

/** Opens a handle with a job, and waits for its next report. */
async function run(url: string, jobs: object = {}): Promise<JobReport> {
  let onRun: (report: JobReport) => void = () => {};
  const reported = new Promise<JobReport>((resolve) => {
    onRun = resolve;
  });
  await opening(url, { jobs: { purgeAfter: 0, ...jobs, onRun } });
  return reported;
}

/** Runs a script to its end. Returns its status and what it prints. */
function runNode(script: string, ...args: readonly string[]): readonly unknown[] {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...args, "--input-type=module", "--eval", script],
    { cwd: inRoot("tests"), encoding: "utf8", timeout: 20_000 },
  );
  return [status, stdout, stderr];
}

async function trash(sessions: Sessions): Promise<number> {
  let count = 0;
  for await (const _ of sessions.list({ trash: "only" })) count += 1;
  return count;
}

describe("a job of a handle", () => {
  it("archives and removes, and reports", async () => {
    const url = await missed(["a", "b", "c"]);
    await using sessions = await open(url);
    const exported = await sessions.export("a");
    const archive = `file:${newFolder()}`;
    const progress: PurgeProgress[] = [];
    const report = await run(url, {
      archive: { url: archive, compress: true },
      onProgress: (now: PurgeProgress) => void progress.push(now),
    });
    expect(report).toMatchObject({
      ...{ job: "archive", outcome: "done", isLate: true, missed: 2, attempt: 1 },
      ...{ archived: 3, removed: 3, errors: 0, error: null },
    });
    expect(progress[0]).toEqual({ removed: 0, archived: 1 });
    expect(await sessions.get("a")).toBeNull();
    const args = ["archive", "get", "a", "--archive", archive];
    expect(execFileSync(command, args, { encoding: "utf8" }).trimEnd()).toBe(exported);
    const { items } = await sessions.audit.entries({ kind: "job.run" });
    expect(items.map(({ data }) => data)).toMatchObject([{ report: { removed: 3 } }]);
    expect(await sessions.metrics()).toContain("tenure_");
  });

  it("keeps no handle from opening when its archive cannot be opened, and fails the run", async () => {
    const url = await missed(["a"]);
    const archive = join(newFolder(), "archive");
    writeFileSync(archive, "");
    const report = await run(url, { archive: `file:${archive}` });
    expect(report).toMatchObject({
      outcome: "failed",
      removed: 0,
      error: expect.stringMatching(/^ARCHIVE_FAILED: /),
    });
    await using sessions = await open(url);
    expect(await sessions.get("a", { trash: "only" })).not.toBeNull();
    const other = { jobs: { archive: "other:x" } };
    await expect(open(url, other)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("is run by one of several handles", async () => {
    const url = await missed(["a", "b"]);
    const reports: JobReport[] = [];
    const jobs = { purgeAfter: 0, onRun: (report: JobReport) => void reports.push(report) };
    const handles = [];
    for (let count = 0; count < 4; count += 1) handles.push(await opening(url, { jobs }));
    await vi.waitFor(() => expect(reports).toHaveLength(1), 10_000);
    for (const handle of handles) await handle.close();
    expect(reports.map(({ removed }) => removed)).toEqual([2]);
  });

  it("ends with the handle, and the next one goes on with the run", async () => {
    const ids = Array.from({ length: 60 }, (_, index) => `s${index}`);
    const url = await missed(ids);
    const archive = `file:${newFolder()}`;
    const first = await open(url, { jobs: { purgeAfter: 0, archive, batch: 5, cpuPercent: 20 } });
    await vi.waitFor(async () => expect(await trash(first)).toBeLessThan(60), {
      timeout: 30_000,
      interval: 5,
    });
    await first.close();
    await using sessions = await open(url);
    const left = await trash(sessions);
    expect(left).toBeGreaterThan(0);
    const report = await run(url, { archive });
    expect(report).toMatchObject({ outcome: "done", removed: left, attempt: 1 });
    expect(await trash(sessions)).toBe(0);
    const { items } = await sessions.audit.entries({ kind: "job.run" });
    expect(items).toHaveLength(2);
  });

  it("alerts a function, or the listeners of errors", async () => {
    const url = await missed(["a"]);
    const alerts: JobAlert[] = [];
    await run(url, { slowAfter: 0, onAlert: (alert: JobAlert) => void alerts.push(alert) });
    expect(alerts).toMatchObject([{ job: "archive", reason: "slow" }]);
    const errors: unknown[] = [];
    const sessions = await opening(await missed(["a"]), { jobs: { purgeAfter: 0, slowAfter: 0 } });
    sessions.on("error", ({ code, details }) => void errors.push([code, details]));
    await vi.waitFor(() => expect(errors).toHaveLength(1), 10_000);
    expect(errors).toEqual([["NOT_REMOVED", { job: "archive", reason: "slow" }]]);
  });

  it("whose function throws goes on, and the listeners of errors hear of it", async () => {
    const url = await missed(["a"]);
    const errors: string[] = [];
    const onRun = (): never => {
      throw new Error("no");
    };
    const sessions = await opening(url, { jobs: { purgeAfter: 0, onRun } });
    sessions.on("error", ({ code }) => void errors.push(code));
    await vi.waitFor(() => expect(errors).toEqual(["LISTENER_FAILED"]), 10_000);
    expect(await sessions.get("a")).toBeNull();
  });

  it("does not keep a process alive", () => {
    const script = `import { open } from "tenure";
      await open("memory:", { jobs: { maxAge: "30d" } });
      console.log("end");`;
    expect(runNode(script)).toEqual([0, "end\n", ""]);
  });

  it("ends with a handle that was garbage-collected", () => {
    const script = `import { open } from "tenure";
      import { readdirSync, readFileSync } from "node:fs";
      const handles = [];
      await (async () => {
        for (let count = 0; count < 10; count += 1) {
          const sessions = await open("memory:", {
            // What names the handle does not keep it.
            jobs: { maxAge: "30d", onRun: () => sessions.close() },
          });
          handles.push(new WeakRef(sessions));
        }
      })();
      const threads = () => {
        if (process.platform !== "linux") return 0;
        const names = readdirSync("/proc/self/task").map((task) => {
          try {
            return readFileSync("/proc/self/task/" + task + "/comm", "utf8").trim();
          } catch {
            return "";
          }
        });
        return names.filter((name) => name === "tenure-jobs").length;
      };
      const pause = () => new Promise((go) => setTimeout(go, 20));
      const most = process.platform === "linux" ? 10 : 0;
      for (let round = 0; round < 200 && threads() < most; round += 1) await pause();
      const before = threads();
      for (let round = 0; round < 200 && (round < 5 || threads() > 0); round += 1) {
        globalThis.gc();
        await pause();
      }
      const left = handles.filter((handle) => handle.deref() !== undefined).length;
      console.log(before === most, left, threads());`;
    expect(runNode(script, "--expose-gc")).toEqual([0, "true 0 0\n", ""]);
  });
});

it("the example on the page about scheduled work runs", async () => {
  expect(await runExamples(newFolder(), "docs/jobs.md")).toEqual([""]);
});
