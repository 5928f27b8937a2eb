// The memory session of the OpenAI Agents SDK: a list of items in an array. It has no head, no numbers of
// events and no list of sessions, and it copies each item when it is added and when it is read.

import { MemorySession } from "@openai/agents-core";

/** By default each call also prints its items as JSON for a log that nobody reads. */
const logger = { dontLogModelData: true, dontLogToolData: true, debug() {} };

/** A session with these events as its items. */
export function memorySession(events) {
  return new MemorySession({ logger, initialItems: events.map(itemOf) });
}

/** Adds an event as an item. */
export function append(session, data) {
  const timestamp = new Date().toISOString();
  return session.addItems([itemOf({ timestamp, type: "iteration", data })]);
}

/** Truncates a session to these events. */
export async function cut(session, events) {
  await session.clearSession();
  await session.addItems(events.map(itemOf));
}

function itemOf(event) {
  return { type: "unknown", providerData: event };
}
