/**
 * The synchronous handle: sessions over a store that answers at once.
 *
 * @module
 */

import type { OperationName, Params, Result } from "./connection.js";
import { Handle } from "./handle.js";
import { type ListOptions, SessionPageSync } from "./list.js";
import type { RetentionPlan } from "./retention.js";

/** The sessions of a store, with methods that return results instead of promises. Made by `openSync`. */
export class SessionsSync extends Handle<"sync"> implements Disposable {
  /**
   * A page of the sessions that are meant, newest first (`limit`, 50 by default); to iterate over it
   * goes on through all pages that follow.
   */
  list(options: ListOptions = {}): SessionPageSync {
    return new SessionPageSync({ ...options }, (page) => this.ask("list", () => page));
  }

  /** Closes the handle. It takes no more calls; webhooks that wait are still delivered. */
  close(): void {
    if (this.connection.isClosed) return;
    this.connection.closeSync();
    this.detach();
  }

  /** See {@link SessionsSync.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  protected override ask<N extends OperationName>(name: N, make: () => Params<N>): Result<N> {
    return this.connection.perform(name, make);
  }

  /** @internal */
  protected override clean({ maxAge, purgeAfter }: RetentionPlan): void {
    try {
      this.cleanup({ maxAge });
      this.purge({ olderThan: purgeAfter });
    } catch (thrown) {
      this.report(thrown);
    }
  }
}
