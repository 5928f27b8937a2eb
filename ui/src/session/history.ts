/**
 * The history of a session, of which only the parts that are shown are read. Events are numbered from 1 without
 * gaps, so that the place of an event is known before it is read.
 *
 * @module
 */

import { type Signal, signal } from "@preact/signals";
import type { SessionEvent, Sessions } from "tenure";

/** The number of events that are read at a time. */
const PART = 200;
/** The maximum number of events of a filtered history. */
const MOST = 20_000;

/** The events of a session, or those of some types. */
export class History {
  /** Grows when events have been read. */
  readonly revision: Signal<number> = signal(0);
  /** The error of the last reading. */
  readonly error: Signal<unknown> = signal(undefined);
  readonly #sessions: Sessions;
  readonly #id: string;
  readonly #types: readonly string[] | undefined;
  readonly #events = new Map<number, SessionEvent>();
  /** When tool calls were started, by their ids. */
  readonly #starts = new Map<string, string>();
  readonly #reading = new Set<number>();
  #filtered: SessionEvent[] = [];
  #count = 0;
  #isReadingAll = false;
  #isStale = false;

  /** The history of a session; with types, only events of these. */
  constructor(sessions: Sessions, id: string, types: readonly string[] | undefined) {
    this.#sessions = sessions;
    this.#id = id;
    this.#types = types;
  }

  /** The number of events to show. */
  get count(): number {
    return this.#types === undefined ? this.#count : this.#filtered.length;
  }

  /** Notes how many events the session has now. */
  update(count: number): void {
    if (count < this.#count) {
      // Another history is in its place.
      this.#events.clear();
      this.#filtered = [];
    }
    const isLonger = count !== this.#count;
    this.#count = count;
    if (this.#types !== undefined && isLonger) void this.#readFiltered(this.#types);
  }

  /** The event in a row; `undefined` until it has been read. */
  at(index: number): SessionEvent | undefined {
    if (this.#types !== undefined) return this.#filtered[index];
    const event = this.#events.get(index + 1);
    if (event === undefined) void this.#readPart(Math.floor(index / PART));
    return event;
  }

  /** When the tool call of this id was started, if that has been read. */
  startOf(callId: unknown): string | undefined {
    return typeof callId === "string" ? this.#starts.get(callId) : undefined;
  }

  async #readPart(part: number): Promise<void> {
    if (this.#reading.has(part) || this.error.peek() !== undefined) return;
    this.#reading.add(part);
    try {
      const last = Math.min((part + 1) * PART, this.#count);
      let after = part * PART;
      while (this.#events.has(after + 1) && after < last) after += 1;
      while (after < last) {
        const page = await this.#sessions.events(this.#id, { after, limit: last - after });
        for (const event of page.items) this.#add(event);
        this.revision.value += 1;
        const next = page.items.at(-1)?.sequence;
        if (next === undefined) break;
        after = next;
      }
    } catch (error) {
      this.error.value = error;
    } finally {
      this.#reading.delete(part);
    }
  }

  async #readFiltered(types: readonly string[]): Promise<void> {
    if (this.#isReadingAll) {
      this.#isStale = true;
      return;
    }
    this.#isReadingAll = true;
    try {
      do {
        this.#isStale = false;
        const after = this.#filtered.at(-1)?.sequence ?? 0;
        const pages = this.#sessions.events(this.#id, { type: [...types], after, limit: 1000 });
        for await (const { items } of pages.pages()) {
          for (const event of items) this.#add(event);
          this.#filtered.push(...items);
          this.revision.value += 1;
          if (this.#filtered.length >= MOST) break;
        }
      } while (this.#isStale && this.#filtered.length < MOST);
    } catch (error) {
      this.error.value = error;
    } finally {
      this.#isReadingAll = false;
    }
  }

  #add(event: SessionEvent): void {
    this.#events.set(event.sequence, event);
    if (event.type !== "tool_call_start") return;
    const { callId } = event.data as { readonly callId?: unknown };
    if (typeof callId === "string") this.#starts.set(callId, event.timestamp);
  }
}
