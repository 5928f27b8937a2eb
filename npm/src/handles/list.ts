/**
 * Lists of sessions or leases that are longer than a page. A list asks for its pages one by one, each
 * only when it is needed; the pages and their cursors are made by the core.
 *
 * @module
 */

import type {
  LeaseListParams,
  LeasePage,
  LeaseView,
  ListParams,
  Problem,
  SessionHead,
  SessionPage,
} from "../generated.js";
import type { Accepts } from "../values/params.js";

/** Which sessions to list, in which order, and how many to a page. */
export type ListOptions = Accepts<ListParams>;

/** Which leases to list, and how many to a page. */
export type LeaseListOptions = Accepts<LeaseListParams>;

/** A part of a list. */
interface Page<Item> {
  readonly items: Item[];
  readonly nextCursor?: string;
}

/** Where a part of a list begins. */
interface Place {
  readonly cursor?: string | undefined;
}

/**
 * A list that is being asked for: `await` gives its first page, `for await` gives the items of all
 * pages. Nothing is asked for before one or the other.
 */
abstract class List<Item, P extends Page<Item>, Options extends Place>
  implements Promise<P>, AsyncIterable<Item>
{
  /** Names the class where objects are printed. */
  abstract readonly [Symbol.toStringTag]: string;
  readonly #options: Options;
  readonly #load: (options: Options) => Promise<P>;
  #first: Promise<P> | undefined;

  /** A list of what `load` returns page by page. */
  constructor(options: Options, load: (options: Options) => Promise<P>) {
    this.#options = options;
    this.#load = load;
  }

  /** See `Promise.prototype.then`, of the first page. */
  // biome-ignore lint/suspicious/noThenProperty: a list is awaited for its first page.
  then<A = P, B = never>(
    onPage?: ((page: P) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#first ??= this.#load(this.#options);
    return this.#first.then(onPage, onError);
  }

  /** See `Promise.prototype.catch`, of the first page. */
  catch<B = never>(onError?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<P | B> {
    return this.then(undefined, onError);
  }

  /** See `Promise.prototype.finally`, of the first page. */
  finally(onEnd?: (() => void) | null): Promise<P> {
    return this.then().finally(onEnd);
  }

  /** The pages. */
  async *pages(): AsyncGenerator<P, void, undefined> {
    let options: Options | undefined = this.#options;
    while (options !== undefined) {
      const page: P = await this.#load(options);
      yield page;
      options = following(options, page);
    }
  }

  /** The items of all pages. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.pages()) yield* page.items;
  }
}

/**
 * Sessions that are being asked for: `await` gives the first page, `for await` gives the sessions of
 * all pages.
 */
export class SessionList<Options extends Place = ListOptions> extends List<
  SessionHead,
  SessionPage,
  Options
> {
  /** Names the class where objects are printed. */
  readonly [Symbol.toStringTag] = "SessionList";
}

/**
 * Leases that are being asked for: `await` gives the first page, `for await` gives the leases of all
 * pages.
 */
export class LeaseList extends List<LeaseView, LeasePage, LeaseListOptions> {
  /** Names the class where objects are printed. */
  readonly [Symbol.toStringTag] = "LeaseList";
}

/** A page of a list; to iterate over it goes on through all pages that follow. */
abstract class PageSync<Item, P extends Page<Item>, Options extends Place>
  implements Page<Item>, Iterable<Item>
{
  /** What is on this page. */
  readonly items: Item[];
  /** Where the next page begins; absent on the last one. */
  declare readonly nextCursor?: string;
  /** This page as it came. */
  readonly #page: P;
  readonly #options: Options;
  readonly #load: (options: Options) => P;

  /** The first page, and `load`, which returns the others. */
  constructor(page: P, options: Options, load: (options: Options) => P) {
    this.items = page.items;
    if (page.nextCursor !== undefined) this.nextCursor = page.nextCursor;
    this.#page = page;
    this.#options = options;
    this.#load = load;
  }

  /** The pages, beginning with this one. */
  *pages(): Generator<P, void, undefined> {
    let page = this.#page;
    let options: Options | undefined = this.#options;
    for (;;) {
      yield page;
      options = following(options, page);
      if (options === undefined) return;
      page = this.#load(options);
    }
  }

  /** The items of this page and of all that follow. */
  *[Symbol.iterator](): Generator<Item, void, undefined> {
    for (const page of this.pages()) yield* page.items;
  }
}

/** A page of sessions; to iterate over it goes on through all pages that follow. */
export class SessionPageSync<Options extends Place = ListOptions>
  extends PageSync<SessionHead, SessionPage, Options>
  implements SessionPage
{
  /** Sessions that could not be read. They hide no others. */
  readonly problems: Problem[];

  /** The first page of what `load` returns page by page. */
  constructor(options: Options, load: (options: Options) => SessionPage) {
    const page = load(options);
    super(page, options, load);
    this.problems = page.problems;
  }
}

/** A page of leases; to iterate over it goes on through all pages that follow. */
export class LeasePageSync
  extends PageSync<LeaseView, LeasePage, LeaseListOptions>
  implements LeasePage
{
  /** The first page of what `load` returns page by page. */
  constructor(options: LeaseListOptions, load: (options: LeaseListOptions) => LeasePage) {
    super(load(options), options, load);
  }
}

/** What to ask for after a page. A cursor has the offset behind it. */
function following<Options extends Place>(
  options: Options,
  page: Page<unknown>,
): Options | undefined {
  if (page.nextCursor === undefined) return undefined;
  return { ...options, cursor: page.nextCursor, offset: undefined };
}
