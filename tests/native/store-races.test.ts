// Many processes want the same run, or the same slot, of one store at the same time, round after round,
// and half of those that get it are killed, some of them before they can say so: each round has one
// winner, and nothing that anybody was told is lost.

import { join } from "node:path";
import { type AuditEntry, open, type SessionHead, type Sessions } from "tenure";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Contenders, PROCESSES, ROUNDS, TIMEOUT } from "../support/contenders.js";
import { lastingFolder } from "../support/folders.js";

interface Reply {
  /** Of a run. */
  readonly skip?: boolean;
  readonly reason?: string;
  readonly holder?: string;
  /** Of a slot. */
  readonly outcome?: string;
  readonly id?: string;
  readonly replaced?: string;
  /** Of anything that went wrong. */
  readonly failed?: string;
}

/** For how long a slot stays locked at most. */
const LOCK_MS = 5000;

const folder = lastingFolder();
const stores = [
  { place: "a database", url: `sqlite:${join(folder, "races.db")}`, processes: PROCESSES },
  // All that is written there waits for the disk.
  { place: "a folder", url: `file:${join(folder, "races")}`, processes: 8 },
];
let contenders: Contenders<Reply>;
let sessions: Sessions;

describe.each(stores)("what many processes want in $place", ({ url, processes }) => {
  beforeAll(async () => {
    sessions = await open(url);
    // Handles of both kinds: some that wait for the store, and some that are awaited.
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
    "is a run, which begins once, though winners are killed, and keeps others away for its window",
    async () => {
      const told = new Map<string, Reply>();
      for (let round = 0; round < ROUNDS; round += 1) {
        // Some rounds are about a run that was forgotten, and is begun anew.
        const commit = Math.floor(round / 3);
        if (round % 3 > 0) await sessions.dedup.clear();
        const eventType = commit % 2 === 0 ? "push" : "pull_request";
        const run = { eventType, workflow: "CI", commitSha: `c${commit}` };
        const idIn = (place: number): string => `${round}.${place}`;
        const { key } = await sessions.dedup.check(run);

        const { replies, winner } = await race(
          round,
          (place) => ({ what: "admit", run: { ...run, runId: idIn(place) } }),
          async () => {
            const { items } = await sessions.dedup.list({ prefix: key });
            expect(items, `the holders in round ${round}`).toHaveLength(1);
            return placeOf(items[0]?.holder);
          },
        );
        const holder = idIn(winner);
        replies.forEach((reply, place) => {
          if (reply === undefined) return;
          told.set(idIn(place), reply);
          expect(reply, `place ${place} in round ${round}`).toMatchObject(
            place === winner
              ? { skip: false, reason: "new_session" }
              : { skip: true, reason: "active_session", holder },
          );
        });

        const late = `${round}.late`;
        const intruding = await sessions.dedup.cleanup({ key, runId: late });
        expect(intruding).toMatchObject({ outcome: "not_owner" });
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
      for (const [id, { skip, reason }] of told) {
        expect(decisions.get(id), id).toMatchObject({ skip, reason });
      }
      expect(began.map(Number).sort((a, b) => a - b)).toEqual(
        Array.from({ length: ROUNDS }, (_, round) => round),
      );
      const kept = new Set<string>();
      for (const { data } of await entries("dedup.run"))
        kept.add(`${data.run_id} ${data.job_status}`);
      const { steps, ends } = contenders.reports;
      expect(ends).toEqual(new Map());
      for (const [id, step] of steps) {
        for (let taken = 1; taken <= step; taken += 1) {
          expect(kept.has(`${id} step ${taken}`), `${id} step ${taken} is kept`).toBe(true);
        }
      }
    },
    TIMEOUT,
  );

  it(
    "is a slot, which has one session, though winners are killed, when all ask for one model",
    async () => {
      contenders.reports.clear();
      for (let round = 0; round < ROUNDS; round += 1) {
        const taskId = `same ${round}`;
        const idIn = (place: number): string => `same-${round}.${place}`;
        const asking = (place: number, id: string) => ({
          what: "start",
          slot: { ...slotOf(taskId), model: "opus", id },
          pessimistic: isPessimistic(round, place),
        });
        const { replies, winner } = await race(
          round,
          (place) => asking(place, idIn(place)),
          () => inSlot(taskId),
        );
        expectOneWinner(replies, winner, { outcome: "created", id: idIn(winner) });

        // What has failed gives way to the next.
        if (round % 2 === 1) continue;
        await contenders.at(winner).ask({ what: "stop" });
        await sessions.fail(idIn(winner), "the build server did not answer");
        const idThen = (place: number): string => `again-${round}.${place}`;
        const then = await contenders.ask((place) => asking(place, idThen(place)));
        const heir = await inSlot(taskId);
        const replaced = idIn(winner);
        expectOneWinner(then, heir, { outcome: "replaced", id: idThen(heir), replaced });
      }
      await expectWhole("same");
    },
    TIMEOUT,
  );

  it(
    "is a slot, which has one session, though winners are killed, when each replaces the one before",
    async () => {
      contenders.reports.clear();
      const told: Reply[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        // A slot that is free, and then one in which somebody is at work.
        const taskId = `other ${Math.floor(round / 3)}`;
        const idIn = (place: number): string => `other-${round}.${place}`;
        const model = (place: number): string => `model ${round}.${place}`;
        const racing = race(
          round,
          (place) => ({
            what: "start",
            slot: { ...slotOf(taskId), model: model(place), id: idIn(place) },
            onModelChange: "replace",
            pessimistic: isPessimistic(round, place),
          }),
          () => inSlot(taskId),
        );
        const [{ replies }, seen] = await lookDuring(taskId, racing);
        if (round % 3 > 0) expect(seen, `in the slot in round ${round}`).not.toContain(undefined);
        replies.forEach((reply, place) => {
          if (reply === undefined) return;
          told.push(reply);
          expect(reply.id).toBe(idIn(place));
          expect(["created", "replaced"]).toContain(reply.outcome);
        });
        const created = replies.filter((reply) => reply?.outcome === "created");
        const most = round % 3 === 0 ? 1 : 0;
        // Whoever has created one may have been killed before it could say so.
        const least = replies.includes(undefined) ? 0 : most;
        expect(created.length, `created in round ${round}`).toBeLessThanOrEqual(most);
        expect(created.length, `created in round ${round}`).toBeGreaterThanOrEqual(least);
      }
      const heirs = await expectWhole("other");
      expect(contenders.reports.ends.size, "at work when they were replaced").toBeGreaterThan(0);
      for (const { id = "", replaced } of told) {
        expect(await sessions.get(id), id).not.toBeNull();
        if (replaced !== undefined) expect(heirs.get(replaced)).toBe(id);
      }
    },
    TIMEOUT,
  );
});

/** The session that all want to start. */
function slotOf(taskId: string) {
  return { taskId, phase: "run", task: "carry it out", mode: "developer" };
}

/** Whether somebody keeps the others away meanwhile: nobody, all, or half of them, round by round. */
function isPessimistic(round: number, place: number): boolean {
  return round % 3 === 2 ? place % 4 < 2 : round % 3 === 1;
}

/** The place of whoever has started the session that is in a slot. */
async function inSlot(taskId: string): Promise<number> {
  const latest = await sessions.latestSession(taskId, "run");
  return placeOf(latest?.session.id);
}

/** Looks into a slot for as long as something happens, and resolves to whom it has seen there, too. */
async function lookDuring<T>(taskId: string, happening: Promise<T>) {
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

/** One was told that it has won, unless it was killed before, and all others that it was this one. */
function expectOneWinner(replies: readonly (Reply | undefined)[], winner: number, won: Reply) {
  replies.forEach((reply, place) => {
    if (reply === undefined) return;
    expect(reply, `place ${place}`).toMatchObject(
      place === winner ? won : { outcome: "existing", id: won.id },
    );
  });
}

/**
 * Holds the sessions of the tasks whose names begin so to what has to be true whatever was killed, and
 * resolves to which session was replaced by which, as the audit log says.
 */
async function expectWhole(tasks: string): Promise<Map<string, string>> {
  const byTask = new Map<string, SessionHead[]>();
  for await (const head of sessions.list({ trash: "include", slotPhase: "run", limit: 1000 })) {
    const task = head.slot?.taskId ?? "";
    if (task.startsWith(tasks)) byTask.set(task, [...(byTask.get(task) ?? []), head]);
  }
  const heirs = new Map<string, string>();
  for (const { subject, data } of await entries("slot.replacement")) {
    if (!String(data.taskId).startsWith(tasks)) continue;
    const old = subject ?? "";
    expect(heirs.has(old), `${old} was replaced twice`).toBe(false);
    heirs.set(old, String(data.by));
  }
  for (const [task, heads] of byTask) {
    const there = heads.filter(({ deletedAt }) => deletedAt === undefined);
    expect(there, `sessions in the slot of ${task}`).toHaveLength(1);
    // From the one that is there back to the first, each has replaced one other, and none is left over.
    const before = new Map(heads.flatMap(({ id }) => (heirs.has(id) ? [[heirs.get(id), id]] : [])));
    let passed = 0;
    for (let id = there[0]?.id; id !== undefined; id = before.get(id)) passed += 1;
    expect(passed, `sessions in the chain of ${task}`).toBe(heads.length);
  }
  for (const { id } of [...byTask.values()].flat()) await expectWholeHistory(id);
  const { ends } = contenders.reports;
  for (const [id, code] of ends) {
    expect(code, id).toBe("SESSION_DELETED");
    expect(heirs.has(id), `${id} was replaced`).toBe(true);
  }
  return heirs;
}

/** A history has all of its numbers, and all steps that somebody was told are kept. */
async function expectWholeHistory(id: string): Promise<void> {
  const session = await sessions.get(id, { history: "all" });
  const { history = [], eventCount } = session ?? {};
  const numbers = history.map(({ sequence }) => sequence);
  expect(numbers, id).toEqual(Array.from({ length: eventCount ?? 0 }, (_, index) => index + 1));
  const steps = history.filter(({ type }) => type === "note").map(({ data }) => data.step);
  expect(steps, id).toEqual(steps.map((_, index) => index + 1));
  const told = contenders.reports.steps.get(id) ?? 0;
  expect(steps.length, id).toBeGreaterThanOrEqual(told);
}

/**
 * Has all of them ask at once, and finds the place of the one that has won, by what the store says. In
 * every other round somebody is killed: the winner at its work, or those who ask first, before they
 * have an answer, and the winner too if it is none of them.
 */
async function race(
  round: number,
  question: Parameters<typeof contenders.ask>[0],
  inStore: () => Promise<number>,
) {
  const { length } = contenders.members;
  const first = (round * 7) % length;
  const victims = round % 4 === 3 ? 2 : 0;
  const replies = await contenders.ask(question, { first, victims, after: round % 5 });
  // Whoever is killed with the lock of a slot keeps out the others that lock it, until it has run out.
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
    const mayBeSilent = (place - first + length) % length < victims;
    if (!mayBeSilent) expect(reply, `place ${place} in round ${round}`).toBeDefined();
    expect(reply?.failed).toBeUndefined();
  });
  return { replies, winner };
}

/** The place of whoever has named something so. */
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
