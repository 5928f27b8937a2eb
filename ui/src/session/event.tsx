/**
 * One event of the timeline: when, how long after the one before, what, and its data on request.
 *
 * @module
 */

import type { ComponentChildren } from "preact";
import type { JsonObject, SessionEvent } from "tenure";
import { clock, duration, exact } from "../format.js";
import { JsonTree, preview } from "../parts/json-tree.js";
import { Block, Line } from "../parts/user-text.js";
import { inLine } from "../text.js";

/** The gap from which on it stands out, in milliseconds. */
const LONG_GAP_MS = 60_000;

const BAD = new Set(["error", "agent_error", "timeout", "abandoned"]);
const MILESTONES = new Set(["start", "pause", "resume", "complete", "fork", "phase", "approval"]);

/** Options of an event. */
export interface EventOptions {
  readonly event: SessionEvent;
  /** The event before it, if it has been read. */
  readonly before: SessionEvent | undefined;
  /** When the tool call was started that this event ends. */
  readonly startedAt: string | undefined;
  readonly isOpen: boolean;
  readonly onToggle: (sequence: number) => void;
  readonly onContext: (sequence: number) => void;
  /** Absent where nothing can be written. */
  readonly onFork: ((sequence: number) => void) | undefined;
}

/** An event. */
export function Event(options: EventOptions) {
  const { event, before, startedAt, isOpen, onToggle, onContext, onFork } = options;
  const { sequence, timestamp, type } = event;
  const data = event.data as JsonObject;
  const gap = before && Date.parse(timestamp) - Date.parse(before.timestamp);
  const took = startedAt && Date.parse(timestamp) - Date.parse(startedAt);
  return (
    <article class={kindOf(event)} aria-label={`Event ${sequence}: ${type}`}>
      <button
        type="button"
        class="event-head"
        aria-expanded={isOpen}
        onClick={() => onToggle(sequence)}
      >
        <time class="event-time number" dateTime={timestamp} title={exact(timestamp)}>
          {clock(timestamp)}
        </time>
        <span
          class={gap !== undefined && gap >= LONG_GAP_MS ? "event-gap gap-long" : "event-gap"}
          title="The time since the event before"
        >
          {gap !== undefined && `+${duration(gap)}`}
        </span>
        <span class="event-type">{inLine(type, 40)}</span>
        <span class="event-summary">
          <Summary type={type} data={data} />
        </span>
        {typeof took === "number" && (
          <span class="event-took number" title="The duration of the tool call">
            {duration(took)}
          </span>
        )}
        <span class="event-sequence number">#{sequence}</span>
      </button>
      {isOpen && (
        <div class="event-body">
          <Body type={type} data={data} />
          <p class="event-actions">
            <button type="button" class="quiet" onClick={() => onContext(sequence)}>
              Context after this event
            </button>
            {onFork !== undefined && (
              <button type="button" class="quiet" onClick={() => onFork(sequence)}>
                Fork after this event
              </button>
            )}
          </p>
        </div>
      )}
    </article>
  );
}

function kindOf({ type }: SessionEvent): string {
  if (BAD.has(type)) return "event event-bad";
  if (type === "tool_call") return "event event-tool";
  if (type === "tool_call_start") return "event event-pending";
  return MILESTONES.has(type) ? "event event-milestone" : "event";
}

function Summary({ type, data }: { readonly type: string; readonly data: JsonObject }) {
  switch (type) {
    case "tool_call":
    case "tool_call_start":
      return (
        <>
          <strong>{inLine(textOf(data.tool), 60)}</strong>{" "}
          <span class="faint">
            {typeof data.args === "object" && data.args !== null
              ? preview(Object.entries(data.args))
              : inLine(textOf(data.args), 120)}
          </span>
        </>
      );
    case "start":
      return <Line text={textOf(data.task)} />;
    case "resume":
      return <span class="faint">{resumption(data)}</span>;
    case "approval":
      return typeof data.approved === "boolean" ? (
        <Line text={decision(data)} />
      ) : (
        <Properties of={data} />
      );
    case "learning":
      return <Line text={textOf(data.insight)} />;
    case "pause":
    case "abandoned":
      return <Line text={textOf(data.reason)} />;
    case "complete":
      return <Line text={textOf(data.result)} />;
    case "error":
      return <Line text={textOf(data.error)} />;
    case "agent_error":
      return <Line text={textOf(data.message)} />;
    case "phase":
      return (
        <>
          {inLine(textOf(data.from), 40)} → <strong>{inLine(textOf(data.to), 40)}</strong>
        </>
      );
    case "context_change":
      return <Line text={changedNames(data).join(", ")} />;
    default:
      return <Properties of={data} />;
  }
}

function Properties({ of }: { readonly of: JsonObject }) {
  return <span class="faint">{preview(Object.entries(of))}</span>;
}

/** How long the session was paused, and the rest of what a resumption says. */
function resumption({ pausedDuration, ...rest }: JsonObject): string {
  const paused = typeof pausedDuration === "number" ? [`after ${duration(pausedDuration)}`] : [];
  const others = Object.keys(rest).length === 0 ? [] : [preview(Object.entries(rest))];
  return [...paused, ...others].join(", ");
}

/** Who has decided on a request for approval, and why. */
function decision({ approved, by, reason }: JsonObject): string {
  const who = by === undefined ? "" : ` by ${textOf(by)}`;
  const why = reason === undefined ? "" : `: ${textOf(reason)}`;
  return `${approved === true ? "approved" : "denied"}${who}${why}`;
}

function Body({
  type,
  data,
}: {
  readonly type: string;
  readonly data: JsonObject;
}): ComponentChildren {
  if (type === "tool_call" || type === "tool_call_start") {
    const { tool: _, args, result, ...rest } = data;
    return (
      <>
        <h2>Arguments</h2>
        <JsonTree value={args ?? null} isOpen />
        {"result" in data && (
          <>
            <h2>Result</h2>
            <Value value={result} />
          </>
        )}
        {Object.keys(rest).length > 0 && <JsonTree value={rest} />}
      </>
    );
  }
  if (type === "context_change") return <ContextChange data={data} />;
  if (type === "error" && typeof data.stack === "string") {
    return (
      <>
        <Block text={textOf(data.error)} of="error" />
        <Block text={data.stack} of="stack" />
      </>
    );
  }
  return <JsonTree value={data} isOpen />;
}

/** A value: texts with their line breaks, anything else as a tree. */
export function Value({ value }: { readonly value: unknown }) {
  return typeof value === "string" ? (
    <Block text={value} />
  ) : (
    <JsonTree value={value ?? null} isOpen />
  );
}

/** What a change of the context has set, replaced and removed. */
function ContextChange({ data }: { readonly data: JsonObject }) {
  const set = objectOf(data.set);
  const was = objectOf(data.was);
  return (
    <table class="changes">
      <thead>
        <tr>
          <th scope="col">Property</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {changedNames(data).map((name) => (
          <tr key={name}>
            <th scope="row">
              <Line text={name} limit={100} />
            </th>
            <td>
              {name in was ? <JsonTree value={was[name]} /> : <span class="faint">none</span>}
            </td>
            <td>
              {name in set ? (
                <JsonTree value={set[name]} />
              ) : (
                <span class="faint">{name in was ? "removed" : "too large for the history"}</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function changedNames(data: JsonObject): readonly string[] {
  const large = Array.isArray(data.changed) ? data.changed.map(textOf) : [];
  return [
    ...new Set([...Object.keys(objectOf(data.set)), ...Object.keys(objectOf(data.was)), ...large]),
  ];
}

function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null ? (value as JsonObject) : {};
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
