/**
 * The first rows of the list, as the store itself lists them. They are shown until all sessions are loaded.
 *
 * @module
 */

import { useMemo } from "preact/hooks";
import type { Sessions } from "tenure";
import { count } from "../format.js";
import { useLoaded } from "../parts/load.js";
import { isNarrow } from "../parts/media.js";
import { Problem } from "../parts/problem.js";
import { route } from "../route.js";
import { filterOf, orderOf } from "./query.js";
import { Heading, heightOfRow, Row } from "./row.js";

/** The number of rows: as many as a large window shows. */
const ROWS = 50;

/** The first rows. */
export function FirstRows({
  sessions,
  loaded,
}: {
  readonly sessions: Sessions;
  readonly loaded: number;
}) {
  const { query } = route.value;
  const key = query.toString();
  const [filter, order] = useMemo(() => [filterOf(query), orderOf(query)], [key]);
  const { value, error } = useLoaded(
    async () => (await sessions.list({ ...filter, ...order, limit: ROWS })).items,
    [sessions, filter, order],
  );
  const height = heightOfRow(isNarrow.value);
  return (
    <main class="view view-list">
      <h1 class="unseen">Sessions</h1>
      <div class="filters filters-unread" />
      {error !== undefined ? (
        <Problem error={error} />
      ) : (
        <div class="list">
          <div class="list-bar">
            <span class="loading" role="status">
              Loading{loaded > 0 && `: ${count(loaded)} sessions`}
            </span>
          </div>
          <div role="table" aria-label="Sessions" aria-busy={true} class="grid">
            <div role="rowgroup" class="grid-head">
              <Heading query={query} />
            </div>
            <div role="rowgroup" class="scroller">
              <div class="canvas" role="presentation">
                {value?.map((head, index) => (
                  <Row key={head.id} head={head} index={index} top={index * height} />
                ))}
              </div>
            </div>
          </div>
        </div>
      )}
    </main>
  );
}
