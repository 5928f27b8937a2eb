/**
 * Lists of sessions that are longer than a page. A list asks for its pages one by one, each only
 * when it is needed; the pages and their cursors are made by the core.
 *
 * @module
 */

import type { ListParams, Problem, SessionHead, SessionPage } from "./generated.js";
import type { Accepts } from "./types.js";

/** Which sessions to list, in which order, and how many to a page. */
export type ListOptions = Accepts<ListParams>;

/**
 * A list that is being asked for: `await` gives its first page, `for await` gives the sessions of
 * all pages. Nothing is asked for before one or the other.
 */
export class SessionList implements Promise<SessionPage>, AsyncIterable<SessionHead> {
  /** Names the class where objects are printed. */
  readonly [Symbol.toStringTag] = "SessionList";
  readonly #options: ListOptions;
  readonly #load: (options: ListOptions) => Promise<SessionPage>;
  #first: Promise<SessionPage> | undefined;

  /** A list of what `load` returns page by page. */
  constructor(options: ListOptions, load: (options: ListOptions) => Promise<SessionPage>) {
    this.#options = options;
    this.#load = load;
  }

  /** See `Promise.prototype.then`, of the first page. */
  // biome-ignore lint/suspicious/noThenProperty: a list is awaited for its first page.
  then<A = SessionPage, B = never>(
    onPage?: ((page: SessionPage) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#first ??= this.#load(this.#options);
    return this.#first.then(onPage, onError);
  }

  /** See `Promise.prototype.catch`, of the first page. */
  catch<B = never>(
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<SessionPage | B> {
    return this.then(undefined, onError);
  }

  /** See `Promise.prototype.finally`, of the first page. */
  finally(onEnd?: (() => void) | null): Promise<SessionPage> {
    return this.then().finally(onEnd);
  }

  /** The pages. */
  async *pages(): AsyncGenerator<SessionPage, void, undefined> {
    let options: ListOptions | undefined = this.#options;
    while (options !== undefined) {
      const page: SessionPage = await this.#load(options);
      yield page;
      options = following(options, page);
    }
  }

  /** The sessions of all pages. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SessionHead, void, undefined> {
    for await (const page of this.pages()) yield* page.items;
  }
}

/** A page of a list; to iterate over it goes on through all pages that follow. */
export class SessionPageSync implements SessionPage, Iterable<SessionHead> {
  /** The sessions of this page. */
  readonly items: SessionHead[];
  /** Where the next page begins; absent on the last one. */
  declare readonly nextCursor?: string;
  /** Sessions that could not be read. They hide no others. */
  readonly problems: Problem[];
  readonly #options: ListOptions;
  readonly #load: (options: ListOptions) => SessionPage;

  /** The first page of what `load` returns page by page. */
  constructor(options: ListOptions, load: (options: ListOptions) => SessionPage) {
    const page = load(options);
    this.items = page.items;
    if (page.nextCursor !== undefined) this.nextCursor = page.nextCursor;
    this.problems = page.problems;
    this.#options = options;
    this.#load = load;
  }

  /** The pages, beginning with this one. */
  *pages(): Generator<SessionPage, void, undefined> {
    let page: SessionPage = this;
    let options: ListOptions | undefined = this.#options;
    for (;;) {
      yield page;
      options = following(options, page);
      if (options === undefined) return;
      page = this.#load(options);
    }
  }

  /** The sessions of this page and of all that follow. */
  *[Symbol.iterator](): Generator<SessionHead, void, undefined> {
    for (const page of this.pages()) yield* page.items;
  }
}

/** What to ask for after a page. A cursor has the offset behind it. */
function following(options: ListOptions, page: SessionPage): ListOptions | undefined {
  if (page.nextCursor === undefined) return undefined;
  return { ...options, cursor: page.nextCursor, offset: undefined };
}
