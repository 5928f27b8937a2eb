/**
 * One side of a copy or an import: an open handle, or a target that is opened for the duration of
 * the job.
 *
 * @module
 */

import type { Mode } from "../connection/call.js";
import type { Target } from "../stores/target.js";
import { Handle } from "./handle.js";
import type { Sessions } from "./sessions.js";
import type { SessionsSync } from "./sessions-sync.js";

/** The source or target of a copy: a URL, a store of your own, or an open handle. */
export type CopyTarget = Target | Sessions | SessionsSync;

/** One side of a copy or an import. */
export class Side {
  /** The URL of the store, if it was given as one. */
  readonly url: string | undefined;
  readonly #open: (target: Target) => Promise<Sessions>;
  readonly #given: CopyTarget;
  #opened: Sessions | undefined;

  /** A side that is not open yet; `open` opens it, unless it is an open handle. */
  constructor(open: (target: Target) => Promise<Sessions>, given: CopyTarget) {
    this.#open = open;
    this.#given = given;
    const url = given instanceof URL ? given.href : given;
    this.url = typeof url === "string" ? url : undefined;
  }

  /** Returns the open handle. */
  async open(): Promise<Handle<Mode>> {
    if (this.#given instanceof Handle) return this.#given;
    this.#opened = await this.#open(this.#given);
    return this.#opened;
  }

  /** Closes the handle if it was opened for the job. */
  async close(): Promise<void> {
    await this.#opened?.close();
  }
}
