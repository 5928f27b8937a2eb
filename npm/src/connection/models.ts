/**
 * Which models are available, where a function decides it. The core takes a list of names only. It
 * is given the names that the function has accepted; an operation that meets another name is
 * performed again if the function accepts that name too. The core decides what a missing model
 * means.
 *
 * @module
 */

import { invalidArgument, isTenureError, messageOf } from "../values/error.js";

/** The names of the available models, or a function that tells whether a model is available. */
export type Models = readonly string[] | ((model: string) => boolean);

/** The number of names that are remembered from one operation to the next. */
const MAX_REMEMBERED = 1000;

/** The available models of one handle, as its function reports them. */
export class ModelFunction {
  readonly #isAvailable: (model: string) => boolean;
  readonly #setNames: (names: readonly string[]) => void;
  /** The names that the core has, the newest last. */
  #names: ReadonlySet<string> = new Set();
  #isAsking = false;

  /** `setNames` passes the available names to the core, which has none at first. */
  constructor(
    isAvailable: (model: string) => boolean,
    setNames: (names: readonly string[]) => void,
  ) {
    this.#isAvailable = isAvailable;
    this.#setNames = setNames;
  }

  /** Begins an operation. Models that are no longer available are removed first. */
  begin(): ModelInquiry {
    if (this.#names.size > 0 && !this.#isAsking) {
      const remembered = [...this.#names].slice(-MAX_REMEMBERED);
      this.#replaceNames(remembered.filter((name) => this.#isStillAvailable(name)));
    }
    return new ModelInquiry((names) => this.#learn(names));
  }

  /** Asks about names that the core reported missing; returns whether any of them is available. */
  #learn(names: readonly string[]): boolean {
    const available = names.filter((name) => this.#ask(name));
    if (available.length === 0) return false;
    this.#replaceNames([...this.#names, ...available]);
    return true;
  }

  /**
   * A function that throws counts as "not available". An operation that needs the model asks again,
   * and reports the error.
   */
  #isStillAvailable(name: string): boolean {
    try {
      return this.#ask(name);
    } catch {
      return false;
    }
  }

  #ask(name: string): boolean {
    if (this.#isAsking)
      throw invalidArgument("models", "the function called the handle that it serves");
    this.#isAsking = true;
    try {
      const answer: unknown = this.#isAvailable(name);
      if (typeof answer === "boolean") return answer;
    } catch (thrown) {
      const problem = `the function threw for ${JSON.stringify(name)}: ${messageOf(thrown)}`;
      throw invalidArgument("models", problem, thrown);
    } finally {
      this.#isAsking = false;
    }
    throw invalidArgument("models", "expected the function to return true or false synchronously");
  }

  #replaceNames(names: readonly string[]): void {
    const now = new Set(names);
    if (now.size === this.#names.size && names.every((name) => this.#names.has(name))) return;
    this.#setNames([...now]);
    this.#names = now;
  }
}

/**
 * The questions of one operation about models. No name is asked about twice, so the retries end.
 */
export class ModelInquiry {
  readonly #learn: (names: readonly string[]) => boolean;
  readonly #asked = new Set<string>();
  #isFinal = false;

  /** @internal */
  constructor(learn: (names: readonly string[]) => boolean) {
    this.#learn = learn;
  }

  /** Whether an operation that failed with this error is to be performed again. */
  shouldRetryAfterError(thrown: unknown): boolean {
    if (!isTenureError(thrown, "MODEL_MISSING")) return false;
    const { model } = thrown.details;
    return typeof model === "string" && this.#askAbout([model]);
  }

  /**
   * Prepares a bulk operation that starts sessions in slots. It cannot be performed again, so all
   * models have to be known before: this asks about the requested models, and returns the tasks
   * whose slots have to be looked up for the models of their current occupants.
   */
  prepare(name: string, params: unknown): readonly string[] {
    if (name !== "startInSlots") return [];
    this.#isFinal = true;
    const starts = startsOf(params);
    this.#askAbout(starts.flatMap(({ model }) => nameOf(model)));
    return starts.flatMap(({ taskId }) => (typeof taskId === "string" ? [taskId] : []));
  }

  /** Whether an operation is to be performed again because its result reports a missing model. */
  shouldRetryAfterResult(result: unknown): boolean {
    if (this.#isFinal) return false;
    const missing = (Array.isArray(result) ? result : [result]).flatMap(missingModel);
    return this.#askAbout(missing);
  }

  #askAbout(names: readonly string[]): boolean {
    const fresh = [...new Set(names)].filter((name) => !this.#asked.has(name));
    for (const name of fresh) this.#asked.add(name);
    return fresh.length > 0 && this.#learn(fresh);
  }
}

/** The name of the model that a result about a slot reports missing. */
function missingModel(result: unknown): readonly string[] {
  if (typeof result !== "object" || result === null) return [];
  const { modelMissing, session } = result as SlotResult;
  return modelMissing === true ? nameOf(session?.slot?.model) : [];
}

function nameOf(model: unknown): readonly string[] {
  const isSpec = typeof model === "object" && model !== null && "name" in model;
  const name = isSpec ? model.name : model;
  return typeof name === "string" ? [name] : [];
}

/** One session of a bulk start, as a caller passes it. */
interface Start {
  readonly taskId?: unknown;
  readonly model?: unknown;
}

/** The sessions of a bulk start. */
function startsOf(params: unknown): readonly Start[] {
  if (typeof params !== "object" || params === null || !("starts" in params)) return [];
  const { starts } = params;
  if (!Array.isArray(starts)) return [];
  return starts.filter((start): start is Start => typeof start === "object" && start !== null);
}

/** The part that all results about slots have in common. */
interface SlotResult {
  readonly modelMissing?: unknown;
  readonly session?: { readonly slot?: { readonly model?: unknown } };
}
