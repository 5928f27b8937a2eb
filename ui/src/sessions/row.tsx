/**
 * One session of the list, and the heading above all of them.
 *
 * @module
 */

import { Component, type ComponentChildren } from "preact";
import type { ListOptions, SessionHead } from "tenure";
import { brief, cost } from "../format.js";
import { modelOf } from "../parts/model.js";
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
  readonly isChosen?: boolean;
  readonly isCurrent?: boolean;
  /** Absent where no row can be selected. */
  readonly onChoose?: (index: number, isRange: boolean) => void;
  readonly onFocus?: (index: number) => void;
}

/** The height of a row in pixels, as the style sheet has it. */
export function heightOfRow(isNarrow: boolean): number {
  return isNarrow ? 58 : 32;
}

/** A column of the list. */
interface Column {
  /** The name in the style sheet. */
  readonly name: string;
  readonly label: ComponentChildren;
  readonly show: (options: RowOptions) => ComponentChildren;
  /** Whether it has numbers, which are aligned at their ends. */
  readonly isNumber?: boolean;
  /** By what the core orders the list, if it does by this column. */
  readonly orderBy?: ListOptions["orderBy"];
}

/** The columns, in their order. */
const COLUMNS: readonly Column[] = [
  {
    name: "choose",
    label: <span class="unseen">Selected</span>,
    show: ({ head, index, isChosen, onChoose }) => (
      <input
        type="checkbox"
        aria-label={`Select ${head.id}`}
        checked={isChosen === true}
        disabled={onChoose === undefined}
        tabIndex={-1}
        onClick={(event) => onChoose?.(index, event.shiftKey)}
      />
    ),
  },
  { name: "status", label: "Status", show: ({ head }) => <Status of={head.status} /> },
  {
    name: "task",
    label: "Task",
    show: ({ head, index, isCurrent, onFocus }) => (
      <>
        <a
          href={linkToSession(head.id)}
          tabIndex={isCurrent ? 0 : -1}
          data-index={index}
          onFocus={() => onFocus?.(index)}
        >
          <Line text={head.task || "(no task)"} />
        </a>
        <Marks of={head} />
      </>
    ),
  },
  { name: "mode", label: "Mode", show: ({ head }) => <Line text={head.mode} limit={60} /> },
  { name: "model", label: "Model", show: ({ head }) => <Line text={modelOf(head)} limit={60} /> },
  { name: "user", label: "User", show: ({ head }) => <Line text={head.userId ?? ""} limit={60} /> },
  {
    name: "channel",
    label: "Channel",
    show: ({ head }) => <Line text={head.channelId ?? ""} limit={60} />,
  },
  {
    name: "progress",
    label: "Iterations",
    show: ({ head }) => <Progress used={head.iterations} of={head.maxIterations} />,
  },
  {
    name: "tokens",
    label: "Tokens",
    isNumber: true,
    show: ({ head: { metadata } }) => metadata?.tokens && brief(metadata.tokens.total),
  },
  {
    name: "cost",
    label: "Cost",
    isNumber: true,
    show: ({ head: { metadata } }) => typeof metadata?.cost === "number" && cost(metadata.cost),
  },
  {
    name: "time",
    label: "Created",
    isNumber: true,
    orderBy: "createdAt",
    show: ({ head }) => <Time at={head.createdAt} />,
  },
  {
    name: "changed",
    label: "Changed",
    isNumber: true,
    orderBy: "updatedAt",
    show: ({ head }) => <Time at={head.updatedAt} />,
  },
];

function classOf({ name, isNumber }: Column): string {
  return isNumber ? `cell-${name} number` : `cell-${name}`;
}

/** A row. While the list scrolls, only the rows that come into it are rendered. */
export class Row extends Component<RowOptions> {
  /** Whether an option has changed. */
  override shouldComponentUpdate(next: RowOptions): boolean {
    const names = Object.keys(next) as (keyof RowOptions)[];
    return names.some((name) => next[name] !== this.props[name]);
  }

  /** See {@link Component.render}. */
  override render(options: RowOptions): ComponentChildren {
    const { head, index, top, isChosen } = options;
    return (
      <div
        role="row"
        aria-rowindex={index + 2}
        class={isChosen ? "row row-chosen" : "row"}
        style={{ transform: `translateY(${top}px)` }}
        data-id={head.id}
      >
        {COLUMNS.map((column) => (
          <div key={column.name} role="cell" class={classOf(column)}>
            {column.show(options)}
          </div>
        ))}
      </div>
    );
  }
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
      {COLUMNS.map((column) => {
        const { name, label, orderBy } = column;
        const now = orderBy && sorted(orderBy);
        return (
          <div key={name} role="columnheader" class={classOf(column)} aria-sort={now}>
            {orderBy === undefined ? (
              label
            ) : (
              <button type="button" class="sort" onClick={() => order(orderBy)}>
                {label}
                <span aria-hidden="true">
                  {now === "none" ? "" : now === "ascending" ? "↑" : "↓"}
                </span>
              </button>
            )}
          </div>
        );
      })}
    </div>
  );
}
