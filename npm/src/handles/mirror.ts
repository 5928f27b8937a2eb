/**
 * A mirror: the heads of all sessions of a store in memory, where lists and statistics take microseconds
 * and ask nobody. It follows the store that it mirrors. It has no histories, and nothing is written to it.
 *
 * @module
 */

import type { Build } from "../builds/binding.js";
import { Connection } from "../connection/connection.js";
import { encode } from "../connection/encode.js";
import type { Problem, Stats, StatsParams } from "../generated.js";
import { checkArguments, mayTake, thrown } from "../values/arguments.js";
import { bytesOf } from "../values/base64.js";
import { aborted, invalidArgument, isTenureError } from "../values/error.js";
import { checkOptions, copyOf, described } from "../values/options.js";
import type { Accepts } from "../values/params.js";
import type { SessionHead, SessionTypes } from "../values/session-types.js";
import { type ListOptions, SessionPageSync } from "./list.js";
import { Sessions } from "./sessions.js";

/** The number of changed sessions that are read at a time. */
const IDS_PER_READ = 500;

/** Options of `openMirror`. */
export interface MirrorOptions {
  /** Ends the loading with the error `ABORTED`, and later the following. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of sessions that are loaded, while they are. */
  readonly onProgress?: ((loaded: number) => void) | undefined;
  /** Called with the ids of sessions that have changed, when the mirror shows them. */
  readonly onChange?: ((ids: readonly string[]) => void) | undefined;
  /** Called with sessions that cannot be read. They are not in the mirror. */
  readonly onProblems?: ((problems: readonly Problem[]) => void) | undefined;
  /** Called once with the error that ended the following. The mirror stays as it is then. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Opens a mirror. */
export type OpenMirror = {
  /** Opens an empty mirror, into which `load` loads. */
  (): Promise<Mirror>;
  /** Opens a mirror of a store, and loads all sessions. It follows the store until it is closed. */
  <T extends SessionTypes = SessionTypes>(
    sessions: Sessions<T>,
    options?: MirrorOptions,
  ): Promise<Mirror<T>>;
};

/** The sessions of another store, in memory. Made by `openMirror`. */
export class Mirror<T extends SessionTypes = SessionTypes> implements Disposable {
  static {
    checkArguments<Mirror>(Mirror, thrown, {
      list: mayTake("options", 0, "{ status, limit }", 1),
      stats: mayTake("filter", 0, "{ userId, mode }", 1),
    });
  }

  readonly #build: Build;
  #connection: Connection;
  readonly #ended = new AbortController();

  /** An empty mirror. @internal */
  constructor(build: Build) {
    this.#build = build;
    this.#connection = connect(build);
  }

  /**
   * Loads the `bytes` of a page of `heads`, as bytes or in base 64: in place of what the mirror has of the
   * same sessions. Returns the number of sessions.
   */
  load(bytes: Uint8Array | string): number {
    if (typeof bytes !== "string" && !(bytes instanceof Uint8Array)) {
      throw invalidArgument("bytes", `expected bytes or a text, got ${described(bytes)}`);
    }
    return this.#connection.loadHeads(typeof bytes === "string" ? bytesOf(bytes) : bytes);
  }

  /** Lists the matching sessions, as the method of a handle does. */
  list(options: ListOptions = {}): SessionPageSync<ListOptions, T> {
    const connection = this.#connection;
    return new SessionPageSync(copyOf(options), (page) => {
      // The types of the caller are the caller's promise.
      return connection.perform("list", () => page) as never;
    });
  }

  /** Statistics over sessions, as the method of a handle returns them. */
  stats(filter: Accepts<StatsParams> = {}): Stats {
    return this.#connection.perform("stats", () => filter);
  }

  /** A session without its history; `null` for an unknown id. */
  get(id: string): SessionHead<T> | null {
    const session = this.#connection.perform("get", () => ({ id, history: "none" as const }));
    if (session === null) return null;
    const { history: _, ...head } = session;
    return head as unknown as SessionHead<T>;
  }

  /** Ends the following, and frees the memory. */
  close(): void {
    if (this.#connection.isClosed) return;
    this.#ended.abort();
    this.#connection.closeSync();
  }

  /** See {@link Mirror.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Loads all sessions of a store, and follows it. @internal */
  async follow(sessions: Sessions<T>, options: MirrorOptions): Promise<void> {
    const signal = anyOf(this.#ended.signal, options.signal);
    const from = await this.#loadAll(sessions, options, signal);
    if (from !== undefined) void this.#followFrom(from, sessions, options, signal);
  }

  /** Loads all sessions. Returns the position of the changes that may be missing. */
  async #loadAll(
    sessions: Sessions<T>,
    { onProgress, onProblems }: MirrorOptions,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    // What is there is shown until all is loaded.
    const loading = connect(this.#build);
    try {
      let position: number | undefined;
      let cursor: string | undefined;
      let loaded = 0;
      do {
        if (signal.aborted) throw aborted(signal.reason);
        const page = await sessions.heads({ cursor });
        position ??= page.position;
        loaded += loading.loadHeads(bytesOf(page.bytes));
        cursor = page.nextCursor;
        if (page.problems.length > 0) onProblems?.(page.problems);
        onProgress?.(loaded);
      } while (cursor !== undefined);
      if (signal.aborted) throw aborted(signal.reason);
      const before = this.#connection;
      this.#connection = loading;
      before.closeSync();
      return position;
    } catch (thrown) {
      loading.closeSync();
      throw thrown;
    }
  }

  async #followFrom(
    position: number,
    sessions: Sessions<T>,
    options: MirrorOptions,
    signal: AbortSignal,
  ): Promise<void> {
    let from: number | undefined = position;
    try {
      while (from !== undefined) {
        try {
          await this.#readChanges(from, sessions, options, signal);
          return;
        } catch (thrown) {
          const isBehind =
            isTenureError(thrown, "LAGGED") || isTenureError(thrown, "POSITION_EXPIRED");
          if (!isBehind) throw thrown;
          from = await this.#loadAll(sessions, options, signal);
          options.onChange?.([]);
        }
      }
    } catch (thrown) {
      if (!signal.aborted) options.onError?.(thrown);
    }
  }

  /** Reads the sessions that change, each as it is then: one that changes often is read less often. */
  async #readChanges(
    from: number,
    sessions: Sessions<T>,
    { onChange, onProblems }: MirrorOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const changed = new Set<string>();
    const watch = sessions.watch({}, { from, signal });
    let reading: Promise<void> | undefined;
    let failed: { readonly thrown: unknown } | undefined;
    const read = async (): Promise<void> => {
      try {
        while (changed.size > 0 && !signal.aborted) {
          const ids = [...changed].slice(0, IDS_PER_READ);
          for (const id of ids) changed.delete(id);
          const { bytes, unread, problems } = await sessions.heads({ ids });
          for (const id of unread) changed.add(id);
          if (signal.aborted) return;
          this.#connection.loadHeads(bytesOf(bytes));
          if (problems.length > 0) onProblems?.(problems);
          onChange?.(unread.length === 0 ? ids : ids.filter((id) => !unread.includes(id)));
        }
      } catch (thrown) {
        failed = { thrown };
        void watch.return();
      } finally {
        reading = undefined;
      }
    };
    for await (const { kind, id } of watch) {
      if (failed !== undefined) throw failed.thrown;
      if (kind === "lease" || kind === "audit") continue;
      changed.add(id);
      reading ??= read();
    }
    await reading;
    if (failed !== undefined) throw failed.thrown;
  }
}

/** Returns `openMirror` for an entry point. */
export function openMirrorWith(build: () => Promise<Build>): OpenMirror {
  return (async (...args: unknown[]) => {
    const [sessions, options = {}] = args as [Sessions | undefined, MirrorOptions | undefined];
    if (args.length > 2) throw invalidArgument("openMirror", "expected at most two arguments");
    checkOptions(options, MIRROR_OPTIONS);
    if (sessions !== undefined && !(sessions instanceof Sessions)) {
      throw invalidArgument(
        "sessions",
        `expected a handle of \`open\`, got ${described(sessions)}`,
      );
    }
    const mirror = new Mirror(await build());
    try {
      if (sessions !== undefined) await mirror.follow(sessions, options);
      return mirror;
    } catch (thrown) {
      mirror.close();
      throw thrown;
    }
  }) as OpenMirror;
}

const MIRROR_OPTIONS = {
  signal: "signal",
  onProgress: "function",
  onChange: "function",
  onProblems: "function",
  onError: "function",
} as const;

function connect({ binding }: Build): Connection {
  return new Connection({
    binding,
    url: "memory:",
    options: encode("options", { mirror: true }),
    driver: undefined,
    notify: () => {},
  });
}

/** A signal that is aborted when one of two is. */
function anyOf(own: AbortSignal, given: AbortSignal | undefined): AbortSignal {
  return given === undefined ? own : AbortSignal.any([own, given]);
}
