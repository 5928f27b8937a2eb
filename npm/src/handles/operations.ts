/**
 * The methods of every handle, written once for the synchronous and the asynchronous one. Each
 * method builds the parameters of the operation of the same name; the core implements it.
 *
 * @module
 */

import type { Mode, OperationName, Params, Result, Returns } from "../connection/call.js";
import { encode } from "../connection/encode.js";
import type {
  Appended,
  BulkResult,
  ChangesSinceParams,
  CleanupParams,
  CleanupRecordsParams,
  CleanupResult,
  CompleteParams,
  ContextParams,
  DeleteParams,
  Distribution,
  DistributionParams,
  FailParams,
  FileImport,
  ForkParams,
  GetParams,
  HeadsPage,
  HeadsParams,
  IdParams,
  ImportFileParams,
  ImportParams,
  PauseParams,
  PurgeParams,
  PurgeResult,
  RecordsCleaned,
  RecordUsageParams,
  ResumeParams,
  SaveParams,
  SlotPhase,
  StartToolCallParams,
  Stats,
  StatsParams,
  TracePage,
  TracesParams,
  UpdateContextParams,
  UpdateParams,
} from "../generated.js";
import type { SlotOptionsOf, SlotRequest } from "../slots/options.js";
import { checkArguments, mayTake, takes } from "../values/arguments.js";
import type { TenureError } from "../values/error.js";
import { type FailureReason, stackOfFailure, textOfFailure } from "../values/failure.js";
import { withOptions } from "../values/options.js";
import type { SlotStart, StartedToolCall } from "../values/outcomes.js";
import type { Accepts, JsonInput } from "../values/params.js";
import type { BuiltInEventType, EventType } from "../values/session-data.js";
import type {
  AddedEventData,
  AddedNames,
  AddedType,
  ChangePage,
  ContextInput,
  ContextPatch,
  EventArguments,
  NewEvent,
  Overrides,
  OwnEventType,
  Removable,
  Session,
  SessionContext,
  SessionHead,
  SessionTypes,
  SlotSession,
  StartParams,
  Unreserved,
} from "../values/session-types.js";
import type { EventList, EventOptions, EventPageSync, TypedEventOptions } from "./list.js";

/** Preconditions of a change. */
export type ChangeOptions = Accepts<Pick<PauseParams, "ifVersion" | "idempotencyKey" | "token">>;

/** How a session is imported. */
export type ImportOptions = Accepts<Omit<ImportParams, "text">>;

/** The fencing token of a session that is held. */
export type TokenOption = Accepts<Pick<PauseParams, "token">>;

/** Whether sessions in the trash are included. */
export type TrashOption = Accepts<Pick<IdParams, "trash">>;

/** A filter for sessions. All given conditions must match. */
export type Filter = Accepts<StatsParams>;

/** Options of a merge into the context. */
type MergeOptions<T extends SessionTypes> = ContextOptions & {
  /** Replace the context instead of merging; `false` by default. */
  readonly replace?: false | undefined;
  /** The names of properties to remove from the context before that, 1,000 at most. */
  readonly unset?: readonly Removable<T>[] | undefined;
};

/** Options of a change of the context that may be a replacement. */
type ReplaceOptions = ContextOptions & {
  /** Replace the context instead of merging. */
  readonly replace: boolean;
  /** `replace` is refused with it. */
  readonly unset?: undefined;
};

type ContextOptions = Accepts<Omit<UpdateContextParams, "id" | "context" | "replace" | "unset">>;

/** Parameters with properties to merge into a context. */
type Patch<Params extends { readonly id: string }, T extends SessionTypes> = Accepts<
  Omit<Params, "id" | "context">
> & { readonly context?: ContextPatch<T> | undefined };

/** The operations of a handle. */
export abstract class Operations<M extends Mode, T extends SessionTypes = SessionTypes> {
  static {
    const change = "{ ifVersion, idempotencyKey }";
    const trash = "{ trash }";
    const token = "{ token }";
    checkArguments<Operations<Mode>>(Operations, Operations.refuse, {
      changesSince: mayTake("params", 0, "{ position, limit }", 1),
      heads: mayTake("params", 0, "{ limit, cursor }", 1),
      start: takes("params", 0, "{ task, mode }"),
      get: mayTake("options", 1, "{ history }"),
      update: takes("patch", 1, "{ task, userId }"),
      pause: mayTake("options", 2, change),
      resume: mayTake("options", 1, "{ addIterations }"),
      complete: mayTake("options", 2, "{ ifFinished }"),
      fail: mayTake("options", 2, "{ ifFinished }"),
      abandon: mayTake("options", 2, change),
      addEvent: mayTake("options", 3, change, 4),
      addEvents: mayTake("options", 2, change),
      incrementIteration: mayTake("options", 2, change),
      recordToolCall: mayTake("options", 4, change),
      startToolCall: mayTake("options", 3, "{ callId }"),
      finishToolCall: mayTake("options", 3, change),
      recordLearning: mayTake("options", 3, change),
      recordUsage: takes("usage", 1, "{ tokens, cost }"),
      updateContext: mayTake("options", 2, "{ replace, unset, record }"),
      context: mayTake("options", 1, "{ recent }"),
      stats: mayTake("filter", 0, "{ userId, mode }"),
      distribution: mayTake("options", 0, "{ by, groups }"),
      traces: mayTake("options", 1, "{ after, limit }"),
      delete: mayTake("options", 1, trash),
      trash: mayTake("options", 1, change),
      restore: mayTake("options", 1, change),
      cleanup: takes("params", 0, "{ maxAge }"),
      purge: takes("params", 0, "{ olderThan }"),
      trashMany: mayTake("options", 1, token),
      restoreMany: mayTake("options", 1, token),
      deleteMany: mayTake("options", 1, token),
      cleanupRecords: mayTake("params", 0, "{ keepAudit }"),
      export: mayTake("options", 1, trash),
      import: mayTake("options", 1, "{ replace }"),
      importFile: takes("file", 0, "{ path, text }"),
      override: takes("updates", 1, "{ status }"),
      save: mayTake("options", 1, "{ ifVersion }"),
      fork: mayTake("options", 1, "{ atSequence }"),
      progress: mayTake("options", 1, trash),
      duration: mayTake("options", 1, trash),
    });
  }

  /** Fails a call as an operation fails: by throwing, or by a promise. @internal */
  protected static refuse(problem: TenureError, self: Operations<Mode>): unknown {
    return self.ask("get", () => {
      throw problem;
    });
  }

  /** Performs an operation. @internal */
  protected abstract ask<N extends OperationName>(
    name: N,
    make: () => Params<N>,
  ): Returns<M, Result<N, T>>;

  /**
   * Starts a session. With an `idempotencyKey` the call can be repeated: it returns the session
   * that the first call started.
   */
  start(params: StartParams<T>): Returns<M, Session<T>> {
    return this.ask("start", () => params);
  }

  /**
   * Returns a session with its history, or `null` for an unknown id. `history` selects the events:
   * `"all"`, `"none"`, or the number of latest events (100 by default).
   */
  get(id: string, options?: Accepts<Omit<GetParams, "id">>): Returns<M, Session<T> | null> {
    return this.ask("get", () => withOptions(options, { id }));
  }

  /**
   * Updates the descriptive fields of a session. Properties of `context` and `metadata` are merged;
   * `null` clears a field.
   */
  update(
    id: string,
    patch: Patch<UpdateParams, T>,
    options?: ChangeOptions,
  ): Returns<M, SessionHead<T>> {
    return this.ask("update", () => withOptions(patch, withOptions(options, { id })));
  }

  /**
   * Pauses a session. The time and the reason are stored in its context as `pausedAt` and
   * `pauseReason`; `data` is the data of the event.
   */
  pause(
    id: string,
    reason?: string,
    options?: Accepts<Omit<PauseParams, "id" | "reason">>,
  ): Returns<M, SessionHead<T>> {
    return this.ask("pause", () => withOptions(options, { id, reason }));
  }

  /**
   * Resumes a session that is paused or out of iterations, or recovers an orphaned active one. A
   * session without remaining iterations needs `addIterations`. With `ifActive: "keep"` an active
   * session is left unchanged, and `addIterations` is refused for it; with `ifExhausted: "timeout"` a
   * paused session without iterations becomes `timeout` instead of being refused.
   */
  resume(id: string, options?: Accepts<Omit<ResumeParams, "id">>): Returns<M, SessionHead<T>> {
    return this.ask("resume", () => withOptions(options, { id }));
  }

  /**
   * Completes a session with a result, and with `resultData`, JSON of any type, for programs. With
   * `ifFinished: "keep"` a finished session is left unchanged.
   */
  complete(
    id: string,
    result?: string,
    options?: Accepts<Omit<CompleteParams, "id" | "result">>,
  ): Returns<M, SessionHead<T>> {
    return this.ask("complete", () => withOptions(options, { id, result }));
  }

  /**
   * Fails a session with an error, whose stack the event keeps. With `ifFinished: "keep"` a finished
   * session is left unchanged.
   */
  fail(
    id: string,
    error?: FailureReason,
    options?: Accepts<Omit<FailParams, "id" | "error">>,
  ): Returns<M, SessionHead<T>> {
    return this.ask("fail", () => {
      const params = withOptions(options, { id, error: textOfFailure(error) });
      return params.stack === undefined ? { ...params, stack: stackOfFailure(error) } : params;
    });
  }

  /** Abandons a session. */
  abandon(id: string, reason?: string, options?: ChangeOptions): Returns<M, SessionHead<T>> {
    return this.ask("abandon", () => withOptions(options, { id, reason }));
  }

  /**
   * Appends an event. Events of lifecycle types (`pause`, `complete`, ...) also change the status:
   * `error` fails the session. Give log entries types of your own.
   */
  addEvent<Type extends AddedNames[AddedType] | OwnEventType<T>>(
    id: string,
    type: Unreserved<Type>,
    ...event: EventArguments<AddedEventData<T, Type>, ChangeOptions>
  ): Returns<M, Appended>;
  addEvent(
    id: string,
    type: EventType,
    data?: object,
    options?: ChangeOptions,
  ): Returns<M, Appended> {
    return this.ask("addEvent", () => withOptions(options, { id, type, data }));
  }

  /** Appends several events atomically. */
  addEvents(
    id: string,
    events: readonly NewEvent<T>[],
    options?: ChangeOptions,
  ): Returns<M, Appended> {
    return this.ask("addEvents", () => withOptions(options, { id, events }));
  }

  /** Counts an iteration. When it reaches `maxIterations`, the session becomes `timeout`. */
  incrementIteration(id: string, data?: JsonInput, options?: ChangeOptions): Returns<M, Appended> {
    return this.ask("incrementIteration", () => withOptions(options, { id, data }));
  }

  /**
   * Records a tool call, and adds the tool's name to `metadata.toolsUsed`. An `Error` is stored with
   * its name, message and cause.
   */
  recordToolCall(
    id: string,
    tool: string,
    args?: unknown,
    result?: unknown,
    options?: ChangeOptions,
  ): Returns<M, Appended> {
    return this.ask("recordToolCall", () => withOptions(options, { id, tool, args, result }));
  }

  /**
   * Records that a tool call starts, and returns its `callId`: the given one, or a generated one. Until
   * `finishToolCall`, the context lists the call in `unfinishedToolCalls`: after a crash an agent
   * knows which calls may have been carried out.
   */
  startToolCall(
    id: string,
    tool: string,
    args?: unknown,
    options?: Accepts<Omit<StartToolCallParams, "id" | "tool" | "args">>,
  ): Returns<M, StartedToolCall> {
    return this.ask("startToolCall", () => withOptions(options, { id, tool, args }));
  }

  /** Records that a tool call has ended, with its result, as an event `tool_call`. */
  finishToolCall(
    id: string,
    callId: string,
    result?: unknown,
    options?: ChangeOptions,
  ): Returns<M, Appended> {
    return this.ask("finishToolCall", () => withOptions(options, { id, callId, result }));
  }

  /** Records an insight of the agent. */
  recordLearning(
    id: string,
    insight: string,
    expertiseFile?: string,
    options?: ChangeOptions,
  ): Returns<M, Appended> {
    return this.ask("recordLearning", () => withOptions(options, { id, insight, expertiseFile }));
  }

  /** Adds tokens and cost to the usage of the session. */
  recordUsage(
    id: string,
    usage: Accepts<Pick<RecordUsageParams, "tokens" | "cost">>,
    options?: ChangeOptions,
  ): Returns<M, SessionHead<T>> {
    return this.ask("recordUsage", () => withOptions(usage, withOptions(options, { id })));
  }

  /**
   * Merges properties into the context; with `replace` they replace it. The merge is shallow: a
   * property that is an object replaces the one in its place. `unset: ["a"]` removes properties first. The
   * event `context_change` records the values that have changed, and those before; of values of more
   * than 4 KiB it has the names, unless `record` is `"all"`.
   */
  updateContext(
    id: string,
    context: ContextInput<T>,
    options: ReplaceOptions | MergeOptions<T>,
  ): Returns<M, SessionHead<T>>;
  updateContext(
    id: string,
    context: ContextPatch<T>,
    options?: MergeOptions<T>,
  ): Returns<M, SessionHead<T>>;
  updateContext(
    id: string,
    context: object,
    options?: ReplaceOptions | MergeOptions<T>,
  ): Returns<M, SessionHead<T>> {
    return this.ask("updateContext", () => withOptions(options, { id, context }));
  }

  /**
   * Returns what an agent needs to continue: the context and the last events (`recent`, ten by
   * default); `null` for an unknown id.
   */
  context(
    id: string,
    options?: Accepts<Omit<ContextParams, "id">>,
  ): Returns<M, SessionContext<T> | null> {
    return this.ask("context", () => withOptions(options, { id }));
  }

  /**
   * Returns a page of the history (`limit`, 100 events by default): of some types (`type`), the
   * oldest or the newest first (`order`), between two sequence numbers (`after`, `before`). Iterating
   * over it, with `for await` on an asynchronous handle, continues through all following pages. With
   * `type` the events have the types of their data.
   */
  abstract events<Type extends BuiltInEventType | OwnEventType<T>>(
    id: string,
    options: TypedEventOptions<Type>,
  ): M extends "async" ? EventList<T, Type> : EventPageSync<T, Type>;
  abstract events(
    id: string,
    options?: EventOptions<BuiltInEventType | OwnEventType<T>>,
  ): M extends "async" ? EventList<T> : EventPageSync<T>;

  /** Returns statistics over the matching sessions; over all sessions without a filter. */
  stats(filter?: Filter): Returns<M, Stats> {
    return this.ask("stats", () => filter ?? {});
  }

  /**
   * Returns how durations, costs, tokens and iterations are distributed among the matching sessions, or all:
   * percentiles and a histogram, and with `by` the percentiles of each mode, model or user, of as many
   * `groups` as are wanted, those with the most sessions.
   */
  distribution(options?: Accepts<DistributionParams>): Returns<M, Distribution> {
    return this.ask("distribution", () => options ?? {});
  }

  /**
   * Returns the positions in distributed traces of the calls that have appended to a session, in the order of its events: at
   * most `limit` (100), of events `after` a sequence number. Only calls of a handle with a tracer have any, and those that bring
   * a header `traceparent` to a server.
   */
  traces(id: string, options?: Accepts<Omit<TracesParams, "id">>): Returns<M, TracePage> {
    return this.ask("traces", () => withOptions(options, { id }));
  }

  /**
   * Returns a page of the changes after a position, in the order of the commits: of sessions, leases and
   * the audit log. Without a `position` it has no changes, only the position of the newest one.
   */
  changesSince(params?: Accepts<ChangesSinceParams>): Returns<M, ChangePage<T>> {
    return this.ask("changesSince", () => params ?? {});
  }

  /**
   * The heads of sessions as bytes that a mirror loads: of all sessions in the order of creation, page by
   * page, or of those with the given `ids`. The browser's module has no such operation.
   */
  heads(params?: Accepts<HeadsParams>): Returns<M, HeadsPage> {
    return this.ask("heads", () => params ?? {});
  }

  /** Deletes a session permanently, also one that cannot be read. */
  delete(id: string, options?: Accepts<Omit<DeleteParams, "id">>): Returns<M, null> {
    return this.ask("delete", () => withOptions(options, { id }));
  }

  /** Moves a session to the trash: it is not listed and cannot be changed until it is restored. */
  trash(id: string, options?: ChangeOptions): Returns<M, SessionHead<T>> {
    return this.ask("trash", () => withOptions(options, { id }));
  }

  /** Restores a session from the trash. */
  restore(id: string, options?: ChangeOptions): Returns<M, SessionHead<T>> {
    return this.ask("restore", () => withOptions(options, { id }));
  }

  /** Moves sessions of a given age to the trash, or deletes them permanently. */
  cleanup(params: Accepts<CleanupParams>): Returns<M, CleanupResult> {
    return this.ask("cleanup", () => params);
  }

  /** Purges the trash: permanently deletes sessions that have been in it for a given time. */
  purge(params: Accepts<PurgeParams>): Returns<M, PurgeResult> {
    return this.ask("purge", () => params);
  }

  /**
   * Moves up to 1,000 sessions to the trash, as many as possible in one commit. Failures are in the
   * result, and do not affect other sessions.
   */
  trashMany(ids: readonly string[], options?: TokenOption): Returns<M, BulkResult> {
    return this.ask("trashMany", () => withOptions(options, { ids }));
  }

  /** Restores sessions from the trash, in the manner of {@link Operations.trashMany}. */
  restoreMany(ids: readonly string[], options?: TokenOption): Returns<M, BulkResult> {
    return this.ask("restoreMany", () => withOptions(options, { ids }));
  }

  /** Deletes sessions permanently, in the manner of {@link Operations.trashMany}. */
  deleteMany(ids: readonly string[], options?: TokenOption): Returns<M, BulkResult> {
    return this.ask("deleteMany", () => withOptions(options, { ids }));
  }

  /**
   * Removes expired records: runs that no longer block duplicates, and entries of the audit log
   * that are older than a year, or than `keepAudit`.
   */
  cleanupRecords(params?: Accepts<CleanupRecordsParams>): Returns<M, RecordsCleaned> {
    return this.ask("cleanupRecords", () => params ?? {});
  }

  /** Exports a session with its complete history as JSON text. */
  export(id: string, options?: TrashOption): Returns<M, string> {
    return this.ask("export", () => withOptions(options, { id }));
  }

  /**
   * Imports an exported session, replacing one of the same id; with `replace: false` there must be
   * none (`SESSION_EXISTS`). Takes the JSON text, or the parsed object.
   */
  import(session: string | object, options?: ImportOptions): Returns<M, SessionHead<T>> {
    return this.ask("import", () => withOptions(options, { text: sessionText(session) }));
  }

  /**
   * Imports a file of another program, of which `path` and `text` tell what it is, as `importDirectory` does
   * with all files of a directory. The result has no `holds` for a file that is not known.
   */
  importFile(file: Accepts<ImportFileParams>): Returns<M, FileImport> {
    return this.ask("importFile", () => file);
  }

  /**
   * Overrides any field of a session, for administrators: without lifecycle checks, events or
   * webhooks.
   */
  override(id: string, updates: Overrides<T>, options?: ChangeOptions): Returns<M, SessionHead<T>> {
    return this.ask("override", () => withOptions(options, { id, updates }));
  }

  /**
   * Stores a complete session as given, without an event or a webhook; creates it if it does not
   * exist. Takes the JSON text, or the parsed object.
   */
  save(
    session: string | object,
    options?: Accepts<Omit<SaveParams, "text">>,
  ): Returns<M, SessionHead<T>> {
    return this.ask("save", () => withOptions(options, { text: sessionText(session) }));
  }

  /**
   * Starts a session with the task, the context and the history of another one, up to a given
   * event.
   */
  fork(id: string, options?: Patch<ForkParams, T>): Returns<M, Session<T>> {
    return this.ask("fork", () => withOptions(options, { id }));
  }

  /** Whether a session can be continued: paused, or active with remaining iterations. */
  isResumable(id: string): Returns<M, boolean> {
    return this.ask("isResumable", () => ({ id }));
  }

  /** Returns the consumed iterations in percent, from 0 to 100; `null` for an unknown id. */
  progress(id: string, options?: TrashOption): Returns<M, number | null> {
    return this.ask("progress", () => withOptions(options, { id }));
  }

  /**
   * Returns the running time in milliseconds, until now or until its end; `null` for an unknown id.
   */
  duration(id: string, options?: TrashOption): Returns<M, number | null> {
    return this.ask("duration", () => withOptions(options, { id }));
  }

  /**
   * Starts a session in the slot of a task's phase. A slot holds at most one session. The `outcome`
   * is `"created"`, `"existing"` (with the current occupant), `"needs_confirmation"` if the
   * occupant uses another model (ask the user, and call again with the option `confirm`),
   * `"replaced"`, `"busy"` or `"rejected"`; `message` is a text for users.
   */
  abstract startInSlot(
    request: SlotRequest<T>,
    options?: SlotOptionsOf<M>,
  ): Returns<M, SlotStart<T>>;

  /**
   * Returns the session in the slot of a task's phase, and whether its model is missing; `null` if
   * the slot is empty.
   */
  latestSession(taskId: string, phase: SlotPhase): Returns<M, SlotSession<T> | null> {
    return this.ask("latestSession", () => ({ taskId, phase }));
  }

  /** Returns the sessions in the slots of tasks. */
  slots(taskIds: string | readonly string[]): Returns<M, readonly SlotSession<T>[]> {
    return this.ask("slots", () => ({ taskIds }));
  }

  /**
   * Returns the phase that a title such as `Plan: the new parser` names; `null` if it names none.
   */
  slotPhase(title: string): Returns<M, SlotPhase | null> {
    return this.ask("slotPhase", () => ({ title }));
  }
}

function sessionText(session: string | object): string {
  return typeof session === "string" ? session : encode("session", session);
}
