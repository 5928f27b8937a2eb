/**
 * Refuses calls with more arguments than a method or function has parameters. In
 * `cleanup(params, { dryRun: true })` the second argument would be ignored, and sessions would go.
 *
 * @module
 */

import { type TenureError, tooManyArguments } from "./error.js";

/** How a method answers a call that is refused: it throws, or returns a promise that rejects. */
export type Refuse<T> = (problem: TenureError, self: T, method: string) => unknown;

/**
 * Has all methods of a class refuse arguments that they have no parameter for. Inherited methods are
 * those of the other class. `parameters` counts those of a method that has default values, which
 * `Function.length` leaves out.
 */
export function refuseExtraArguments<T>(
  type: { readonly prototype: T },
  refuse: Refuse<T>,
  parameters: Readonly<Record<string, number>> = {},
): void {
  const methods = Object.getOwnPropertyDescriptors(type.prototype);
  for (const [name, descriptor] of Object.entries(methods)) {
    const method: unknown = descriptor.value;
    if (name === "constructor" || typeof method !== "function") continue;
    const most = parameters[name] ?? method.length;
    const value = exact(name, method as (this: T, ...args: unknown[]) => unknown, most, refuse);
    Object.defineProperty(type.prototype, name, { ...descriptor, value });
  }
}

/** A function that throws if it gets more than `most` arguments. */
export function exactly<A extends unknown[], R>(
  name: string,
  most: number,
  call: (...args: A) => R,
): (...args: A) => R {
  return exact(name, call, most, thrown) as (...args: A) => R;
}

/** As {@link exactly}, for a function that returns a promise, which then rejects. */
export function exactlyAsync<A extends unknown[], R>(
  name: string,
  most: number,
  call: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return exact(name, call, most, rejected) as (...args: A) => Promise<R>;
}

/**
 * As {@link exactly} with one argument, for a function that may be passed to an array's method such as
 * `map`, which adds the index and the array.
 */
export function exactlyEach<A extends [unknown?], R>(
  name: string,
  call: (...args: A) => R,
): (...args: A) => R {
  return exact(name, call, 1, thrown, isOfArray) as (...args: A) => R;
}

/** As {@link exactlyEach}, for a function that returns a promise, which then rejects. */
export function exactlyEachAsync<A extends [unknown?], R>(
  name: string,
  call: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return exact(name, call, 1, rejected, isOfArray) as (...args: A) => Promise<R>;
}

/** Throws. */
export function thrown(problem: TenureError): never {
  throw problem;
}

/** Rejects. */
export function rejected(problem: TenureError): Promise<never> {
  return Promise.reject(problem);
}

/** Whether an array's method passes these arguments: an item, its index and the array. */
function isOfArray([item, index, array, ...others]: readonly unknown[]): boolean {
  const isItem = Array.isArray(array) && typeof index === "number" && array[index] === item;
  return isItem && others.length === 0;
}

function exact<T, A extends unknown[]>(
  name: string,
  call: (this: T, ...args: A) => unknown,
  most: number,
  refuse: Refuse<T>,
  isAllowed: (args: readonly unknown[]) => boolean = () => false,
): (this: T, ...args: A) => unknown {
  const checked = function (this: T, ...args: A): unknown {
    if (args.length <= most) return call.apply(this, args);
    if (isAllowed(args)) return call.apply(this, args.slice(0, most) as A);
    return refuse(tooManyArguments(name, most, args.length), this, name);
  };
  return Object.defineProperties(checked, { name: { value: name }, length: { value: most } });
}
