/**
 * Which models there are, where a function says so. The core knows lists alone: it is told the names
 * that the function has said yes to, and an operation that meets any other name is performed again if
 * the function says yes to that one too. What a missing model means is decided in the core.
 *
 * @module
 */

import { invalidArgument, isTenureError, messageOf } from "../values/error.js";

/** The names of the models that there are, or a function that says of a name whether it is one. */
export type Models = readonly string[] | ((model: string) => boolean);

/** So many names are kept from one operation to the next. Those left out are asked about again. */
const KEPT = 1000;

/** The models of one handle, as a function tells of them. */
export class AskedModels {
  readonly #isThere: (model: string) => boolean;
  readonly #tell: (names: readonly string[]) => void;
  /** What the core knows, the newest last. */
  #names: ReadonlySet<string> = new Set();
  #isAsking = false;

  /** `tell` tells the core which names there are. It knows of none at first. */
  constructor(isThere: (model: string) => boolean, tell: (names: readonly string[]) => void) {
    this.#isThere = isThere;
    this.#tell = tell;
  }

  /** Begins an operation: a model that has gone since is no longer there for it. */
  begin(): ModelInquiry {
    if (this.#names.size > 0 && !this.#isAsking) {
      const kept = [...this.#names].slice(-KEPT);
      this.#know(kept.filter((name) => this.#isStillThere(name)));
    }
    return new ModelInquiry((names) => this.#learn(names));
  }

  /** Asks about names that the core has missed, and says whether there are any that it now knows. */
  #learn(names: readonly string[]): boolean {
    const there = names.filter((name) => this.#ask(name));
    if (there.length === 0) return false;
    this.#know([...this.#names, ...there]);
    return true;
  }

  /** A function that fails has not said yes. Who needs that model asks again, and is told. */
  #isStillThere(name: string): boolean {
    try {
      return this.#ask(name);
    } catch {
      return false;
    }
  }

  #ask(name: string): boolean {
    if (this.#isAsking)
      throw invalidArgument("models", "the function used the handle that asks it");
    this.#isAsking = true;
    try {
      const answer: unknown = this.#isThere(name);
      if (typeof answer === "boolean") return answer;
    } catch (thrown) {
      const problem = `the function threw for ${JSON.stringify(name)}: ${messageOf(thrown)}`;
      throw invalidArgument("models", problem, thrown);
    } finally {
      this.#isAsking = false;
    }
    throw invalidArgument("models", "expected the function to return true or false, at once");
  }

  #know(names: readonly string[]): void {
    const now = new Set(names);
    if (now.size === this.#names.size && names.every((name) => this.#names.has(name))) return;
    this.#tell([...now]);
    this.#names = now;
  }
}

/** What one operation asks about models. It asks about no name twice, so it comes to an end. */
export class ModelInquiry {
  readonly #learn: (names: readonly string[]) => boolean;
  readonly #asked = new Set<string>();
  #isFinal = false;

  /** @internal */
  constructor(learn: (names: readonly string[]) => boolean) {
    this.#learn = learn;
  }

  /** Whether an operation that was refused is to be performed again. */
  isRefusedInVain(thrown: unknown): boolean {
    if (!isTenureError(thrown, "MODEL_MISSING")) return false;
    const { model } = thrown.details;
    return typeof model === "string" && this.#about([model]);
  }

  /**
   * Gets ready for an operation that starts many sessions. What it has done it cannot do again, so it
   * has to know before of all models that it meets: it asks about those that are wanted, and says into
   * the slots of which tasks to look for the others.
   */
  prepare(name: string, params: unknown): readonly string[] {
    if (name !== "startInSlots") return [];
    this.#isFinal = true;
    const starts = startsOf(params);
    this.#about(starts.flatMap(({ model }) => nameOf(model)));
    return starts.flatMap(({ taskId }) => (typeof taskId === "string" ? [taskId] : []));
  }

  /** Whether an operation is to be performed again because of what it says of models. */
  isAnsweredInVain(result: unknown): boolean {
    if (this.#isFinal) return false;
    const missing = (Array.isArray(result) ? result : [result]).flatMap(missingModel);
    return this.#about(missing);
  }

  #about(names: readonly string[]): boolean {
    const fresh = [...new Set(names)].filter((name) => !this.#asked.has(name));
    for (const name of fresh) this.#asked.add(name);
    return fresh.length > 0 && this.#learn(fresh);
  }
}

/** The name of the model that an answer about a slot says is missing. */
function missingModel(answer: unknown): readonly string[] {
  if (typeof answer !== "object" || answer === null) return [];
  const { modelMissing, session } = answer as Answer;
  return modelMissing === true ? nameOf(session?.slot?.model) : [];
}

function nameOf(model: unknown): readonly string[] {
  const isSpec = typeof model === "object" && model !== null && "name" in model;
  const name = isSpec ? model.name : model;
  return typeof name === "string" ? [name] : [];
}

/** One of many sessions to start, as a caller gives it. */
interface Start {
  readonly taskId?: unknown;
  readonly model?: unknown;
}

/** The sessions that parameters ask to be started all at once. */
function startsOf(params: unknown): readonly Start[] {
  if (typeof params !== "object" || params === null || !("starts" in params)) return [];
  const { starts } = params;
  if (!Array.isArray(starts)) return [];
  return starts.filter((start): start is Start => typeof start === "object" && start !== null);
}

/** What answers about slots have in common. */
interface Answer {
  readonly modelMissing?: unknown;
  readonly session?: { readonly slot?: { readonly model?: unknown } };
}
