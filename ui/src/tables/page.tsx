/**
 * The frame of a table: its title, its filters, and what is shown while it is read, empty or refused.
 *
 * @module
 */

import type { ComponentChildren } from "preact";
import { Empty } from "../parts/empty.js";
import type { Paged } from "../parts/paged.js";
import { Problem } from "../parts/problem.js";
import { type Column, Table } from "../parts/table.js";

/** Options of the frame. */
export interface TablePageOptions<Item> {
  readonly title: string;
  readonly paged: Paged<Item>;
  readonly columns: readonly Column<Item>[];
  readonly keyOf: (item: Item) => string;
  readonly tools?: ComponentChildren;
  /** What is shown if there are no items. */
  readonly none: { readonly title: string; readonly next: ComponentChildren };
}

/** A table with its title, and what is below it. */
export function TablePage<Item>(
  options: TablePageOptions<Item> & { readonly children?: ComponentChildren },
) {
  return (
    <main class="view view-table">
      <header class="view-head">
        <h1>{options.title}</h1>
        {options.tools}
      </header>
      <TableBody {...options} />
      {options.children}
    </main>
  );
}

/** The table, or what is shown in its place. */
export function TableBody<Item>({ title, paged, columns, keyOf, none }: TablePageOptions<Item>) {
  const { value, error, reload, onMore } = paged;
  if (error !== undefined) return <Problem error={error} retry={reload} />;
  if (value === undefined) return <p class="faint loading">Loading</p>;
  if (value.length === 0) {
    if (none.next === null) return <p class="faint">{none.title}</p>;
    return <Empty title={none.title}>{none.next}</Empty>;
  }
  return <Table label={title} columns={columns} items={value} keyOf={keyOf} onMore={onMore} />;
}
