/**
 * Paged lists of sessions, events and leases. A list loads its pages one by one, when they are needed; the
 * core creates the pages and their cursors.
 *
 * @module
 */

import type {
  EventsParams,
  LeaseListParams,
  LeasePage,
  LeaseView,
  ListParams,
  Problem,
} from "../generated.js";
import { checkArguments, thrown } from "../values/arguments.js";
import { invalidArgument } from "../values/error.js";
import { checkOptions, copyOf } from "../values/options.js";
import type { Accepts } from "../values/params.js";
import type { EventType } from "../values/session-data.js";
import type {
  EventPage,
  EventsOf,
  SessionHead,
  SessionPage,
  SessionTypes,
} from "../values/session-types.js";

/** Filter, order and paging of a list of sessions. */
export type ListOptions = Accepts<ListParams>;

/** What `latest` selects from: a filter, and the time by which a session is the newest. */
export type LatestOptions = Omit<ListOptions, Paging> & { readonly [Name in Paging]?: undefined };

type Paging = "direction" | "limit" | "offset" | "cursor";

/** Filter, order and paging of a history. */
export interface EventOptions<Type extends string = EventType> extends HistoryOptions {
  /** Only events of this type, or of one of these. */
  readonly type?: Type | readonly Type[] | undefined;
}

/** As {@link EventOptions}, of a history of which only events of some types are read. */
export interface TypedEventOptions<Type extends string> extends HistoryOptions {
  /** Only events of this type, or of one of these. */
  readonly type: Type | readonly Type[];
}

type HistoryOptions = Accepts<Omit<EventsParams, "id" | "type">>;

/** Filter and paging of a list of leases. */
export type LeaseListOptions = Accepts<LeaseListParams>;

/** A page of a list. */
interface Page<Item> {
  readonly items: Item[];
  readonly nextCursor?: string;
  readonly nextAfter?: number;
  readonly nextBefore?: number;
}

/** The position of a page. */
interface Position {
  readonly cursor?: string | undefined;
  readonly after?: number | string | undefined;
  readonly before?: number | undefined;
}

/**
 * A lazy list: `await` returns its first page, `for await` iterates over the items of all pages.
 * Nothing is loaded before that.
 */
abstract class List<Item, P extends Page<Item>, Options extends Position>
  implements Promise<P>, AsyncIterable<Item>
{
  static {
    checkArguments<List<unknown, Page<unknown>, Position>>(List, thrown);
  }

  /** Names the class where objects are printed. */
  abstract readonly [Symbol.toStringTag]: string;
  readonly #options: Options;
  readonly #load: (options: Options) => Promise<P>;
  #first: Promise<P> | undefined;

  /** A list whose pages `load` returns. */
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
 * A lazy list of sessions: `await` returns the first page, `for await` iterates over all sessions.
 */
export class SessionList<
  Options extends Position = ListOptions,
  T extends SessionTypes = SessionTypes,
> extends List<SessionHead<T>, SessionPage<T>, Options> {
  /** Names the class where objects are printed. */
  readonly [Symbol.toStringTag] = "SessionList";
}

/** A lazy history: `await` returns its first page, `for await` iterates over all events. */
export class EventList<
  T extends SessionTypes = SessionTypes,
  Type extends string = string,
> extends List<EventsOf<T, Type>, EventPage<T, Type>, EventOptions> {
  /** Names the class where objects are printed. */
  readonly [Symbol.toStringTag] = "EventList";
}

/** A lazy list of leases: `await` returns the first page, `for await` iterates over all leases. */
export class LeaseList extends List<LeaseView, LeasePage, LeaseListOptions> {
  /** Names the class where objects are printed. */
  readonly [Symbol.toStringTag] = "LeaseList";
}

/** A page of a list. Iterating over it continues through all following pages. */
abstract class PageSync<Item, P extends Page<Item>, Options extends Position>
  implements Page<Item>, Iterable<Item>
{
  static {
    checkArguments<PageSync<unknown, Page<unknown>, Position>>(PageSync, thrown);
  }

  /** The items of this page. */
  readonly items: Item[];
  /** The cursor of the next page; absent on the last page. */
  declare readonly nextCursor?: string;
  /** This page. */
  readonly #page: P;
  readonly #options: Options;
  readonly #load: (options: Options) => P;

  /** Wraps the first page; `load` returns the following ones. */
  constructor(page: P, options: Options, load: (options: Options) => P) {
    this.items = page.items;
    if (page.nextCursor !== undefined) this.nextCursor = page.nextCursor;
    this.#page = page;
    this.#options = options;
    this.#load = load;
  }

  /** The pages, starting with this one. */
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

  /** The items of this page and of all following pages. */
  *[Symbol.iterator](): Generator<Item, void, undefined> {
    for (const page of this.pages()) yield* page.items;
  }
}

/** A page of sessions. Iterating over it continues through all following pages. */
export class SessionPageSync<
    Options extends Position = ListOptions,
    T extends SessionTypes = SessionTypes,
  >
  extends PageSync<SessionHead<T>, SessionPage<T>, Options>
  implements SessionPage<T>
{
  /** Sessions that could not be read. Other sessions are not affected. */
  readonly problems: Problem[];

  /** Loads the first page; `load` returns the pages. */
  constructor(options: Options, load: (options: Options) => SessionPage<T>) {
    const page = load(options);
    super(page, options, load);
    this.problems = page.problems;
  }
}

/** A page of a history. Iterating over it continues through all following pages. */
export class EventPageSync<T extends SessionTypes = SessionTypes, Type extends string = string>
  extends PageSync<EventsOf<T, Type>, EventPage<T, Type>, EventOptions>
  implements EventPage<T, Type>
{
  /** The `after` of the next page; absent on the last page. */
  declare readonly nextAfter?: number;
  /** The `before` of the next page in the order `"desc"`; absent on the last page. */
  declare readonly nextBefore?: number;

  /** Loads the first page; `load` returns the pages. */
  constructor(options: EventOptions, load: (options: EventOptions) => EventPage<T, Type>) {
    const page = load(options);
    super(page, options, load);
    if (page.nextAfter !== undefined) this.nextAfter = page.nextAfter;
    if (page.nextBefore !== undefined) this.nextBefore = page.nextBefore;
  }
}

/** A page of leases. Iterating over it continues through all following pages. */
export class LeasePageSync
  extends PageSync<LeaseView, LeasePage, LeaseListOptions>
  implements LeasePage
{
  /** Loads the first page; `load` returns the pages. */
  constructor(options: LeaseListOptions, load: (options: LeaseListOptions) => LeasePage) {
    super(load(options), options, load);
  }
}

/** The properties that `latest` takes. The core checks their values. */
const LATEST: Readonly<Record<Exclude<keyof LatestOptions, Paging>, "any">> = {
  userId: "any",
  channelId: "any",
  mode: "any",
  status: "any",
  phase: "any",
  taskIds: "any",
  slotPhase: "any",
  model: "any",
  parentId: "any",
  createdAfter: "any",
  createdBefore: "any",
  updatedAfter: "any",
  updatedBefore: "any",
  minIterations: "any",
  maxIterations: "any",
  text: "any",
  trash: "any",
  orderBy: "any",
};

/** The page of one session that `latest` returns. */
export function pageOfLatest(options: LatestOptions | null): ListOptions {
  const { direction, limit, offset, cursor, ...filter }: ListOptions = copyOf(options ?? {});
  for (const [name, value] of Object.entries({ direction, limit, offset, cursor })) {
    if (value === undefined) continue;
    const problem = `\`${name}\` is for \`list\`: this returns the newest session by \`orderBy\``;
    throw invalidArgument("latest", problem);
  }
  checkOptions(filter, LATEST, "latest");
  return { ...filter, limit: 1 };
}

/** The options of the next page. A cursor replaces the offset. */
function following<Options extends Position>(
  options: Options,
  page: Page<unknown>,
): Options | undefined {
  const { nextCursor, nextAfter, nextBefore } = page;
  if (nextCursor !== undefined) return { ...options, cursor: nextCursor, offset: undefined };
  if (nextAfter !== undefined) return { ...options, after: nextAfter };
  return nextBefore === undefined ? undefined : { ...options, before: nextBefore };
}
