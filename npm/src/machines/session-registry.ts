/**
 * The registry of a session manager: the store that all processes of the machine share, or one in
 * memory in its place, and who this process is in it.
 *
 * @module
 */

import type { Build } from "../builds/binding.js";
import type { Source } from "../builds/source.js";
import type { OperationName, Params, Result } from "../connection/call.js";
import { Connection } from "../connection/connection.js";
import type { ActiveSession } from "../generated.js";
import { randomUuid } from "../runtime/random-uuid.js";

/** What all processes of a user on a machine share. */
export const REGISTRY_URL = "registry:";
/** What takes its place where it cannot be opened. */
export const MEMORY_URL = "memory:";

/** The parameters of an operation, given the holder that stands for this process. */
type Make<N extends OperationName> = (holder: string | undefined) => Params<N>;

/** A registry that is open. */
interface Opened {
  readonly url: string;
  readonly connection: Connection;
  /** The holder that stands for this process, where the core knows of no process. */
  readonly holder: string | undefined;
  readonly session: ActiveSession;
}

/** The registry, opened as soon as that is possible. */
export class SessionRegistry {
  readonly #source: Source;
  readonly #name = randomUuid();
  readonly #createdAt = new Date().toISOString();
  #opened: Opened | undefined;
  #problem: unknown;

  /** Opens the registry if that can be done at once; in browsers the WebAssembly may not be there. */
  constructor(source: Source) {
    this.#source = source;
    try {
      this.#open();
    } catch (thrown) {
      this.#problem = thrown;
    }
  }

  /** What it is kept in. */
  get url(): string {
    return this.#opened?.url ?? MEMORY_URL;
  }

  /** Why it is not shared, if it is not. */
  get problem(): unknown {
    return this.#problem;
  }

  /** Who this process is. */
  get session(): Pick<ActiveSession, "sessionId" | "pid" | "hostname" | "createdAt"> {
    const { session } = this.#opened ?? {};
    if (session) return session;
    return { sessionId: this.#name, pid: null, hostname: null, createdAt: this.#createdAt };
  }

  /** Performs an operation, after the registry has been opened. */
  async ask<N extends OperationName>(name: N, make: Make<N>): Promise<Result<N>> {
    if (this.#opened === undefined) await this.#source.prepare();
    const { connection, holder } = this.#open();
    return connection.promise(this, name, () => make(holder));
  }

  /** Performs an operation at once. */
  askSync<N extends OperationName>(name: N, make: Make<N>): Result<N> {
    const { connection, holder } = this.#open();
    return connection.perform(name, () => make(holder));
  }

  /** Tries again to open the shared registry, where that in memory holds nothing that matters. */
  retry(): void {
    const before = this.#opened;
    if (before?.url !== MEMORY_URL) return;
    const shared = this.#shared();
    if (shared === undefined) return;
    before.connection.abandon();
    this.#opened = shared;
  }

  /** Says that this process runs, and what it owns is still owned. */
  async renew(): Promise<void> {
    await this.ask("processRegister", (holder) => ({ holder }));
  }

  #open(): Opened {
    this.#opened ??= this.#shared() ?? this.#openedAt(MEMORY_URL);
    return this.#opened;
  }

  #shared(): Opened | undefined {
    try {
      const opened = this.#openedAt(REGISTRY_URL);
      this.#problem = undefined;
      return opened;
    } catch (thrown) {
      this.#problem = thrown;
      return undefined;
    }
  }

  #openedAt(url: string): Opened {
    const { binding, info }: Build = this.#source.now(url);
    const connection = new Connection({
      binding,
      url,
      options: "{}",
      host: undefined,
      notify: () => {},
    });
    try {
      const holder = info.build === "wasm" ? this.#name : undefined;
      const session = connection.perform("processRegister", () => ({ holder }));
      return { url, connection, holder, session };
    } catch (thrown) {
      connection.abandon();
      throw thrown;
    }
  }
}
