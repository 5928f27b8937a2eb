/**
 * The types that callers may pass as parameters. The exact parameters and results of each operation
 * are in `generated.ts`, which is generated from the Rust core.
 *
 * @module
 */

/**
 * A point in time: a `Date`, an RFC 3339 timestamp, a date such as `"2026-01-31"`, or milliseconds
 * since 1970.
 */
export type Time = Date | string | number;

type TimeKey = "createdAfter" | "createdBefore" | "updatedAfter" | "updatedBefore";

/**
 * Parameters as callers may pass them: an optional property may also be `undefined`, lists may be
 * read-only, and a point in time may be any {@link Time}.
 */
export type Accepts<T> = {
  readonly [K in keyof T]:
    | (K extends TimeKey ? Time : AcceptsList<T[K]>)
    | (Record<never, never> extends Pick<T, K> ? undefined : never);
};

type AcceptsList<T> = T extends readonly (infer U)[] ? readonly Accepts<U>[] : T;
