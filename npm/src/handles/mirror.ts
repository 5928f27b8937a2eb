/**
 * A mirror: the heads of all sessions of a store in memory, where lists and statistics take microseconds
 * and ask nobody. It follows the store that it mirrors. It has no histories, and nothing is written to it.
 *
 * @module
 */

import type { Build } from "../builds/binding.js";
import { Connection } from "../connection/connection.js";
import { encode } from "../connection/encode.js";
import { type Models, modelOptions } from "../connection/models.js";
import type {
  Distribution,
  DistributionParams,
  Problem,
  Stats,
  StatsParams,
} from "../generated.js";
import { checkArguments, mayTake, thrown } from "../values/arguments.js";
import { bytesOf } from "../values/bytes.js";
import { invalidArgument, type TenureError } from "../values/error.js";
import { checkOptions, copyOf, described } from "../values/options.js";
import type { Accepts } from "../values/params.js";
import type { SessionHead, SessionTypes } from "../values/session-types.js";
import { type ListOptions, SessionPageSync } from "./list.js";
import { MirrorFollower, type Reload } from "./mirror-follower.js";
import { Sessions } from "./sessions.js";

/** Options of `openMirror`. */
export interface MirrorOptions {
  /**
   * The available models: their names, or a function that tells whether a model is available. A session of
   * any other model is marked, as by a list of a handle. By default they are those of the handle when the
   * mirror is opened; with `null` no session is marked. `setModels` changes it.
   */
  readonly models?: Models | null | undefined;
  /** Ends the loading with the error `ABORTED`, and later the following. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of sessions that are loaded, while they are. */
  readonly onProgress?: ((loaded: number) => void) | undefined;
  /** Called with the ids of sessions that have changed, when the mirror shows them. */
  readonly onChange?: ((ids: readonly string[]) => void) | undefined;
  /** Called with sessions that cannot be read. They are not in the mirror. */
  readonly onProblems?: ((problems: readonly Problem[]) => void) | undefined;
  /**
   * Called with a failure to follow the store. The mirror stays as it is, and goes on as soon as it can; a
   * failure that repeats is reported once. What another callback throws is reported, too. Without this
   * callback a warning is printed.
   */
  readonly onError?: ((error: TenureError) => void) | undefined;
}

/** Opens a mirror. */
export type OpenMirror = {
  /** Opens an empty mirror, into which `load` loads. */
  <T extends SessionTypes = SessionTypes>(): Promise<Mirror<T>>;
  /**
   * Opens a mirror of a store, and loads all sessions. It follows the store until the mirror, or the handle
   * of the store, is closed.
   */
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
      distribution: mayTake("options", 0, "{ by, groups }", 1),
    });
  }

  readonly #build: Build;
  #models: Models | undefined;
  #connection: Connection;
  readonly #ended = new AbortController();

  /** An empty mirror. @internal */
  constructor(build: Build, models: Models | undefined) {
    this.#build = build;
    this.#models = models;
    this.#connection = connect(build, models);
  }

  /**
   * Loads the `bytes` of a page of `heads`, as bytes or in base 64: in place of what the mirror has of the
   * same sessions. Returns the number of sessions. Throws `CORRUPT_SESSION` if they take the place of bytes
   * that were damaged: open another mirror then.
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
    return this.#connection.perform("stats", () => filter ?? {});
  }

  /** How measures are distributed among sessions, as the method of a handle returns it. */
  distribution(options: Accepts<DistributionParams> = {}): Distribution {
    return this.#connection.perform("distribution", () => options ?? {});
  }

  /** A session without its history; `null` for an unknown id. */
  get(id: string): SessionHead<T> | null {
    const session = this.#connection.perform("get", () => ({ id, history: "none" as const }));
    if (session === null) return null;
    const { history: _, ...head } = session;
    return head as unknown as SessionHead<T>;
  }

  /**
   * Replaces the available models: their names, or a function that tells whether a model is available; with
   * `null` every model is available.
   */
  setModels(models: Models | null): void {
    this.#connection.setModels(models);
    this.#models = models ?? undefined;
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
    const follower = new MirrorFollower(
      sessions,
      {
        load: (bytes) => this.#connection.loadHeads(bytes),
        reload: () => this.#reload(),
      },
      { ...options, signal: anyOf(this.#ended.signal, options.signal) },
    );
    await follower.loadAll();
    void follower.follow();
  }

  /** Loads all sessions again. What is there is shown until all is loaded. */
  #reload(): Reload {
    const loading = connect(this.#build, undefined);
    return {
      load: (bytes) => loading.loadHeads(bytes),
      show: () => {
        const before = this.#connection;
        // They may have changed meanwhile.
        loading.setModels(this.#models ?? null);
        this.#connection = loading;
        before.closeSync();
      },
      drop: () => loading.closeSync(),
    };
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
    const { models = sessions?.models } = options;
    const mirror = new Mirror(await build(), models ?? undefined);
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
  models: "any",
  signal: "signal",
  onProgress: "function",
  onChange: "function",
  onProblems: "function",
  onError: "function",
} as const;

function connect({ binding }: Build, models: Models | undefined): Connection {
  return new Connection({
    binding,
    url: "memory:",
    options: encode("options", { mirror: true, ...modelOptions(models) }),
    driver: undefined,
    notify: () => {},
    models,
  });
}

/** A signal that is aborted when one of two is. */
function anyOf(own: AbortSignal, given: AbortSignal | undefined): AbortSignal {
  return given === undefined ? own : AbortSignal.any([own, given]);
}
