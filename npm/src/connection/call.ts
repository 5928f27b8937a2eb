/**
 * The types of a call: the name of an operation, its parameters, and its result or a promise of it.
 *
 * @module
 */

import type * as generated from "../generated.js";
import type { Operations } from "../generated.js";
import type {
  DedupCleaned,
  DedupDecision,
  HookReply,
  HostOutput,
  LeaseAcquisition,
  LeaseRelease,
  LeaseRenewal,
  LeaseTransfer,
  PreDelegateOutput,
  ResumeDecision,
  SlotStart,
  StartedToolCall,
  SubagentStopOutput,
} from "../values/outcomes.js";
import type { Accepts } from "../values/params.js";
import type {
  ChangePage,
  EventPage,
  Session,
  SessionContext,
  SessionHead,
  SessionPage,
  SessionTypes,
  SlotSession,
} from "../values/session-types.js";

/** The name of an operation. */
export type OperationName = keyof Operations;
/** The parameters of an operation, as callers may pass them. */
export type Params<N extends OperationName> = Accepts<Operations[N]["params"], object>;
/** The result of an operation. */
export type Result<
  N extends OperationName,
  T extends SessionTypes = SessionTypes,
> = N extends keyof Outcomes ? Outcomes[N] : Typed<Operations[N]["result"], T>;

/** The results whose outcome tells which properties they have. */
interface Outcomes {
  leaseAcquire: LeaseAcquisition;
  hold: LeaseAcquisition;
  leaseRenew: LeaseRenewal;
  leaseRelease: LeaseRelease;
  leaseTransfer: LeaseTransfer;
  dedupAdmit: DedupDecision;
  dedupCheck: DedupDecision;
  dedupRegister: DedupDecision;
  dedupCleanup: DedupCleaned;
  shouldResume: ResumeDecision;
  startToolCall: StartedToolCall;
  hookPreDelegate: HookReply<PreDelegateOutput | HostOutput>;
  hookSubagentStop: HookReply<SubagentStopOutput | HostOutput>;
  hookEvent: HookReply<HostOutput>;
}

/** A result with the types of the caller. */
type Typed<R, T extends SessionTypes> = R extends readonly (infer Item)[]
  ? Typed<Item, T>[]
  : R extends generated.Session
    ? Session<T>
    : R extends generated.SessionHead
      ? SessionHead<T>
      : R extends generated.SessionContext
        ? SessionContext<T>
        : R extends generated.SessionPage
          ? SessionPage<T>
          : R extends generated.EventPage
            ? EventPage<T>
            : R extends generated.ChangePage
              ? ChangePage<T>
              : R extends generated.SlotSession
                ? SlotSession<T>
                : R extends generated.SlotStart
                  ? SlotStart<T>
                  : R extends generated.SlotFailure
                    ? generated.SlotFailure
                    : R;

/** Whether a handle returns results or promises of them. */
export type Mode = "sync" | "async";

/** The return type of a handle's method: the result, or a promise of it. */
export type Returns<M extends Mode, T> = M extends "async" ? Promise<T> : T;

/** Performs an operation with the parameters that `make` returns. */
export type Ask<M extends Mode, T extends SessionTypes = SessionTypes> = <N extends OperationName>(
  name: N,
  make: () => Params<N>,
) => Returns<M, Result<N, T>>;

/** Performs operations asynchronously. Every handle does, in either mode. */
export interface Performer {
  /** Performs an operation. */
  perform<N extends OperationName>(name: N, params: Params<N>): Promise<Result<N>>;
}
