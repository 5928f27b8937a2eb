/**
 * The forms in which callers may give parameters. What operations take and return is in
 * `generated.ts`, written from the Rust core.
 *
 * @module
 */

/** A moment: a `Date`, an RFC 3339 text or bare date, or milliseconds since 1970. */
export type Time = Date | string | number;

type TimeKey = "createdAfter" | "createdBefore" | "updatedAfter" | "updatedBefore";

/**
 * Parameters as callers may give them: a member that may be left out may also be `undefined`, lists
 * may be read-only, and where a moment is meant any {@link Time} will do.
 */
export type Accepts<T> = {
  readonly [K in keyof T]:
    | (K extends TimeKey ? Time : AcceptsList<T[K]>)
    | (Record<never, never> extends Pick<T, K> ? undefined : never);
};

type AcceptsList<T> = T extends readonly (infer U)[] ? readonly Accepts<U>[] : T;
