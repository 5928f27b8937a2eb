// A page of fifty sessions over SQLite, by every filter, several together, ranges, and from a cursor
// deep inside. A page of many sessions must cost about as much as the same page of 10,000.

import { Floor } from "../contenders/floor.mjs";
import { openSync } from "../contenders/tenure.mjs";
import { calls, grid } from "../lib/grid.mjs";
import { common, copyOfMany, neverTogether, rareUser } from "../lib/many.mjs";
import { checkMost, count, transposed } from "../lib/report.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 24;

const limit = 50;
const few = 10_000;
const base = "JSON.parse of the page";
/** The greatest ratio to `JSON.parse`, and to the same page of `few`. */
const most = { ofParse: 4, ofFew: 1.5 };

const { userId, channelId, mode, status, phase, taskIds, slotPhase, model, parentId } = common;
const newest = [`${limit} newest`, {}];

/** The lists: their filters, or functions that make these for the sessions of a database. */
const lists = [
  newest,
  ["of a user", { userId }],
  ["of a user with few", { userId: rareUser }],
  ["of a channel", { channelId }],
  ["of a mode", { mode }],
  ["of a status", { status }],
  ["of two statuses", { status: ["failed", "paused"] }],
  ["of a phase", { phase }],
  ["of a task", { taskIds }],
  ["of two tasks", { taskIds: [taskIds, "task-0-0"] }],
  ["of a phase of slots", { slotPhase }],
  ["of a model", { model }],
  ["of a parent", { parentId }],
  ["in the trash", { trash: "only" }],
  ["of a user and a status", { userId, status }],
  ["of a user and a mode", { userId, mode }],
  ["of a user and a channel", { userId, channelId }],
  ["of a channel and a status", { channelId, status }],
  ["of a mode and a status", { mode, status }],
  ["of a mode and a status that none has", neverTogether],
  ["of a mode and a model", { mode, model }],
  ["of a phase and a status", { phase, status: "active" }],
  ["of a task and a phase of slots", { taskIds, slotPhase }],
  ["of a task and a status", { taskIds, status }],
  ["of a phase of slots and a model", { slotPhase, model }],
  ["of a parent and a status", { parentId, status }],
  ["of a user, a mode and a status", { userId, mode, status }],
  ["of a channel, a mode and a status", { channelId, mode, status }],
  ["of a channel, a model and a status", { channelId, model, status }],
  ["of a task, a phase of slots and a model", { taskIds, slotPhase, model }],
  ["created before", olderHalf({})],
  ["created between", between],
  ["of a user, created before", olderHalf({ userId })],
  ["of a status, created before", olderHalf({ status })],
  ["oldest first", { direction: "asc" }],
  ["of a status, oldest first", { status, direction: "asc" }],
  ["last changed first", { orderBy: "updatedAt" }],
  ["changed before", changedBefore],
  ["of a user, last changed first", { userId, orderBy: "updatedAt" }],
  ["of a status, last changed first", { status, orderBy: "updatedAt" }],
  ["of a mode and a status, last changed first", { mode, status, orderBy: "updatedAt" }],
  ["from a cursor", deepInside({})],
  ["of a user, from a cursor", deepInside({ userId })],
  ["of a status, from a cursor", deepInside({ status })],
  ["of a mode and a status, from a cursor", deepInside({ mode, status })],
  ["last changed first, from a cursor", deepInside({ orderBy: "updatedAt" })],
];

export function run({ seconds, large }) {
  const many = large ? 1_000_000 : 100_000;
  return inWorkspace(async (workspace) => {
    const opened = (number) => {
      const path = workspace.path(`${number}.db`);
      copyOfMany(number, path);
      const sessions = workspace.closing(openSync(`sqlite:${path}`));
      return { path, sessions, pages: pagesOf(sessions) };
    };
    const [ofFew, ofMany] = [few, many].map(opened);
    const floor = workspace.closing(new Floor(ofMany.path));
    const [fullPage] = ofMany.pages.values();
    const paging = (sessions, pages) => (name) => {
      const { query } = pages.get(name);
      return () => sessions.list(query);
    };
    const rowOfFew = `SQLite, ${count(few)}`;
    const rowOfMany = `SQLite, ${count(many)}`;
    const rows = [
      calls(base, (name) => {
        const page = ofMany.pages.get(name);
        const { text } = page.ids.length < limit ? fullPage : page;
        return () => JSON.parse(text);
      }),
      calls("floor: better-sqlite3, by keys", (name) => {
        const { ids } = ofMany.pages.get(name);
        if (ids.length === 0) return undefined;
        const keys = floor.keysOf(ids);
        return () => floor.page(keys);
      }),
      calls(rowOfFew, paging(ofFew.sessions, ofFew.pages)),
      calls(rowOfMany, paging(ofMany.sessions, ofMany.pages)),
    ];
    const measured = await grid({
      title: `A page of ${limit}, over ${count(many)} sessions and over ${count(few)}`,
      columns: lists.map(([name]) => [name, name]),
      rows,
      base,
      seconds,
    });
    const ratios = (row, to) =>
      lists.map(([name]) => [name, measured.at(row, name).ratioTo(measured.at(to, name))]);
    const parsed = ratios(rowOfMany, base);
    return {
      tables: [transposed(measured.table)],
      notes: [
        `A page with fewer than ${limit} sessions is compared with JSON.parse of a full one.`,
        `The floor reads the sessions of the page by their keys, and does not look for them. "${limit} newest" needs no search either: what another page takes beyond it is the search.`,
      ],
      checks: [
        checkMost(
          `SQLite: a page of ${count(many)} against JSON.parse of it`,
          most.ofParse,
          parsed,
        ),
        checkMost(
          `SQLite: a page of ${count(many)} against the same page of ${count(few)}`,
          most.ofFew,
          ratios(rowOfMany, rowOfFew),
        ),
      ],
      data: measured.data,
    };
  });
}

/** The queries of all lists over these sessions, and their pages as JSON, by name. */
function pagesOf(sessions) {
  return new Map(
    lists.map(([name, given]) => {
      const query = { limit, ...(typeof given === "function" ? given(sessions) : given) };
      const { items, nextCursor, problems } = sessions.list(query);
      if (items.length < limit && given !== neverTogether) {
        throw new Error(`the page "${name}" has ${items.length} sessions`);
      }
      const text = JSON.stringify({ items, nextCursor, problems });
      return [name, { query, text, ids: items.map(({ id }) => id) }];
    }),
  );
}

/** The page after this share of what the filter finds. */
function after(sessions, filter, share) {
  const { orderBy, ...counted } = filter;
  const offset = Math.floor(sessions.stats(counted).total * share);
  return sessions.list({ ...filter, limit: 1, offset });
}

/** A query that goes on half-way through what the filter finds. */
function deepInside(filter) {
  return (sessions) => ({ ...filter, cursor: after(sessions, filter, 0.5).nextCursor });
}

function olderHalf(filter) {
  return (sessions) => {
    const { items } = after(sessions, filter, 0.5);
    return { ...filter, createdBefore: items[0].createdAt };
  };
}

function between(sessions) {
  const [late, early] = [0.25, 0.5].map((share) => after(sessions, {}, share).items[0].createdAt);
  return { createdAfter: early, createdBefore: late };
}

function changedBefore(sessions) {
  const query = { orderBy: "updatedAt" };
  return { ...query, updatedBefore: after(sessions, query, 0.5).items[0].updatedAt };
}
