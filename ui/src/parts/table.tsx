/**
 * A table of records.
 *
 * @module
 */

import type { ComponentChildren } from "preact";

/** A column. */
export interface Column<Item> {
  readonly name: string;
  readonly show: (item: Item) => ComponentChildren;
  /** Whether it has numbers, which are aligned at their ends. */
  readonly isNumber?: boolean;
  /** Whether it takes the room that the others leave. */
  readonly isWide?: boolean;
}

/** Options of a table. */
export interface TableOptions<Item> {
  readonly label: string;
  readonly columns: readonly Column<Item>[];
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => string;
  /** Loads further items; absent at the end. */
  readonly onMore?: (() => void) | undefined;
}

/** A table. The first column names the row. */
export function Table<Item>({ label, columns, items, keyOf, onMore }: TableOptions<Item>) {
  const classOf = ({ isNumber, isWide }: Column<Item>): string =>
    `${isNumber ? "number" : ""} ${isWide ? "wide" : ""}`.trim();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by the keyboard.
    <section class="table-scroller" aria-label={label} tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" class={classOf(column)}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={keyOf(item)}>
              {columns.map((column, at) =>
                at === 0 ? (
                  <th key={column.name} scope="row" class={classOf(column)}>
                    {column.show(item)}
                  </th>
                ) : (
                  <td key={column.name} class={classOf(column)}>
                    {column.show(item)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {onMore !== undefined && (
        <button type="button" class="quiet" onClick={onMore}>
          Show more
        </button>
      )}
    </section>
  );
}
