// Many processes start the same run, or a session in the same slot of one store, concurrently and
// round after round. Half of the winners are killed, some of them before they can report. Each
// round has one winner, and no reported result is lost.

import { join } from "node:path";
import { type AuditEntry, open, type SessionHead, type Sessions } from "tenure";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Contenders, PROCESSES, ROUNDS, TIMEOUT } from "../support/contenders.js";
import { lastingFolder } from "../support/folders.js";

interface Reply {
  /** The decision on a run. */
  readonly skip?: boolean;
  readonly reason?: string;
  readonly holder?: string;
  /** The outcome of starting a session in a slot. */
  readonly outcome?: string;
  readonly id?: string;
  readonly replaced?: string;
  /** The error of a failed call. */
  readonly failed?: string;
}

/** The maximum duration of a slot's lock. */
const LOCK_MS = 5000;

const folder = lastingFolder();
const stores = [
  { place: "a database", url: `sqlite:${join(folder, "races.db")}`, processes: PROCESSES },
  // Every write waits for the disk.
  { place: "a folder", url: `file:${join(folder, "races")}`, processes: 8 },
];
let contenders: Contenders<Reply>;
let sessions: Sessions;

describe.each(stores)("concurrent processes in $place", ({ url, processes }) => {
  beforeAll(async () => {
    sessions = await open(url);
    // Synchronous and asynchronous handles.
    contenders = new Contenders((place) => {
      return { file: "racer.mjs", args: [url, place % 2 === 0 ? "sync" : "async"] };
    });
    await contenders.start(processes);
  }, TIMEOUT);

  afterAll(async () => {
    await contenders.end();
    await sessions.close();
  });

  it(
    "admit a run once, which blocks duplicates for its window, although winners are killed",
    async () => {
      const reported = new Map<string, Reply>();
      for (let round = 0; round < ROUNDS; round += 1) {
        // In some rounds the run was cleared before, and is admitted again.
        const commit = Math.floor(round / 3);
        if (round % 3 > 0) await sessions.dedup.clear();
        const eventType = commit % 2 === 0 ? "push" : "pull_request";
        const run = { eventType, workflow: "CI", commitSha: `c${commit}` };
        const idOf = (place: number): string => `${round}.${place}`;
        const { key } = await sessions.dedup.check(run);

        const { replies, winner } = await race(
          round,
          (place) => ({ what: "admit", run: { ...run, runId: idOf(place) } }),
          async () => {
            const { items } = await sessions.dedup.list({ prefix: key });
            expect(items, `the holders in round ${round}`).toHaveLength(1);
            return placeOf(items[0]?.holder);
          },
        );
        const holder = idOf(winner);
        replies.forEach((reply, place) => {
          if (reply === undefined) return;
          reported.set(idOf(place), reply);
          expect(reply, `place ${place} in round ${round}`).toMatchObject(
            place === winner
              ? { skip: false, reason: "new_session" }
              : { skip: true, reason: "active_session", holder },
          );
        });

        const late = `${round}.late`;
        const foreign = await sessions.dedup.cleanup({ key, runId: late });
        expect(foreign).toMatchObject({ outcome: "not_owner" });
        if (round % 2 === 0) {
          const ended = await sessions.dedup.cleanup({ key, runId: holder });
          expect(ended).toMatchObject({ outcome: "released" });
        }
        const again = await sessions.dedup.admit({ ...run, runId: late });
        expect(again).toMatchObject({ skip: true, holder });
      }

      const decisions = new Map<string, unknown>();
      const began: string[] = [];
      for (const { data } of await entries("dedup.decision")) {
        const id = String(data.run_id);
        expect(decisions.has(id), `${id} was decided twice`).toBe(false);
        decisions.set(id, data);
        if (data.skip === false) began.push(id.split(".")[0] ?? "");
      }
      for (const [id, { skip, reason }] of reported) {
        expect(decisions.get(id), id).toMatchObject({ skip, reason });
      }
      expect(began.map(Number).sort((a, b) => a - b)).toEqual(
        Array.from({ length: ROUNDS }, (_, round) => round),
      );
      const stored = new Set<string>();
      for (const { data } of await entries("dedup.run"))
        stored.add(`${data.run_id} ${data.job_status}`);
      const { steps, ends } = contenders.reports;
      expect(ends).toEqual(new Map());
      for (const [id, step] of steps) {
        for (let taken = 1; taken <= step; taken += 1) {
          expect(stored.has(`${id} step ${taken}`), `${id} step ${taken} is stored`).toBe(true);
        }
      }
    },
    TIMEOUT,
  );

  it(
    "start one session in a slot for one model, although winners are killed",
    async () => {
      contenders.reports.clear();
      for (let round = 0; round < ROUNDS; round += 1) {
        const taskId = `same ${round}`;
        const idOf = (place: number): string => `same-${round}.${place}`;
        const asking = (place: number, id: string) => ({
          what: "start",
          slot: { ...slotOf(taskId), model: "opus", id },
          pessimistic: isPessimistic(round, place),
        });
        const { replies, winner } = await race(
          round,
          (place) => asking(place, idOf(place)),
          () => inSlot(taskId),
        );
        expectOneWinner(replies, winner, { outcome: "created", id: idOf(winner) });

        // A failed session is superseded by the next one.
        if (round % 2 === 1) continue;
        await contenders.at(winner).ask({ what: "stop" });
        await sessions.fail(idOf(winner), "the build server did not answer");
        const nextId = (place: number): string => `again-${round}.${place}`;
        const nextReplies = await contenders.ask((place) => asking(place, nextId(place)));
        const successor = await inSlot(taskId);
        const replaced = idOf(winner);
        expectOneWinner(nextReplies, successor, {
          outcome: "replaced",
          id: nextId(successor),
          replaced,
        });
      }
      await expectConsistent("same");
    },
    TIMEOUT,
  );

  it(
    "replace the session in a slot one at a time, although winners are killed",
    async () => {
      contenders.reports.clear();
      const reported: Reply[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        // First a free slot, then an occupied one.
        const taskId = `other ${Math.floor(round / 3)}`;
        const idOf = (place: number): string => `other-${round}.${place}`;
        const model = (place: number): string => `model ${round}.${place}`;
        const racing = race(
          round,
          (place) => ({
            what: "start",
            slot: { ...slotOf(taskId), model: model(place), id: idOf(place) },
            onModelChange: "replace",
            pessimistic: isPessimistic(round, place),
          }),
          () => inSlot(taskId),
        );
        const [{ replies }, seen] = await observeDuring(taskId, racing);
        if (round % 3 > 0) expect(seen, `in the slot in round ${round}`).not.toContain(undefined);
        replies.forEach((reply, place) => {
          if (reply === undefined) return;
          reported.push(reply);
          expect(reply.id).toBe(idOf(place));
          expect(["created", "replaced"]).toContain(reply.outcome);
        });
        const created = replies.filter((reply) => reply?.outcome === "created");
        const most = round % 3 === 0 ? 1 : 0;
        // The winner may have been killed before it could report.
        const least = replies.includes(undefined) ? 0 : most;
        expect(created.length, `created in round ${round}`).toBeLessThanOrEqual(most);
        expect(created.length, `created in round ${round}`).toBeGreaterThanOrEqual(least);
      }
      const successors = await expectConsistent("other");
      expect(contenders.reports.ends.size, "at work when they were replaced").toBeGreaterThan(0);
      for (const { id = "", replaced } of reported) {
        expect(await sessions.get(id), id).not.toBeNull();
        if (replaced !== undefined) expect(successors.get(replaced)).toBe(id);
      }
    },
    TIMEOUT,
  );
});

/** The session that all processes start. */
function slotOf(taskId: string) {
  return { taskId, phase: "run", task: "carry it out", mode: "developer" };
}

/** Whether a process locks the slot: none, all, or half of them, depending on the round. */
function isPessimistic(round: number, place: number): boolean {
  return round % 3 === 2 ? place % 4 < 2 : round % 3 === 1;
}

/** The place of the process that started the session in a slot. */
async function inSlot(taskId: string): Promise<number> {
  const latest = await sessions.latestSession(taskId, "run");
  return placeOf(latest?.session.id);
}

/**
 * Looks up a slot repeatedly until `happening` settles; also resolves to the occupants that it saw.
 */
async function observeDuring<T>(taskId: string, happening: Promise<T>) {
  let over = false;
  const end = () => {
    over = true;
  };
  happening.then(end, end);
  const seen = new Set<string | undefined>();
  while (!over) {
    seen.add((await sessions.latestSession(taskId, "run"))?.session.id);
    await new Promise(setImmediate);
  }
  return [await happening, seen] as const;
}

/**
 * The winner reports that it has won, unless it was killed before, and all others report this
 * winner.
 */
function expectOneWinner(replies: readonly (Reply | undefined)[], winner: number, won: Reply) {
  replies.forEach((reply, place) => {
    if (reply === undefined) return;
    expect(reply, `place ${place}`).toMatchObject(
      place === winner ? won : { outcome: "existing", id: won.id },
    );
  });
}

/**
 * Checks the invariants of all sessions whose task starts with `tasks`. Resolves to the successor
 * of each replaced session, from the audit log.
 */
async function expectConsistent(tasks: string): Promise<Map<string, string>> {
  const byTask = new Map<string, SessionHead[]>();
  for await (const head of sessions.list({ trash: "include", slotPhase: "run", limit: 1000 })) {
    const task = head.slot?.taskId ?? "";
    if (task.startsWith(tasks)) byTask.set(task, [...(byTask.get(task) ?? []), head]);
  }
  const successors = new Map<string, string>();
  for (const { subject, data } of await entries("slot.replacement")) {
    if (!String(data.taskId).startsWith(tasks)) continue;
    const old = subject ?? "";
    expect(successors.has(old), `${old} was replaced twice`).toBe(false);
    successors.set(old, String(data.by));
  }
  for (const [task, heads] of byTask) {
    const there = heads.filter(({ deletedAt }) => deletedAt === undefined);
    expect(there, `sessions in the slot of ${task}`).toHaveLength(1);
    // From the occupant back to the first session, each has replaced one other, and there are no
    // further sessions.
    const before = new Map(
      heads.flatMap(({ id }) => (successors.has(id) ? [[successors.get(id), id]] : [])),
    );
    let passed = 0;
    for (let id = there[0]?.id; id !== undefined; id = before.get(id)) passed += 1;
    expect(passed, `sessions in the chain of ${task}`).toBe(heads.length);
  }
  for (const { id } of [...byTask.values()].flat()) await expectCompleteHistory(id);
  const { ends } = contenders.reports;
  for (const [id, code] of ends) {
    expect(code, id).toBe("SESSION_DELETED");
    expect(successors.has(id), `${id} was replaced`).toBe(true);
  }
  return successors;
}

/** A history has consecutive numbers and all reported steps. */
async function expectCompleteHistory(id: string): Promise<void> {
  const session = await sessions.get(id, { history: "all" });
  const { history = [], eventCount } = session ?? {};
  const numbers = history.map(({ sequence }) => sequence);
  expect(numbers, id).toEqual(Array.from({ length: eventCount ?? 0 }, (_, index) => index + 1));
  const steps = history.filter(({ type }) => type === "note").map(({ data }) => data.step);
  expect(steps, id).toEqual(steps.map((_, index) => index + 1));
  const reported = contenders.reports.steps.get(id) ?? 0;
  expect(steps.length, id).toBeGreaterThanOrEqual(reported);
}

/**
 * Asks all processes concurrently, and reads the place of the winner from the store. In every other
 * round processes are killed: the winner at its work, or the first ones before they have a reply,
 * and then also the winner.
 */
async function race(
  round: number,
  question: Parameters<typeof contenders.ask>[0],
  inStore: () => Promise<number>,
) {
  const { length } = contenders.processes;
  const first = (round * 7) % length;
  const victims = round % 4 === 3 ? 2 : 0;
  const replies = await contenders.ask(question, { first, victims, after: round % 5 });
  // The lock of a killed process blocks the others that lock the slot until it expires.
  const locked = replies.flatMap(({ outcome } = {}, place) => (outcome === "busy" ? [place] : []));
  if (victims > 0 && locked.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, LOCK_MS));
    const asked = locked.map((place) => contenders.at(place).ask(question(place)));
    for (const [index, reply] of (await Promise.all(asked)).entries()) {
      replies[locked[index] ?? 0] = reply;
    }
  }
  const winner = await inStore();
  const isVictim = (winner - first + length) % length < victims;
  if (round % 2 === 1 && !isVictim) {
    await new Promise((resolve) => setTimeout(resolve, round % 7));
    await contenders.kill(winner);
  }
  replies.forEach((reply, place) => {
    const wasKilled = (place - first + length) % length < victims;
    if (!wasKilled) expect(reply, `place ${place} in round ${round}`).toBeDefined();
    expect(reply?.failed).toBeUndefined();
  });
  return { replies, winner };
}

/** The place of the process that chose this name. */
function placeOf(name: string | undefined): number {
  return Number(name?.split(".")[1]);
}

/** All entries of a kind in the audit log. */
async function entries(kind: string): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await sessions.audit.entries({ kind, limit: 1000, ...(cursor && { cursor }) });
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}
