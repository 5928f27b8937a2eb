/**
 * The types of a call: the name of an operation, what it takes, and its result or a promise of it.
 *
 * @module
 */

import type { Operations } from "../generated.js";
import type { Accepts } from "../values/params.js";

/** The name of an operation. */
export type OperationName = keyof Operations;
/** What an operation takes, as callers may give it. */
export type Params<N extends OperationName> = Accepts<Operations[N]["params"]>;
/** What an operation answers. */
export type Result<N extends OperationName> = Operations[N]["result"];

/** Whether a handle returns results or promises of them. */
export type Mode = "sync" | "async";

/** What a method of a handle returns: the result, or a promise of it. */
export type Returns<M extends Mode, T> = M extends "async" ? Promise<T> : T;

/** Performs an operation with the parameters that `make` returns. */
export type Ask<M extends Mode> = <N extends OperationName>(
  name: N,
  make: () => Params<N>,
) => Returns<M, Result<N>>;

/** Something that performs operations asynchronously: a handle, whatever its mode. */
export interface Performer {
  /** Performs an operation. */
  perform<N extends OperationName>(name: N, params: Params<N>): Promise<Result<N>>;
}
