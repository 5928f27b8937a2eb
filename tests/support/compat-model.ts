// A simple model of the functions of `tenure/compat`, written from their specification. It keeps
// sessions in a map and does not use a store.

import type { Status } from "tenure";
import type { AgentSession, SessionEvent } from "tenure/compat";

type Json = Record<string, unknown>;

/** A session in the model: what callers see, and derived state. */
export interface StoredSession {
  readonly seen: AgentSession;
  readonly pausedAt: number | undefined;
  readonly trashedAt: number | undefined;
}

/** The outcome of a call: a value, or the code of an error. */
export type Outcome = { readonly value: unknown } | { readonly code: string };

const FINISHED: readonly Status[] = ["completed", "failed", "abandoned"];

const value = (value: unknown): Outcome => ({ value });
const refused = (code: string): Outcome => ({ code });
const copy = <T>(of: T): T => JSON.parse(JSON.stringify(of));
const iso = (time: number): string => new Date(time).toISOString();
const isFinished = ({ status }: AgentSession): boolean => FINISHED.includes(status);

export class Model {
  readonly sessions = new Map<string, StoredSession>();
  now = 0;

  create(options: {
    readonly id: string;
    readonly task: string;
    readonly mode: string;
    readonly userId?: string | undefined;
    readonly maxIterations?: number | undefined;
    readonly context?: Json | undefined;
  }): Outcome {
    if (this.sessions.has(options.id)) return refused("SESSION_EXISTS");
    const { id, task, mode, userId, maxIterations = 100, context = {} } = options;
    const seen: AgentSession = copy({
      id,
      ...(userId === undefined ? {} : { userId }),
      mode,
      task,
      status: "active",
      createdAt: iso(this.now),
      updatedAt: iso(this.now),
      iterations: 0,
      maxIterations,
      context,
      version: 1,
      history: [this.#event("start", { task, mode })],
    });
    this.#keep(seen, {});
    return value(this.get(id));
  }

  /** A session as callers see it; `null` if it does not exist or is in the trash. */
  get(id: string): AgentSession | null {
    const kept = this.sessions.get(id);
    if (kept === undefined || kept.trashedAt !== undefined) return null;
    return numbered(copy(kept.seen));
  }

  pause(id: string, reason?: string): Outcome {
    return this.#step(id, ["active", "timeout"], (session) => {
      session.status = "paused";
      const { pauseReason: _, ...context } = session.context;
      session.context = { ...context, pausedAt: iso(this.now) };
      if (reason !== undefined) session.context.pauseReason = reason;
      this.#record(session, "pause", { reason: reason || "User requested pause" });
      return this.now;
    });
  }

  resume(id: string): Outcome {
    const session = this.get(id);
    if (session?.status === "active") return value(session);
    if (session?.status === "timeout" && session.iterations >= session.maxIterations) {
      return refused("BUDGET_EXHAUSTED");
    }
    const pausedAt = this.sessions.get(id)?.pausedAt ?? this.now;
    return this.#step(id, ["paused", "timeout"], (session) => {
      session.status = "active";
      const { pausedAt: _, pauseReason: __, ...context } = session.context;
      session.context = context;
      this.#record(session, "resume", { pausedDuration: Math.max(0, this.now - pausedAt) });
      this.#timeOut(session);
      return undefined;
    });
  }

  end(id: string, status: "completed" | "failed", text?: string): Outcome {
    const session = this.get(id);
    if (session !== null && isFinished(session)) return value(session);
    return this.#step(id, ["active", "paused", "timeout"], (session) => {
      const [property, type] =
        status === "completed" ? (["result", "complete"] as const) : (["error", "error"] as const);
      session.status = status;
      session.finalizedAt = iso(this.now);
      delete session[property];
      if (text !== undefined) session[property] = text;
      this.#record(session, type, text === undefined ? {} : { [property]: text });
      return undefined;
    });
  }

  /**
   * Appends an event; `act` performs the other effects, and returns whether the event is accepted.
   */
  record(
    id: string,
    type: string,
    data: (session: AgentSession) => Json,
    act: (session: AgentSession) => boolean = () => true,
  ): Outcome {
    const session = this.get(id);
    if (session === null || isFinished(session) || !act(session)) return value(false);
    this.#record(session, type, copy(data(session)));
    if (type === "iteration") this.#timeOut(session);
    this.#change(id, session);
    return value(true);
  }

  increment(id: string, data?: Json): Outcome {
    return this.record(
      id,
      "iteration",
      ({ iterations }) => data ?? { iteration: iterations },
      (session) => {
        if (session.status === "timeout" || session.iterations >= session.maxIterations) {
          return false;
        }
        session.iterations += 1;
        return true;
      },
    );
  }

  toolCall(id: string, tool: string, args: unknown, result: unknown): Outcome {
    return this.record(
      id,
      "tool_call",
      () => ({ tool, args: args ?? {}, result: result ?? null }),
      (session) => {
        const used = session.metadata?.toolsUsed ?? [];
        if (!used.includes(tool))
          session.metadata = { ...session.metadata, toolsUsed: [...used, tool] };
        return true;
      },
    );
  }

  updateContext(id: string, patch: Json): Outcome {
    const session = this.get(id);
    if (session === null) return value(null);
    session.context = { ...session.context, ...copy(patch) };
    this.#change(id, session);
    return value(this.get(id));
  }

  update(id: string, updates: Partial<AgentSession>): Outcome {
    const before = this.get(id);
    if (before === null) return value(null);
    const { context, metadata, ...rest } = copy(updates);
    const session: AgentSession = { ...before, ...rest };
    if (context) session.context = { ...before.context, ...context };
    if (metadata) session.metadata = { ...before.metadata, ...metadata };
    this.#settle(id, session);
    return value(this.get(id));
  }

  save(session: AgentSession): Outcome {
    const kept = this.sessions.get(session.id);
    if (kept?.trashedAt !== undefined) return refused("SESSION_DELETED");
    const given = copy(session);
    if (kept !== undefined) this.#settle(session.id, given);
    else {
      given.updatedAt = iso(Math.max(this.now, Date.parse(session.updatedAt)));
      delete given.finalizedAt;
      if (isFinished(given)) given.finalizedAt = session.finalizedAt ?? session.updatedAt;
      const paused = given.status === "paused";
      this.#keep(given, { pausedAt: paused ? (pausedAtOf(given) ?? this.now) : undefined });
    }
    return value(undefined);
  }

  /** `tenure` is the property that an exported text has besides those of the session. */
  import(text: AgentSession & { tenure?: { pausedAt?: string } }): Outcome {
    const { tenure, ...given } = copy(text);
    const current = this.sessions.get(given.id)?.seen.version ?? 0;
    given.version = Math.max(given.version ?? 1, current + 1);
    const since = tenure?.pausedAt;
    this.#keep(given, { pausedAt: since ? Date.parse(since) : pausedAtOf(given) });
    return value(this.get(given.id));
  }

  delete(id: string): Outcome {
    const there = this.get(id) !== null;
    if (there) this.sessions.delete(id);
    return value(there);
  }

  cleanup(maxAge: number): Outcome {
    let removed = 0;
    for (const [id, { seen, trashedAt, ...rest }] of this.sessions) {
      if (trashedAt !== undefined) {
        if (this.now - trashedAt >= maxAge) this.sessions.delete(id);
      } else if (
        seen.status !== "active" &&
        seen.status !== "paused" &&
        (maxAge === 0 || this.now - Date.parse(seen.createdAt) >= maxAge)
      ) {
        this.sessions.set(id, { ...rest, seen: this.#counted(seen, seen), trashedAt: this.now });
        removed += 1;
      }
    }
    return value(removed);
  }

  list(filter: {
    readonly userId?: string | undefined;
    readonly status?: readonly Status[] | undefined;
    readonly offset?: number | undefined;
    readonly limit?: number | undefined;
  }): readonly string[] {
    const { offset = 0, limit = Number.POSITIVE_INFINITY, userId, status } = filter;
    return [...this.sessions.keys()]
      .flatMap((id) => this.get(id) ?? [])
      .filter((session) => userId === undefined || session.userId === userId)
      .filter((session) => status === undefined || status.includes(session.status))
      .sort((a, b) => (order(a) < order(b) ? 1 : -1))
      .map(({ id }) => id)
      .slice(offset, offset + limit);
  }

  stats(): Json {
    const all = this.list({}).flatMap((id) => this.get(id) ?? []);
    const count = (status: Status): number => all.filter((s) => s.status === status).length;
    const share = (part: number): number => (all.length === 0 ? 0 : part / all.length);
    return {
      total: all.length,
      byStatus: Object.fromEntries(
        (["active", "paused", "completed", "failed", "timeout", "abandoned"] as const).map(
          (status) => [status, count(status)],
        ),
      ),
      averageIterations: share(all.reduce((sum, { iterations }) => sum + iterations, 0)),
      successRate: share(count("completed")) * 100,
    };
  }

  context(id: string): Json | null {
    const session = this.get(id);
    if (session === null) return null;
    const { task, mode, status, iterations, maxIterations, context, history } = session;
    return {
      ...{ sessionId: id, task, mode, workspace: null, status, iterations, maxIterations, context },
      recentHistory: history.slice(-10),
    };
  }

  isResumable(id: string): boolean {
    const session = this.get(id);
    if (session?.status === "paused") return true;
    return session?.status === "active" && session.iterations < session.maxIterations;
  }

  progress(id: string): number | null {
    const session = this.get(id);
    return session && Math.min(100, (session.iterations / session.maxIterations) * 100);
  }

  duration(id: string): number | null {
    const session = this.get(id);
    if (session === null) return null;
    const lives = session.status === "active" || session.status === "paused";
    const end = lives ? this.now : Date.parse(session.finalizedAt ?? session.updatedAt);
    return Math.max(0, end - Date.parse(session.createdAt));
  }

  /**
   * A transition from one of these statuses; `act` performs it, and returns since when the session
   * is paused.
   */
  #step(
    id: string,
    from: readonly Status[],
    act: (session: AgentSession) => number | undefined,
  ): Outcome {
    const session = this.get(id);
    if (session === null) return value(null);
    if (!from.includes(session.status)) return refused("INVALID_TRANSITION");
    const pausedAt = act(session);
    this.#keep(this.#counted(session, session), { pausedAt });
    return value(this.get(id));
  }

  /** Replaces a session by the given one. */
  #settle(id: string, given: AgentSession): void {
    const kept = this.sessions.get(id);
    if (kept === undefined) return;
    const session = { ...given };
    delete session.finalizedAt;
    if (isFinished(session)) {
      session.finalizedAt = given.finalizedAt ?? kept.seen.finalizedAt ?? iso(this.now);
    }
    const pausedAt =
      session.status === "paused" ? (pausedAtOf(session) ?? kept.pausedAt ?? this.now) : undefined;
    this.#change(id, session, pausedAt);
  }

  /** Stores a session, unless nothing has changed. */
  #change(id: string, session: AgentSession, pausedAt?: number): void {
    const kept = this.sessions.get(id);
    if (kept === undefined) return;
    const before = { ...numbered(copy(kept.seen)), version: 0, updatedAt: "" };
    const after = { ...numbered(copy(session)), version: 0, updatedAt: "" };
    const since = session.status === "paused" ? (pausedAt ?? kept.pausedAt) : undefined;
    if (same(before, after) && since === kept.pausedAt) return;
    this.#keep(this.#counted(session, kept.seen), { pausedAt: since });
  }

  #counted(session: AgentSession, before: AgentSession): AgentSession {
    const updatedAt = iso(Math.max(this.now, Date.parse(before.updatedAt)));
    return { ...session, updatedAt, version: (before.version ?? 0) + 1 };
  }

  #keep(seen: AgentSession, { pausedAt }: { readonly pausedAt?: number | undefined }): void {
    this.sessions.set(seen.id, { seen: copy(seen), pausedAt, trashedAt: undefined });
  }

  #timeOut(session: AgentSession): void {
    const { status, iterations, maxIterations } = session;
    if (status !== "active" || iterations < maxIterations) return;
    session.status = "timeout";
    this.#record(session, "timeout", { iterations, maxIterations });
  }

  #record(session: AgentSession, type: string, data: Json): void {
    session.history.push(this.#event(type, data));
  }

  #event(type: string, data: Json): SessionEvent {
    return { timestamp: iso(this.now), type, data };
  }
}

/** Numbers the history from 1, and sets `eventCount`. */
function numbered(session: AgentSession): AgentSession {
  const history = session.history.map((event, index) => ({ ...event, sequence: index + 1 }));
  return { ...session, history, eventCount: history.length };
}

function pausedAtOf({ status, context }: AgentSession): number | undefined {
  if (status !== "paused" || typeof context.pausedAt !== "string") return undefined;
  return Date.parse(context.pausedAt);
}

/** The order of lists: by time, then by id. */
function order({ createdAt, id }: AgentSession): string {
  return `${createdAt} ${id}`;
}

/** Whether two values are equal, regardless of the order of their properties. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => same(a[key as keyof typeof a], b[key as keyof typeof b]));
}
