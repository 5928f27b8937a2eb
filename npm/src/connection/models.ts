/**
 * Which models are available, where a function decides it. The core knows when an answer is needed:
 * an operation that needs one ends with the names to ask about, and is started again with the
 * answers. They serve that operation only, since the function may decide differently for the next.
 *
 * @module
 */

import type { Questions } from "../builds/binding.js";
import { internalError, invalidArgument, messageOf, TenureError } from "../values/error.js";
import { onRejected } from "../values/thenable.js";
import { encode } from "./encode.js";

/** The names of the available models, or a function that tells whether a model is available. */
export type Models = readonly string[] | ((model: string) => boolean);

/** The available models, as the core takes them: it cannot call a function, so it asks. */
export function modelOptions(models: Models | null | undefined): {
  readonly models?: readonly string[] | null | undefined;
  readonly askModels?: true | undefined;
} {
  return typeof models === "function" ? { askModels: true } : { models };
}

/** A function that tells which models are available. */
export class ModelFunction {
  readonly #isAvailable: (model: string) => boolean;
  #isAsking = false;

  /** Asks `isAvailable`. */
  constructor(isAvailable: (model: string) => boolean) {
    this.#isAvailable = isAvailable;
  }

  /** Whether the model of this name is available. Throws if the function does not say. */
  ask(name: string): boolean {
    if (this.#isAsking)
      throw invalidArgument("models", "the function called the handle that it serves");
    this.#isAsking = true;
    try {
      const answer: unknown = this.#isAvailable(name);
      if (typeof answer === "boolean") return answer;
      // A promise is refused below. That it rejects must not end the process.
      onRejected(answer, () => {});
    } catch (thrown) {
      const problem = `the function threw for ${JSON.stringify(name)}: ${messageOf(thrown)}`;
      throw invalidArgument("models", problem, thrown);
    } finally {
      this.#isAsking = false;
    }
    throw invalidArgument("models", "expected the function to return true or false synchronously");
  }
}

/**
 * The function that decides which models are available: the given one, or where `always` says so one that
 * looks for a name in the given list.
 */
export function modelFunctionOf(
  models: Models | null | undefined,
  always: boolean,
): ModelFunction | undefined {
  if (typeof models === "function") return new ModelFunction(models);
  if (models === null || models === undefined || !always) return undefined;
  if (!Array.isArray(models) || !models.every((name) => typeof name === "string")) {
    throw invalidArgument("models", "expected a list of names, or a function");
  }
  const names = new Set(models);
  return new ModelFunction((name) => names.has(name));
}

/** The answers for one operation. */
export class ModelAnswers {
  readonly #models: ModelFunction;
  readonly #available: string[] = [];
  readonly #missing: string[] = [];

  /** Without answers at first. The core asks only if there is a function. */
  constructor(models: ModelFunction | undefined) {
    if (models === undefined) throw new TenureError(internalError("questions without a function"));
    this.#models = models;
  }

  /** Answers questions, and returns all answers so far as the JSON text that the core takes. */
  answer({ models }: Questions): string {
    for (const name of models) {
      (this.#models.ask(name) ? this.#available : this.#missing).push(name);
    }
    return encode("models", { available: this.#available, missing: this.#missing });
  }
}

/** The answers with which an operation on a server begins. */
export function noAnswers(models: ModelFunction): string {
  return new ModelAnswers(models).answer({ models: [] });
}
