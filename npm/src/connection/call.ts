/**
 * The types of a call: the name of an operation, its parameters, and its result or a promise of it.
 *
 * @module
 */

import type { Operations } from "../generated.js";
import type { Accepts } from "../values/params.js";

/** The name of an operation. */
export type OperationName = keyof Operations;
/** The parameters of an operation, as callers may pass them. */
export type Params<N extends OperationName> = Accepts<Operations[N]["params"]>;
/** The result of an operation. */
export type Result<N extends OperationName> = Operations[N]["result"];

/** Whether a handle returns results or promises of them. */
export type Mode = "sync" | "async";

/** The return type of a handle's method: the result, or a promise of it. */
export type Returns<M extends Mode, T> = M extends "async" ? Promise<T> : T;

/** Performs an operation with the parameters that `make` returns. */
export type Ask<M extends Mode> = <N extends OperationName>(
  name: N,
  make: () => Params<N>,
) => Returns<M, Result<N>>;

/** Performs operations asynchronously. Every handle does, in either mode. */
export interface Performer {
  /** Performs an operation. */
  perform<N extends OperationName>(name: N, params: Params<N>): Promise<Result<N>>;
}
