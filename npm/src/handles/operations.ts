/**
 * The methods that every handle has, written once for the synchronous and the asynchronous one: each
 * gives its arguments the shape that the operation of the same name takes. What an operation does is
 * decided in the core.
 *
 * @module
 */

import type { Mode, OperationName, Params, Result, Returns } from "../connection/call.js";
import { encode } from "../connection/encode.js";
import type {
  Appended,
  BulkResult,
  CleanupParams,
  CleanupRecordsParams,
  CleanupResult,
  CompleteParams,
  EventPage,
  EventsParams,
  FailParams,
  ForkParams,
  GetParams,
  IdParams,
  NewEvent,
  Overrides,
  PauseParams,
  PurgeParams,
  RecordsCleaned,
  RecordUsageParams,
  ResumeParams,
  SaveParams,
  Session,
  SessionContext,
  SessionHead,
  SlotPhase,
  SlotSession,
  SlotStart,
  StartParams,
  Stats,
  StatsParams,
  UpdateContextParams,
  UpdateParams,
} from "../generated.js";
import type { PurgeResult } from "../jobs/archive.js";
import type { SlotOptionsOf, SlotRequest } from "../slots/options.js";
import { messageOf } from "../values/error.js";
import type { Accepts } from "../values/params.js";
import type { EventType, JsonObject } from "../values/session-data.js";

/** On what condition a session is changed. */
export type ChangeOptions = Accepts<Pick<PauseParams, "ifVersion" | "idempotencyKey">>;

/** Whether a session in the trash is there. */
export type TrashOption = Accepts<Pick<IdParams, "trash">>;

/** Which sessions are meant: every member that is given must hold. */
export type Filter = Accepts<StatsParams>;

/** What {@link Operations.fail} accepts as the error: a text, or an `Error` for its message. */
export type FailureReason = string | { readonly message: string };

/** The operations of a handle. */
export abstract class Operations<M extends Mode> {
  /** Performs an operation. @internal */
  protected abstract ask<N extends OperationName>(
    name: N,
    make: () => Params<N>,
  ): Returns<M, Result<N>>;

  /**
   * Starts a session. With an `idempotencyKey` the call is safe to repeat: it returns the session
   * that the first one started.
   */
  start(params: Accepts<StartParams>): Returns<M, Session> {
    return this.ask("start", () => params);
  }

  /**
   * A session with its history, or `null` for an unknown id. `history` says how much of the history
   * comes along: `"all"`, `"none"`, or how many of the last events (100 by default).
   */
  get(id: string, options?: Accepts<Omit<GetParams, "id">>): Returns<M, Session | null> {
    return this.ask("get", () => ({ ...options, id }));
  }

  /** Sets what describes a session. Members of `context` and `metadata` are merged; `null` clears. */
  update(
    id: string,
    patch: Accepts<Omit<UpdateParams, "id">>,
    options?: ChangeOptions,
  ): Returns<M, SessionHead> {
    return this.ask("update", () => ({ ...patch, ...options, id }));
  }

  /** Pauses a session. The context says since when and why: `pausedAt`, `pauseReason`. */
  pause(id: string, reason?: string, options?: ChangeOptions): Returns<M, SessionHead> {
    return this.ask("pause", () => ({ ...options, id, reason }));
  }

  /**
   * Resumes a paused session, or takes up an active one whose runner is gone. One that has used its
   * iterations needs more: `addIterations`. `ifActive: "keep"` leaves an active one as it is, and
   * `ifExhausted: "timeout"` makes one without iterations `timeout` instead of refusing it.
   */
  resume(id: string, options?: Accepts<Omit<ResumeParams, "id">>): Returns<M, SessionHead> {
    return this.ask("resume", () => ({ ...options, id }));
  }

  /** Ends a session with a result; `ifFinished: "keep"` leaves one that has ended as it is. */
  complete(
    id: string,
    result?: string,
    options?: Accepts<Omit<CompleteParams, "id" | "result">>,
  ): Returns<M, SessionHead> {
    return this.ask("complete", () => ({ ...options, id, result }));
  }

  /** Ends a session with an error; `ifFinished: "keep"` leaves one that has ended as it is. */
  fail(
    id: string,
    error?: FailureReason,
    options?: Accepts<Omit<FailParams, "id" | "error">>,
  ): Returns<M, SessionHead> {
    return this.ask("fail", () => ({ ...options, id, error: textOf(error) }));
  }

  /** Gives a session up. */
  abandon(id: string, reason?: string, options?: ChangeOptions): Returns<M, SessionHead> {
    return this.ask("abandon", () => ({ ...options, id, reason }));
  }

  /** Records an event. The lifecycle's types (`pause`, `complete`, ...) have the lifecycle's effect. */
  addEvent(
    id: string,
    type: EventType,
    data?: JsonObject,
    options?: ChangeOptions,
  ): Returns<M, Appended> {
    return this.ask("addEvent", () => ({ ...options, id, type, data }));
  }

  /** Records many events in one step. */
  addEvents(
    id: string,
    events: readonly Accepts<NewEvent>[],
    options?: ChangeOptions,
  ): Returns<M, Appended> {
    return this.ask("addEvents", () => ({ ...options, id, events }));
  }

  /** Counts an iteration. The one that reaches `maxIterations` makes the session `timeout`. */
  incrementIteration(id: string, data?: JsonObject, options?: ChangeOptions): Returns<M, Appended> {
    return this.ask("incrementIteration", () => ({ ...options, id, data }));
  }

  /** Records a call of a tool, and the tool's name in `metadata.toolsUsed`. */
  recordToolCall(
    id: string,
    tool: string,
    args?: unknown,
    result?: unknown,
    options?: ChangeOptions,
  ): Returns<M, Appended> {
    return this.ask("recordToolCall", () => ({ ...options, id, tool, args, result }));
  }

  /** Records something that the agent learned. */
  recordLearning(
    id: string,
    insight: string,
    expertiseFile?: string,
    options?: ChangeOptions,
  ): Returns<M, Appended> {
    return this.ask("recordLearning", () => ({ ...options, id, insight, expertiseFile }));
  }

  /** Adds tokens and cost to what the session has used. */
  recordUsage(
    id: string,
    usage: Accepts<Pick<RecordUsageParams, "tokens" | "cost">>,
    options?: ChangeOptions,
  ): Returns<M, SessionHead> {
    return this.ask("recordUsage", () => ({ ...usage, ...options, id }));
  }

  /** Merges members into the context; with `replace` they are all of it. */
  updateContext(
    id: string,
    context: JsonObject,
    options?: Accepts<Omit<UpdateContextParams, "id" | "context">>,
  ): Returns<M, SessionHead> {
    return this.ask("updateContext", () => ({ ...options, id, context }));
  }

  /** What an agent needs to go on: the context and the last ten events; `null` for an unknown id. */
  context(id: string, options?: TrashOption): Returns<M, SessionContext | null> {
    return this.ask("context", () => ({ ...options, id }));
  }

  /** A part of a history, from the oldest event on. `nextAfter` is the `after` of the next part. */
  events(id: string, options?: Accepts<Omit<EventsParams, "id">>): Returns<M, EventPage> {
    return this.ask("events", () => ({ ...options, id }));
  }

  /** Statistics over the sessions that a filter means; over all of them without one. */
  stats(filter?: Filter): Returns<M, Stats> {
    return this.ask("stats", () => ({ ...filter }));
  }

  /** Removes a session for good, one that cannot be read too. */
  delete(id: string, options?: TrashOption): Returns<M, null> {
    return this.ask("delete", () => ({ ...options, id }));
  }

  /** Puts a session into the trash: it is in no list and takes no change until it is restored. */
  trash(id: string, options?: ChangeOptions): Returns<M, SessionHead> {
    return this.ask("trash", () => ({ ...options, id }));
  }

  /** Takes a session out of the trash. */
  restore(id: string, options?: ChangeOptions): Returns<M, SessionHead> {
    return this.ask("restore", () => ({ ...options, id }));
  }

  /** Puts sessions of a certain age into the trash, or removes them for good. */
  cleanup(params: Accepts<CleanupParams>): Returns<M, CleanupResult> {
    return this.ask("cleanup", () => params);
  }

  /** Removes for good what has been in the trash for a certain time. */
  purge(params: Accepts<PurgeParams>): Returns<M, PurgeResult> {
    return this.ask("purge", () => params);
  }

  /**
   * Puts sessions into the trash, 1,000 at most, as many as possible in one commit. What could not be
   * done is in the answer, and keeps no other back.
   */
  trashMany(ids: readonly string[]): Returns<M, BulkResult> {
    return this.ask("trashMany", () => ({ ids }));
  }

  /** Takes sessions out of the trash, as {@link Operations.trashMany} puts them into it. */
  restoreMany(ids: readonly string[]): Returns<M, BulkResult> {
    return this.ask("restoreMany", () => ({ ids }));
  }

  /** Removes sessions for good, as {@link Operations.trashMany} puts them into the trash. */
  deleteMany(ids: readonly string[]): Returns<M, BulkResult> {
    return this.ask("deleteMany", () => ({ ids }));
  }

  /**
   * Removes what has run out beside sessions: runs that keep nobody away any more, and entries of the
   * audit log that are a year old, or as old as `keepAudit` says.
   */
  cleanupRecords(params?: Accepts<CleanupRecordsParams>): Returns<M, RecordsCleaned> {
    return this.ask("cleanupRecords", () => ({ ...params }));
  }

  /** A session with all of its history, as JSON text. */
  export(id: string, options?: TrashOption): Returns<M, string> {
    return this.ask("export", () => ({ ...options, id }));
  }

  /** Stores an exported session, replacing one of the same id. Takes the text, or what it says. */
  import(session: string | object): Returns<M, SessionHead> {
    return this.ask("import", () => ({ text: sessionText(session) }));
  }

  /**
   * Sets anything that a session has, as an administrator may: past the lifecycle, with no event and
   * no webhook.
   */
  override(id: string, updates: Overrides, options?: ChangeOptions): Returns<M, SessionHead> {
    return this.ask("override", () => ({ ...options, id, updates }));
  }

  /**
   * Keeps a whole session as it is given, with no event of its own and no webhook; one that is not
   * there is created. Takes it as text, or what the text says.
   */
  save(
    session: string | object,
    options?: Accepts<Omit<SaveParams, "text">>,
  ): Returns<M, SessionHead> {
    return this.ask("save", () => ({ ...options, text: sessionText(session) }));
  }

  /** Starts a session with another's past: its task, context and history up to a point. */
  fork(id: string, options?: Accepts<Omit<ForkParams, "id">>): Returns<M, Session> {
    return this.ask("fork", () => ({ ...options, id }));
  }

  /** Whether an agent may go on with it: paused, or active with iterations left. */
  isResumable(id: string): Returns<M, boolean> {
    return this.ask("isResumable", () => ({ id }));
  }

  /** How much of its iterations it has used, from 0 to 100; `null` for an unknown id. */
  progress(id: string, options?: TrashOption): Returns<M, number | null> {
    return this.ask("progress", () => ({ ...options, id }));
  }

  /** How long it has run, in milliseconds, so far or to its end; `null` for an unknown id. */
  duration(id: string, options?: TrashOption): Returns<M, number | null> {
    return this.ask("duration", () => ({ ...options, id }));
  }

  /**
   * Starts a session in the slot of a task's phase, of which there is never more than one. The
   * `outcome` says what became of it: `"created"`, `"existing"` (with the session that is there),
   * `"needs_confirmation"` where another model has begun (ask, and call again with `confirm` among the
   * options), `"replaced"`, `"busy"` or `"rejected"`; `message` says it to people.
   */
  abstract startInSlot(request: SlotRequest, options?: SlotOptionsOf<M>): Returns<M, SlotStart>;

  /** The session in the slot of a task's phase, and whether its model is missing; `null` for none. */
  latestSession(taskId: string, phase: SlotPhase): Returns<M, SlotSession | null> {
    return this.ask("latestSession", () => ({ taskId, phase }));
  }

  /** The sessions in the slots of tasks. */
  slots(taskIds: string | readonly string[]): Returns<M, readonly SlotSession[]> {
    return this.ask("slots", () => ({ taskIds }));
  }

  /** The phase that a title such as `Plan: the new parser` names; `null` if it names none. */
  slotPhase(title: string): Returns<M, SlotPhase | null> {
    return this.ask("slotPhase", () => ({ title }));
  }
}

function sessionText(session: string | object): string {
  return typeof session === "string" ? session : encode("session", session);
}

function textOf(error: FailureReason | undefined): string | undefined {
  return typeof error === "object" && error !== null ? messageOf(error) : error;
}
