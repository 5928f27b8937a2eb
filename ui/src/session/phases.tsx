/**
 * The phases of an agent as bands, as long as they have lasted.
 *
 * @module
 */

import type { SessionEvent, SessionHead } from "tenure";
import { thisMoment } from "../clock.js";
import { duration } from "../format.js";
import { inLine } from "../text.js";

/** A phase, from its first event to that before the next phase. */
export interface PhaseBand {
  readonly phase: string;
  readonly firstSequence: number;
  readonly from: number;
  readonly to: number;
}

/** The bands of an agent, from the events of its changes of phase. */
export function bandsOf(head: SessionHead, changes: readonly SessionEvent[]): readonly PhaseBand[] {
  if (head.phase === undefined) return [];
  const [first] = changes;
  const phaseOf = (event: SessionEvent, name: "from" | "to"): string => {
    const value = (event.data as Readonly<Record<string, unknown>>)[name];
    return typeof value === "string" ? value : "unknown";
  };
  const starts = [
    {
      phase: first ? phaseOf(first, "from") : head.phase,
      firstSequence: 1,
      from: Date.parse(head.createdAt),
    },
    ...changes.map((event) => ({
      phase: phaseOf(event, "to"),
      firstSequence: event.sequence,
      from: Date.parse(event.timestamp),
    })),
  ];
  const end = head.finalizedAt === undefined ? thisMoment() : Date.parse(head.finalizedAt);
  return starts.map((start, at) => ({
    ...start,
    to: starts[at + 1]?.from ?? Math.max(end, start.from),
  }));
}

/** The phase of an event. */
export function bandAt(bands: readonly PhaseBand[], sequence: number): PhaseBand | undefined {
  return bands.findLast(({ firstSequence }) => firstSequence <= sequence);
}

/** The bands side by side. A click shows where a phase begins. */
export function Bands({
  bands,
  onOpen,
}: {
  readonly bands: readonly PhaseBand[];
  readonly onOpen: (sequence: number) => void;
}) {
  if (bands.length === 0) return null;
  return (
    <ol class="bands" aria-label="Phases">
      {bands.map(({ phase, firstSequence, from, to }) => (
        <li key={firstSequence} style={{ flexGrow: String(Math.max(1, to - from)) }}>
          <button
            type="button"
            class={`band phase-${phase}`}
            title={`${phase}: ${duration(to - from)}`}
            onClick={() => onOpen(firstSequence)}
          >
            {inLine(phase, 20)} <span class="number">{duration(to - from)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}
