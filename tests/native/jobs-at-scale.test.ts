// Jobs of real processes over one store: many sessions within bounded memory, two processes at once, and processes that are killed at any
// moment. No session may be gone that is not archived to the byte. The quick run has a tenth. About 12 s.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { type ArchivedSession, open, openSync, type Sessions } from "tenure";
import { describe, expect, it, onTestFinished } from "vitest";
import { newFolder } from "../support/folders.js";
import { command } from "../support/server.js";
import { newDatabase } from "../support/sqlite.js";

const SCALE = Number(process.env.TENURE_TEST_SCALE ?? "0.1");

/** A new store with sessions in the trash. */
function trashed(count: number): string {
  const url = `sqlite:${newDatabase()}`;
  const sessions = openSync(url);
  const context = { notes: "x".repeat(1000) };
  for (let first = 0; first < count; first += 1000) {
    const ids = Array.from({ length: Math.min(1000, count - first) }, (_, at) => `s${first + at}`);
    for (const id of ids) sessions.start({ id, task: "t", mode: "m", context });
    sessions.trashMany(ids);
  }
  sessions.close();
  return url;
}

/** A folder in memory, so that not every file is waited for. It is removed after the test. */
function inMemory(): string {
  const folder = mkdtempSync("/dev/shm/tenure-test-");
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a run of the job. */
function start(url: string, archive: string, ...more: readonly string[]): ChildProcess {
  const args = ["jobs", "run", "--once", "--json", "--purge-after", "0s", "--archive", archive];
  return spawn(command, [...args, "--store", url, ...more], { stdio: ["ignore", "pipe", "pipe"] });
}

interface Ended {
  readonly code: number | null;
  readonly report: Readonly<Record<string, unknown>>;
}

/** The end of a run. */
async function ended(child: ChildProcess): Promise<Ended> {
  const [out, error, [code]] = await Promise.all([
    child.stdout ? text(child.stdout) : "",
    child.stderr ? text(child.stderr) : "",
    once(child, "exit"),
  ]);
  if (out === "") throw new Error(`no report: ${error}`);
  return { code, report: JSON.parse(out) };
}

/** The most memory that a process has used so far, in MiB. */
function peakOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [, kilobytes = "0"] = /^VmHWM:\s*(\d+) kB$/m.exec(status) ?? [];
  return Number(kilobytes) / 1024;
}

/** Runs the job to its end. Returns its end, and the most memory that was seen in use. */
async function measured(child: ChildProcess): Promise<Ended & { readonly peak: number }> {
  let peak = 0;
  const timer = setInterval(() => {
    try {
      peak = Math.max(peak, peakOf(child));
    } catch {
      // It has ended.
    }
  }, 10);
  try {
    return { ...(await ended(child)), peak };
  } finally {
    clearInterval(timer);
  }
}

/** All archived sessions. */
async function archivedIn(sessions: Sessions, url: string): Promise<readonly ArchivedSession[]> {
  const archive = sessions.archive(url);
  const all: ArchivedSession[] = [];
  let cursor: string | undefined;
  do {
    const page = await archive.list({ limit: 1000, cursor });
    all.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return all;
}

describe("a job", () => {
  it.runIf(process.platform === "linux")(
    "takes no more memory for many sessions than for few",
    async () => {
      const peaks: number[] = [];
      for (const count of [1000, Math.round(100_000 * SCALE)]) {
        const archive = `file:${inMemory()}`;
        const { code, report, peak } = await measured(start(trashed(count), archive));
        expect([code, report]).toMatchObject([0, { outcome: "done", removed: count, errors: 0 }]);
        expect(report.archived).toBe(count);
        peaks.push(peak);
      }
      const [few = 0, many = 0] = peaks;
      console.info(
        `a job takes ${few.toFixed(1)} MiB for 1,000 sessions, ${many.toFixed(1)} for all`,
      );
      expect(few).toBeGreaterThan(1);
      // The caches of the store and of the allocator fill: they have a limit, and the number of sessions has none.
      expect(many).toBeLessThan(few + 24);
      expect(many).toBeLessThan(100);
    },
  );

  it("is run by one of two processes, and the other one says so", async () => {
    const url = trashed(100);
    const archive = `file:${newFolder()}`;
    // Slow enough for the other one to begin meanwhile.
    const runs = await Promise.all(
      [1, 2].map(() => ended(start(url, archive, "--cpu-percent", "20"))),
    );
    runs.sort((one, other) => (one.code ?? 0) - (other.code ?? 0));
    expect(runs).toMatchObject([
      { code: 0, report: { outcome: "done", removed: 100 } },
      { code: 1, report: { outcome: "held", removed: 0 } },
    ]);
    await using sessions = await open(url);
    expect(await archivedIn(sessions, archive)).toHaveLength(100);
  });

  it("that is killed at any moment loses no session, and the next run finishes", async () => {
    const count = 400;
    const url = trashed(count);
    const archive = `file:${newFolder()}`;
    await using sessions = await open(url);
    const ids = Array.from({ length: count }, (_, at) => `s${at}`);
    const exports = new Map<string, string>();
    for (const id of ids) exports.set(id, await sessions.export(id));
    let round = 0;
    const check = async (): Promise<void> => {
      const archived = new Set((await archivedIn(sessions, archive)).map(({ id }) => id));
      for (const id of ids) {
        const isThere = (await sessions.get(id, { history: "none" })) !== null;
        expect(isThere || archived.has(id), `${id} after round ${round}`).toBe(true);
      }
    };
    let killed = 0;
    for (let kill = 0; kill < Math.max(6, Math.round(60 * SCALE)); kill += 1) {
      round += 1;
      const child = start(url, archive, "--batch", "20", "--cpu-percent", "50");
      await sleep(5 + Math.random() * 120);
      const exited = once(child, "exit");
      if (child.exitCode === null) killed += child.kill("SIGKILL") ? 1 : 0;
      if (child.exitCode === null) await exited;
      await check();
    }
    expect(killed).toBeGreaterThan(0);
    let report: Ended["report"] = {};
    // After four attempts that end with their process the occurrence is abandoned, and the next one is run.
    for (let run = 0; run < 3 && report.outcome !== "done"; run += 1) {
      ({ report } = await ended(start(url, archive)));
    }
    expect(report).toMatchObject({ outcome: "done", errors: 0 });
    await check();
    const opened = sessions.archive(archive);
    for (const id of ids) {
      expect(await sessions.get(id)).toBeNull();
      expect(await opened.get(id)).toBe(exports.get(id));
    }
    const { problems } = await opened.verify();
    expect(problems).toEqual([]);
  });
});
