/**
 * Checks the arguments of calls: refuses what is no object where an object is expected, and more
 * arguments than a method or function has parameters. In `cleanup(params, { dryRun: true })` the
 * second argument would be ignored, and sessions would go.
 *
 * @module
 */

import { isTenureError, type TenureError, tooManyArguments } from "./error.js";
import { checkObject } from "./options.js";

/** How a method answers a call that is refused: it throws, or returns a promise that rejects. */
export type Refuse<T> = (problem: TenureError, self: T, method: string) => unknown;

/** What a method takes, as far as its parameters in JavaScript do not say it. */
export interface Takes {
  /** The number of parameters, if some have default values, which `Function.length` leaves out. */
  readonly most?: number | undefined;
  /** The parameter that is an object with properties. */
  readonly object?: ObjectParameter;
}

interface ObjectParameter {
  readonly name: string;
  /** Its place among the parameters. */
  readonly at: number;
  /** How it may look like, for messages. */
  readonly example: string;
  readonly isRequired: boolean;
}

/** A method with a parameter that is an object. */
export function takes(name: string, at: number, example: string, most?: number): Takes {
  return { most, object: { name, at, example, isRequired: true } };
}

/** As {@link takes}, with a parameter that may be left out. */
export function mayTake(name: string, at: number, example: string, most?: number): Takes {
  return { most, object: { name, at, example, isRequired: false } };
}

/**
 * Has all methods of a class refuse arguments that they have no parameter for, and arguments that are
 * no objects where `methods` says so. Inherited methods are those of the other class.
 */
export function checkArguments<T>(
  type: { readonly prototype: T },
  refuse: Refuse<T>,
  methods: Readonly<Record<string, Takes>> = {},
): void {
  const descriptors = Object.getOwnPropertyDescriptors(type.prototype);
  for (const [name, descriptor] of Object.entries(descriptors)) {
    const method: unknown = descriptor.value;
    if (name === "constructor" || typeof method !== "function") continue;
    const { most = method.length, object } = methods[name] ?? {};
    const call = method as (this: T, ...args: unknown[]) => unknown;
    const value = exact(name, call, most, refuse, object && ((args) => problemOf(object, args)));
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
  return exact(name, call, 1, thrown, undefined, isOfArray) as (...args: A) => R;
}

/** As {@link exactlyEach}, for a function that returns a promise, which then rejects. */
export function exactlyEachAsync<A extends [unknown?], R>(
  name: string,
  call: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return exact(name, call, 1, rejected, undefined, isOfArray) as (...args: A) => Promise<R>;
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

/** What is wrong with an argument that should be an object. */
function problemOf(
  { name, at, example, isRequired }: ObjectParameter,
  args: readonly unknown[],
): TenureError | undefined {
  const given = args[at];
  if (!isRequired && (given === undefined || given === null)) return undefined;
  try {
    checkObject(given, name, example);
    return undefined;
  } catch (thrown) {
    if (isTenureError(thrown)) return thrown;
    throw thrown;
  }
}

function exact<T, A extends unknown[]>(
  name: string,
  call: (this: T, ...args: A) => unknown,
  most: number,
  refuse: Refuse<T>,
  check: (args: readonly unknown[]) => TenureError | undefined = () => undefined,
  isAllowed: (args: readonly unknown[]) => boolean = () => false,
): (this: T, ...args: A) => unknown {
  const checked = function (this: T, ...args: A): unknown {
    const problem = check(args);
    if (problem !== undefined) return refuse(problem, this, name);
    if (args.length <= most) return call.apply(this, args);
    if (isAllowed(args)) return call.apply(this, args.slice(0, most) as A);
    return refuse(tooManyArguments(name, most, args.length), this, name);
  };
  return Object.defineProperties(checked, { name: { value: name }, length: { value: most } });
}
