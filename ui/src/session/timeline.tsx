/**
 * The timeline of a session. It follows the end while the reader is there, and stays where the reader is
 * otherwise.
 *
 * @module
 */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SessionEvent, SessionHead } from "tenure";
import { counted } from "../format.js";
import { useKeys } from "../parts/keyboard.js";
import { useLoaded } from "../parts/load.js";
import { Problem } from "../parts/problem.js";
import { useVirtual } from "../parts/virtual.js";
import { opened as openStore } from "../store.js";
import { Event } from "./event.js";
import { History } from "./history.js";
import { Bands, bandAt, bandsOf } from "./phases.js";

/** The height of a closed event in pixels, as the style sheet has it. */
const CLOSED = 28;
/** How close to the end the reader is to follow it, in pixels. */
const AT_END = 48;

/** What the timeline can show. */
const KINDS: Readonly<Record<string, readonly string[] | undefined>> = {
  All: undefined,
  Tools: ["tool_call", "tool_call_start"],
  Errors: ["error", "agent_error", "timeout"],
  Context: ["context_change"],
  Milestones: [
    "start",
    "pause",
    "resume",
    "complete",
    "error",
    "timeout",
    "abandoned",
    "fork",
    "phase",
    "approval",
  ],
  Learnings: ["learning"],
};

/** Options of the timeline. */
export interface TimelineOptions {
  readonly head: SessionHead;
  readonly onContext: (sequence: number) => void;
  /** Absent where nothing can be written. */
  readonly onFork: ((sequence: number) => void) | undefined;
}

/** The timeline. */
export function Timeline(options: TimelineOptions) {
  const [kind, setKind] = useState("All");
  return (
    <section class="timeline" aria-label="Timeline">
      <fieldset class="chips timeline-kinds">
        <legend class="unseen">Events to show</legend>
        {Object.keys(KINDS).map((name) => (
          <button
            key={name}
            type="button"
            class="chip"
            aria-pressed={kind === name}
            onClick={() => setKind(name)}
          >
            {name}
          </button>
        ))}
        <span class="faint timeline-count">{counted(options.head.eventCount, "event")}</span>
      </fieldset>
      <Events key={kind} {...options} types={KINDS[kind]} />
    </section>
  );
}

function Events({
  head,
  types,
  onContext,
  onFork,
}: TimelineOptions & { readonly types: readonly string[] | undefined }) {
  const { sessions } = openStore();
  const { id, eventCount } = head;
  const history = useMemo(() => new History(sessions, id, types), [sessions, id, types]);
  history.update(eventCount);
  history.revision.value;
  const [openEvents, setOpenEvents] = useState<ReadonlySet<number>>(new Set());
  const [current, setCurrent] = useState<number | undefined>(undefined);
  const changes = useLoaded(() => phasesOf(id), [id, head.phase]);
  const bands = bandsOf(head, changes.value ?? []);
  const list = useVirtual({ count: history.count, height: CLOSED, overscan: 20 });
  const isLive = head.status === "active";
  const isFollowing = useRef(isLive);
  const [missed, setMissed] = useState(0);
  const seen = useRef(history.count);

  useLayoutEffect(() => {
    const added = history.count - seen.current;
    seen.current = history.count;
    if (history.count === 0) return;
    if (isFollowing.current) list.scrollTo(history.count - 1, "end");
    else if (added > 0 && !isAtEnd(list.scroller.current)) setMissed((before) => before + added);
  }, [history.count]);

  useEffect(() => {
    const scroller = list.scroller.current;
    if (scroller === null) return;
    const onScroll = (): void => {
      isFollowing.current = isAtEnd(scroller);
      if (isFollowing.current) setMissed(0);
    };
    scroller.addEventListener("scroll", onScroll, { passive: true });
    return () => scroller.removeEventListener("scroll", onScroll);
  }, [list.scroller]);

  // What has been opened at the end of the window is moved into it.
  const [opened, setOpened] = useState<number | undefined>(undefined);
  useEffect(() => {
    if (opened === undefined) return;
    const row = list.scroller.current?.querySelector(`[data-sequence="${opened}"]`);
    row?.scrollIntoView({ block: "nearest" });
    setOpened(undefined);
  }, [opened, list.scroller]);

  const toggle = (sequence: number): void => {
    const next = new Set(openEvents);
    if (!next.delete(sequence)) {
      next.add(sequence);
      setOpened(sequence);
    }
    setOpenEvents(next);
  };
  // The next key may come before the view is rendered.
  const at = useRef<number | undefined>(undefined);
  const focus = (index: number): void => {
    const row = list.scroller.current?.querySelector(`[data-index="${index}"]`);
    row?.querySelector<HTMLElement>(".event-head")?.focus({ preventScroll: true });
  };
  const show = (index: number): void => {
    if (history.count === 0) return;
    const to = Math.max(0, Math.min(index, history.count - 1));
    isFollowing.current = false;
    at.current = to;
    setCurrent(to);
    list.scrollTo(to, "auto");
    focus(to);
  };
  // An event that was far away is in the document only after the timeline has scrolled. Another key may have
  // moved on by then.
  useEffect(() => {
    if (current !== undefined && current === at.current) focus(current);
  }, [current, list.scroller]);
  useKeys({
    j: () => show((at.current ?? -1) + 1),
    k: () => show((at.current ?? history.count) - 1),
    "g g": () => show(0),
    G: () => {
      isFollowing.current = true;
      setMissed(0);
      list.scrollTo(history.count - 1, "end");
    },
  });

  const error = history.error.value;
  if (error !== undefined) {
    return (
      <Problem
        error={error}
        retry={() => {
          history.error.value = undefined;
        }}
      />
    );
  }
  return (
    <>
      <Bands bands={bands} onOpen={(sequence) => types === undefined && show(sequence - 1)} />
      <div class="scroller events" ref={list.scroller}>
        {history.count === 0 && history.revision.value > 0 && (
          <p class="faint events-none">No events of this kind</p>
        )}
        <div class="canvas" style={{ height: `${list.totalHeight}px` }}>
          {list.items.map(({ index, start }) => {
            const event = history.at(index);
            const sequence = event?.sequence ?? index + 1;
            const band = bandAt(bands, sequence);
            return (
              <div
                key={index}
                data-index={index}
                data-sequence={sequence}
                ref={list.measure}
                class={`event-row ${band ? `phase-${band.phase}` : ""}`}
                style={{ transform: `translateY(${start}px)` }}
              >
                {event === undefined ? (
                  <div class="event event-unread" aria-hidden="true" />
                ) : (
                  <Event
                    event={event}
                    before={index === 0 ? undefined : history.at(index - 1)}
                    startedAt={startOf(history, event)}
                    isOpen={openEvents.has(sequence)}
                    onToggle={toggle}
                    onContext={onContext}
                    onFork={onFork}
                  />
                )}
              </div>
            );
          })}
        </div>
      </div>
      {missed > 0 && (
        <button
          type="button"
          class="newer"
          onClick={() => {
            isFollowing.current = true;
            setMissed(0);
            list.scrollTo(history.count - 1, "end");
          }}
        >
          {counted(missed, "new event")} ↓
        </button>
      )}
    </>
  );
}

/** Whether the end of what can be scrolled is in view. */
function isAtEnd(scroller: HTMLElement | null): boolean {
  if (scroller === null) return true;
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < AT_END;
}

function startOf(history: History, { type, data }: SessionEvent): string | undefined {
  if (type !== "tool_call") return undefined;
  return history.startOf((data as { readonly callId?: unknown }).callId);
}

async function phasesOf(id: string): Promise<readonly SessionEvent[]> {
  const changes: SessionEvent[] = [];
  for await (const event of openStore().sessions.events(id, { type: "phase", limit: 1000 })) {
    changes.push(event as SessionEvent);
  }
  return changes;
}
