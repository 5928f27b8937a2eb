/**
 * The registry of a session manager: the store that all processes of the machine share, or one in
 * memory as a fallback, and the registration of this process in it.
 *
 * @module
 */

import type { Build } from "../builds/binding.js";
import type { Source } from "../builds/source.js";
import type { OperationName, Params, Result } from "../connection/call.js";
import { Connection } from "../connection/connection.js";
import type { ActiveSession } from "../generated.js";
import { randomUuid } from "../runtime/random-uuid.js";

/** The registry that all processes of a user on a machine share. */
export const REGISTRY_URL = "registry:";
/** The fallback if the registry cannot be opened. */
export const MEMORY_URL = "memory:";

/** Returns the parameters of an operation, given the holder for this process. */
type Make<N extends OperationName> = (holder: string | undefined) => Params<N>;

/** An open registry. */
interface Opened {
  readonly url: string;
  readonly connection: Connection;
  /** The holder for this process in WebAssembly, where the core has no process. */
  readonly holder: string | undefined;
  readonly session: ActiveSession;
}

/** The registry, opened as soon as possible. */
export class SessionRegistry {
  readonly #source: Source;
  readonly #name = randomUuid();
  readonly #createdAt = new Date().toISOString();
  #opened: Opened | undefined;
  #problem: unknown;

  /**
   * Opens the registry if that is possible synchronously; in browsers the WebAssembly module may
   * not be loaded yet.
   */
  constructor(source: Source) {
    this.#source = source;
    try {
      this.#open();
    } catch (thrown) {
      this.#problem = thrown;
    }
  }

  /** The URL of the registry. */
  get url(): string {
    return this.#opened?.url ?? MEMORY_URL;
  }

  /** The error if the shared registry could not be opened. */
  get problem(): unknown {
    return this.#problem;
  }

  /** The session of this process. */
  get session(): Pick<ActiveSession, "sessionId" | "pid" | "hostname" | "createdAt"> {
    const { session } = this.#opened ?? {};
    if (session) return session;
    return { sessionId: this.#name, pid: null, hostname: null, createdAt: this.#createdAt };
  }

  /** Performs an operation; opens the registry first if necessary. */
  async ask<N extends OperationName>(name: N, make: Make<N>): Promise<Result<N>> {
    if (this.#opened === undefined) await this.#source.prepare();
    const { connection, holder } = this.#open();
    return connection.performAsync(this, name, () => make(holder));
  }

  /** Performs an operation synchronously. */
  askSync<N extends OperationName>(name: N, make: Make<N>): Result<N> {
    const { connection, holder } = this.#open();
    return connection.perform(name, () => make(holder));
  }

  /**
   * Retries to open the shared registry, in place of the one in memory. Only call it while this
   * process owns no virtual machine.
   */
  retry(): void {
    const before = this.#opened;
    if (before?.url !== MEMORY_URL) return;
    const shared = this.#shared();
    if (shared === undefined) return;
    before.connection.abandon();
    this.#opened = shared;
  }

  /** Renews the registration of this process, and with it its ownership. */
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
      driver: undefined,
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
