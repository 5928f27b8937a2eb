/**
 * What a view shows where there is nothing: what to do next.
 *
 * @module
 */

import type { ComponentChildren } from "preact";

/** An empty view. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {children}
    </div>
  );
}
