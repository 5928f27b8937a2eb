/**
 * What the methods take that the synchronous and the asynchronous handle have each of their own.
 *
 * @module
 */

import { mayTake, type Takes, takes } from "../values/arguments.js";

/** The methods, by their names. */
export const SESSION_ARGUMENTS: Readonly<Record<string, Takes>> = {
  list: mayTake("options", 0, "{ status, limit }", 1),
  latest: mayTake("filter", 0, "{ status, mode }", 1),
  events: mayTake("options", 1, "{ type, limit }"),
  exportParts: mayTake("options", 1, "{ trash }"),
  hold: mayTake("options", 1, "{ leaseDurationMs }"),
  watch: mayTake("filter", 0, "{ userId, status }", 2),
  metrics: mayTake("options", 0, "{ format }", 1),
  serve: mayTake("options", 0, "{ port, token }", 1),
  startInSlot: takes("request", 0, "{ taskId, phase, model, task, mode }", 2),
  purge: takes("params", 0, "{ olderThan }", 2),
};
