/**
 * The base class of what a handle offers on one subject, such as agents or leases.
 *
 * @module
 */

import type { Ask, Mode } from "../connection/call.js";
import type { Refuse } from "../values/arguments.js";
import type { SessionTypes } from "../values/session-types.js";

/** The operations on one subject, in either mode. */
export abstract class OperationGroup<M extends Mode, T extends SessionTypes = SessionTypes> {
  /** Fails a call as an operation fails: by throwing, or by a promise. @internal */
  protected static readonly refuse: Refuse<OperationGroup<Mode>> = (problem, self) =>
    self.ask("get", () => {
      throw problem;
    });

  /** @internal */
  protected readonly ask: Ask<M, T>;

  /** @internal */
  constructor(ask: Ask<M, T>) {
    this.ask = ask;
  }
}
