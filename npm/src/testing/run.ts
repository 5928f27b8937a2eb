/**
 * Runs one case of the kit on one store: opens the store as often as the case requires, performs
 * its calls, and closes everything. A store that throws, hangs or returns an invalid reply leads to
 * a failed result with a message.
 *
 * @module
 */

import { type Outcome, outcomeOf, StoreDriver } from "../connection/store-driver.js";
import type { MaybePromise, Store } from "../stores/store.js";
import { invalidArgument, messageOf } from "../values/error.js";
import { checkOptions } from "../values/options.js";
import type { End, Kit, Need, Step, StoreCase } from "./kit.js";

/**
 * Creates an empty store for one case: the store itself, or an opener for a store that is
 * persistent or shared.
 */
export type StoreFactory = () => MaybePromise<Store | StoreOpener>;

/** A store that can be opened more than once, initially empty. */
export interface StoreOpener {
  /** Opens the store; each time with the same contents. */
  open(): MaybePromise<Store>;
  /** Deletes the store after the case, when everything is closed. */
  destroy?(): MaybePromise<unknown>;
}

/** Options of running cases. */
export interface CheckOptions {
  /**
   * The factor for the number of generated inputs: 0.1 is a quick test (the default), 1 a thorough
   * one.
   */
  readonly scale?: number | undefined;
  /** The groups or cases to run, by name; all by default. */
  readonly only?: readonly string[] | undefined;
  /** The timeout of one call of the store, in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** The timeout of a case, in milliseconds; 120,000 by default. */
  readonly caseTimeoutMs?: number | undefined;
}

/** The result of one case. Its `outcome` says which properties it has. */
export type CaseResult = StoreCase &
  (
    | {
        /** The outcome of the case. */
        readonly outcome: "passed";
        readonly message?: undefined;
        readonly cause?: undefined;
      }
    | {
        /** The outcome of the case. */
        readonly outcome: "skipped";
        /** Why the case was skipped. */
        readonly message?: string;
        readonly cause?: undefined;
      }
    | {
        /** The outcome of the case. */
        readonly outcome: "failed";
        /** Why the case failed. */
        readonly message: string;
        /** The last error that the store threw. */
        readonly cause?: unknown;
      }
  );

/** The options with their defaults. */
export type CheckSettings = { readonly [K in Exclude<keyof CheckOptions, "only">]-?: number };

/** The longest timeout, in milliseconds. A timer that is longer ends at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Checks the arguments of a check and applies the defaults; `scale` is the default scale of the
 * environment.
 */
export function settingsOf(
  factory: StoreFactory,
  options: CheckOptions,
  scale: number,
): CheckSettings {
  if (typeof factory !== "function") {
    throw invalidArgument("factory", "expected a function that returns a store");
  }
  checkOptions(options, { scale: "any", only: "any", timeoutMs: "any", caseTimeoutMs: "any" });
  const only: unknown = options.only;
  if (only !== undefined && !isListOfTexts(only)) {
    throw invalidArgument("only", "expected a list of names of groups and cases");
  }
  for (const name of ["scale", "timeoutMs", "caseTimeoutMs"] as const) {
    const value = options[name];
    const most = name === "scale" ? Number.MAX_VALUE : MAX_TIMEOUT_MS;
    if (value !== undefined && !(typeof value === "number" && value > 0 && value <= most)) {
      throw invalidArgument(name, `expected a number above 0, and at most ${most}`);
    }
  }
  return {
    scale: options.scale ?? scale,
    timeoutMs: options.timeoutMs ?? 10_000,
    caseTimeoutMs: options.caseTimeoutMs ?? 120_000,
  };
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** The selected cases. */
export function casesOf(kit: Kit, { only }: CheckOptions): readonly StoreCase[] {
  if (only === undefined) return kit.cases;
  const known = new Set(kit.cases.flatMap(({ group, name }) => [group, name]));
  const unknown = only.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw invalidArgument("only", `there is no group and no case ${JSON.stringify(unknown)}`);
  }
  return kit.cases.filter(({ group, name }) => only.includes(group) || only.includes(name));
}

/** Runs one case on its own store. Never rejects because of the store. */
export async function runCase(
  kit: Kit,
  storeCase: StoreCase,
  factory: StoreFactory,
  settings: CheckSettings,
): Promise<CaseResult> {
  const stores = new OpenStores(factory, settings.timeoutMs);
  const { outcome, message } = await drive(kit, storeCase.name, stores, settings);
  const problem = await stores.end();
  const { group, name } = storeCase;
  if (outcome !== "failed" && problem === undefined) {
    if (outcome === "passed") return { group, name, outcome };
    return { group, name, outcome, ...(message === undefined ? {} : { message }) };
  }
  const said = (outcome === "failed" ? message : problem) ?? "it failed";
  const { thrown } = stores;
  const cause = thrown === undefined ? {} : { cause: thrown };
  return { group, name, outcome: "failed", message: said, ...cause };
}

async function drive(
  kit: Kit,
  name: string,
  stores: OpenStores,
  { scale, timeoutMs, caseTimeoutMs }: CheckSettings,
): Promise<End> {
  const deadline = Date.now() + caseTimeoutMs;
  let step: Step = kit.start(name, scale);
  for (let calls = 1; "need" in step; calls += 1) {
    const { need } = step;
    const asked = stores.ask(need);
    const outcome = asked instanceof Promise ? await asked : asked;
    const late = Date.now() > deadline;
    if (outcome.kind === "timeout" || late) {
      kit.cancel(need.run);
      const message = late
        ? `the case took longer than ${caseTimeoutMs} ms, in which it called the store ${calls} times`
        : `the store's ${need.method} did not settle within ${timeoutMs} ms`;
      return { outcome: "failed", message };
    }
    step = kit.resume(need.run, outcome.text);
  }
  return step.end;
}

/** The stores that one case has opened, by their numbers. */
class OpenStores {
  /** The last error that a store threw. */
  thrown: unknown;
  readonly #factory: StoreFactory;
  readonly #timeoutMs: number;
  readonly #open = new Map<number, StoreDriver>();
  #opener: StoreOpener | undefined;
  #ended = false;

  constructor(factory: StoreFactory, timeoutMs: number) {
    this.#factory = factory;
    this.#timeoutMs = timeoutMs;
  }

  /** Performs a call that a case needs. */
  ask(need: Need): Outcome | Promise<Outcome> {
    const outcome = this.#ask(need);
    return outcome instanceof Promise
      ? outcome.then((it) => this.#noted(it))
      : this.#noted(outcome);
  }

  #ask(need: Need): Outcome | Promise<Outcome> {
    if (need.method === "open") return this.#call(() => this.#openAs(need.store));
    const store = this.#open.get(need.store);
    if (store === undefined) return this.#call(() => Promise.reject(new Error("it is not open")));
    if (need.method === "close") {
      this.#open.delete(need.store);
      return store.close();
    }
    return store.ask(need);
  }

  /** Closes all open stores and deletes the store. Returns a message if that failed. */
  async end(): Promise<string | undefined> {
    this.#ended = true;
    const problems: string[] = [];
    const note = (method: string, outcome: Outcome): void => {
      if (outcome.kind === "reply") return;
      this.#noted(outcome);
      const how =
        outcome.kind === "error"
          ? `failed: ${messageOf(outcome.thrown)}`
          : `did not settle within ${this.#timeoutMs} ms`;
      problems.push(`the store's ${method} ${how}`);
    };
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const outcome of await Promise.all(open.map((store) => store.close()))) {
      note("close", outcome);
    }
    note("destroy", await this.#call(async () => void (await this.#opener?.destroy?.())));
    return problems[0];
  }

  /** Opens the store under a number, and returns its capabilities. */
  async #openAs(number: number): Promise<unknown> {
    this.#opener ??= openerOf(await this.#factory());
    const store = await this.#opener.open();
    if (typeof store !== "object" || store === null) {
      throw new Error("expected an object with the methods of a store");
    }
    const host = new StoreDriver(store, this.#timeoutMs);
    // The case has ended in the meantime, so the store is closed here.
    if (this.#ended) await host.close();
    else this.#open.set(number, host);
    return store.capabilities ?? {};
  }

  #call(method: () => Promise<unknown>): Outcome | Promise<Outcome> {
    return outcomeOf(method, this.#timeoutMs);
  }

  #noted(outcome: Outcome): Outcome {
    if (outcome.kind === "error") this.thrown = outcome.thrown;
    return outcome;
  }
}

/** Returns the opener of what a factory created. */
function openerOf(made: Store | StoreOpener): StoreOpener {
  if (typeof made !== "object" || made === null || !("load" in made || "open" in made)) {
    throw new Error("the factory made neither a store nor an object with `open`");
  }
  // A store may have a method `open` of its own.
  return "load" in made ? once(made as Store) : made;
}

function once(store: Store): StoreOpener {
  let opened = false;
  return {
    open() {
      if (opened) {
        const advice = "let the factory return { open } so that it can be opened again";
        throw new Error(`the store says that it is persistent or shared: ${advice}`);
      }
      opened = true;
      return store;
    },
  };
}
