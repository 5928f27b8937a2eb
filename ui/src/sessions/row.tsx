/**
 * One session of the list, and the heading above all of them.
 *
 * @module
 */

import type { SessionHead } from "tenure";
import { brief, cost } from "../format.js";
import { Progress } from "../parts/progress.js";
import { Marks, Status } from "../parts/status.js";
import { Time } from "../parts/time.js";
import { Line } from "../parts/user-text.js";
import { linkToSession, replaceQuery } from "../route.js";

/** Options of a row. */
export interface RowOptions {
  readonly head: SessionHead;
  readonly index: number;
  readonly top: number;
  readonly isChosen: boolean;
  readonly isCurrent: boolean;
  readonly onChoose: (index: number, isRange: boolean) => void;
  readonly onFocus: (index: number) => void;
}

/** A row. */
export function Row(options: RowOptions) {
  const { head, index, top, isChosen, isCurrent, onChoose, onFocus } = options;
  const { metadata } = head;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      class={isChosen ? "row row-chosen" : "row"}
      style={{ transform: `translateY(${top}px)` }}
      data-id={head.id}
    >
      <div role="cell" class="cell-choose">
        <input
          type="checkbox"
          aria-label={`Select ${head.id}`}
          checked={isChosen}
          tabIndex={-1}
          onClick={(event) => onChoose(index, event.shiftKey)}
        />
      </div>
      <div role="cell" class="cell-status">
        <Status of={head.status} />
      </div>
      <div role="cell" class="cell-task">
        <a
          href={linkToSession(head.id)}
          tabIndex={isCurrent ? 0 : -1}
          data-index={index}
          onFocus={() => onFocus(index)}
        >
          <Line text={head.task || "(no task)"} />
        </a>
        <Marks of={head} />
      </div>
      <div role="cell" class="cell-mode">
        <Line text={head.mode} limit={60} />
      </div>
      <div role="cell" class="cell-user">
        <Line text={head.userId ?? ""} limit={60} />
      </div>
      <div role="cell" class="cell-channel">
        <Line text={head.channelId ?? ""} limit={60} />
      </div>
      <div role="cell" class="cell-progress">
        <Progress used={head.iterations} of={head.maxIterations} />
      </div>
      <div role="cell" class="cell-tokens number">
        {metadata?.tokens ? brief(metadata.tokens.total) : ""}
      </div>
      <div role="cell" class="cell-cost number">
        {typeof metadata?.cost === "number" ? cost(metadata.cost) : ""}
      </div>
      <div role="cell" class="cell-time number">
        <Time at={head.createdAt} />
      </div>
      <div role="cell" class="cell-changed number">
        <Time at={head.updatedAt} />
      </div>
    </div>
  );
}

/** The heading. The list can be ordered by the columns that the core orders by. */
export function Heading({ query }: { readonly query: URLSearchParams }) {
  const by = query.get("orderBy") ?? "createdAt";
  const isAscending = query.get("direction") === "asc";
  const sorted = (name: string) =>
    name !== by ? "none" : isAscending ? "ascending" : "descending";
  const order = (name: string): void => {
    const next = new URLSearchParams(query);
    next.set("orderBy", name);
    next.set("direction", name === by && !isAscending ? "asc" : "desc");
    replaceQuery(next);
  };
  return (
    <div role="row" aria-rowindex={1} class="row row-heading">
      <div role="columnheader" class="cell-choose">
        <span class="unseen">Selected</span>
      </div>
      <div role="columnheader" class="cell-status">
        Status
      </div>
      <div role="columnheader" class="cell-task">
        Task
      </div>
      <div role="columnheader" class="cell-mode">
        Mode
      </div>
      <div role="columnheader" class="cell-user">
        User
      </div>
      <div role="columnheader" class="cell-channel">
        Channel
      </div>
      <div role="columnheader" class="cell-progress">
        Iterations
      </div>
      <div role="columnheader" class="cell-tokens number">
        Tokens
      </div>
      <div role="columnheader" class="cell-cost number">
        Cost
      </div>
      <Sortable name="createdAt" label="Created" of="cell-time" sorted={sorted} order={order} />
      <Sortable name="updatedAt" label="Changed" of="cell-changed" sorted={sorted} order={order} />
    </div>
  );
}

interface SortableOptions {
  readonly name: string;
  readonly label: string;
  readonly of: string;
  readonly sorted: (name: string) => "none" | "ascending" | "descending";
  readonly order: (name: string) => void;
}

function Sortable({ name, label, of, sorted, order }: SortableOptions) {
  const now = sorted(name);
  return (
    <div role="columnheader" class={`${of} number`} aria-sort={now}>
      <button type="button" class="sort" onClick={() => order(name)}>
        {label}
        <span aria-hidden="true">{now === "none" ? "" : now === "ascending" ? " ↑" : " ↓"}</span>
      </button>
    </div>
  );
}
