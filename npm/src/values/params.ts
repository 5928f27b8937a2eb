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

/** A JSON object that a caller passes. It may have the type of an interface; lists are refused. */
export type JsonInput = Record<string, unknown> | NoList;

type NoList = object & { readonly [Symbol.iterator]?: never };

/** An object with known properties and others. It may also have the type of an interface. */
export type OpenInput<T> =
  | T
  | (NoList & { readonly [K in keyof T as string extends K ? never : K]: T[K] });

type TimeKey = "createdAfter" | "createdBefore" | "updatedAfter" | "updatedBefore";
type ObjectKey = "context" | "data";

/**
 * Parameters as callers may pass them: an optional property may also be `undefined`, lists may be
 * read-only, a point in time may be any {@link Time}, and a JSON object may have the type of an
 * interface.
 */
export type Accepts<T, Json = JsonInput> = {
  readonly [K in keyof T]:
    | (K extends TimeKey
        ? Time
        : K extends ObjectKey
          ? Json
          : K extends "metadata"
            ? OpenInput<NonNullable<T[K]>>
            : AcceptsList<T[K], Json>)
    | (Record<never, never> extends Pick<T, K> ? undefined : never);
};

type AcceptsList<T, Json> = T extends readonly (infer U)[] ? readonly Accepts<U, Json>[] : T;
