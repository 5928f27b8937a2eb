/**
 * The list of sessions.
 *
 * @module
 */

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { exportSessions } from "../files/export.js";
import { count, counted } from "../format.js";
import { copyText } from "../parts/copy.js";
import { Empty } from "../parts/empty.js";
import { FormDialog } from "../parts/form.js";
import { useKeys } from "../parts/keyboard.js";
import { isNarrow } from "../parts/media.js";
import { Problem } from "../parts/problem.js";
import { useVirtual } from "../parts/virtual.js";
import { isWorking } from "../parts/work.js";
import { goTo, linkTo, linkToSession, route } from "../route.js";
import { FirstSession } from "../start/first.js";
import { isWritable, opened, sessionsRevision, unreadable } from "../store.js";
import { inLine } from "../text.js";
import { deleteAll, restoreAll, trashAll } from "./bulk.js";
import { Filters } from "./filters.js";
import { FILTERS, filterOf, orderOf } from "./query.js";
import { Heading, heightOfRow, Row } from "./row.js";
import { type Rows, useRows } from "./rows.js";

/** The maximum number of sessions that are selected at once. */
const MOST_CHOSEN = 10_000;

/** The list, with its filters. */
export function SessionsView() {
  const { query } = route.value;
  // The counts of the filters change with the sessions.
  sessionsRevision.value;
  const key = query.toString();
  const [filter, order] = useMemo(() => [filterOf(query), orderOf(query)], [key]);
  const rows = useRows(filter, order);
  const search = useRef<HTMLInputElement>(null);
  useKeys({
    "/": () => search.current?.focus(),
  });
  return (
    <main class="view view-list">
      <h1 class="unseen">Sessions</h1>
      <Filters query={query} search={search} />
      <Unreadable />
      {"error" in rows ? (
        <Problem error={rows.error} />
      ) : (
        // What is selected is always in the list.
        <List key={JSON.stringify(filter)} rows={rows} query={query} />
      )}
    </main>
  );
}

/** The sessions that are in the store and cannot be read. */
function Unreadable() {
  const problems = [...unreadable.value];
  if (problems.length === 0) return null;
  return (
    <details class="unreadable">
      <summary>{counted(problems.length, "session")} cannot be read</summary>
      <ul>
        {problems.slice(0, 100).map(([id, problem]) => (
          <li key={id}>
            <code>{inLine(id, 130)}</code> {inLine(problem)}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Where the reader was in each list, by its address. */
const places = new Map<string, { readonly top: number; readonly current: number }>();

function List({ rows, query }: { readonly rows: Rows; readonly query: URLSearchParams }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isDeleting, setDeleting] = useState(false);
  const place = query.toString();
  const [current, setCurrent] = useState(places.get(place)?.current ?? 0);
  const anchor = useRef(0);
  const height = heightOfRow(isNarrow.value);
  const { scroller, items, totalHeight, scrollTo } = useVirtual({ count: rows.total, height });
  const wanted = useRef<number | undefined>(undefined);

  // Back from a session, the list is where it was left.
  const newest = useRef(current);
  newest.current = current;
  useLayoutEffect(() => {
    const element = scroller.current;
    const before = places.get(place);
    if (element === null) return;
    if (before !== undefined) {
      element.scrollTop = before.top;
      // A person who types into a filter goes on typing.
      if (document.activeElement === document.body) wanted.current = before.current;
    }
    let top = element.scrollTop;
    const onScroll = (): void => {
      top = element.scrollTop;
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      element.removeEventListener("scroll", onScroll);
      places.set(place, { top, current: newest.current });
    };
  }, [place, scroller]);

  const focusRow = (index: number): void => {
    const to = Math.max(0, Math.min(index, rows.total - 1));
    setCurrent(to);
    scrollTo(to);
    wanted.current = to;
    focusWanted();
  };
  const focusWanted = (): void => {
    if (wanted.current === undefined) return;
    const link = scroller.current?.querySelector<HTMLElement>(`a[data-index="${wanted.current}"]`);
    if (!link) return;
    wanted.current = undefined;
    link.focus({ preventScroll: true });
  };
  // A row that was far away is in the document only after the list has scrolled.
  useEffect(focusWanted);

  const choose = (index: number, isRange: boolean): void => {
    const next = new Set(chosen);
    const from = isRange ? Math.min(anchor.current, index) : index;
    const to = isRange ? Math.max(anchor.current, index) : index;
    const id = rows.at(index)?.id;
    const adds = isRange || (id !== undefined && !next.has(id));
    for (let at = from; at <= to; at += 1) {
      const one = rows.at(at)?.id;
      if (one === undefined) continue;
      if (adds) next.add(one);
      else next.delete(one);
    }
    anchor.current = index;
    setChosen(next);
  };
  // Rows are rendered again if it changes.
  const choosing = useRef(choose);
  choosing.current = choose;
  const onChoose = useCallback(
    (index: number, isRange: boolean): void => choosing.current(index, isRange),
    [],
  );
  const currentId = rows.at(current)?.id;
  const meant = (): readonly string[] =>
    chosen.size > 0 ? [...chosen] : currentId === undefined ? [] : [currentId];
  const isTrash = query.get("trash") === "only";
  const apply = (run: (ids: readonly string[]) => Promise<void>): void => {
    const ids = meant();
    setChosen(new Set());
    if (ids.length > 0) void run(ids);
  };
  /** Moves by rows. The first key only goes to the current row, which nothing has marked before. */
  const move = (by: number): void => {
    const isThere = scroller.current?.contains(document.activeElement);
    focusRow(isThere ? current + by : current);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    "g g": () => focusRow(0),
    G: () => focusRow(rows.total - 1),
    Enter: () => currentId !== undefined && goTo(linkToSession(currentId)),
    x: () => choose(current, false),
    X: () => choose(current, true),
    a: () => setChosen(new Set(rows.ids(MOST_CHOSEN))),
    Escape: () => setChosen(new Set()),
    c: () => void (currentId && copyText(currentId)),
    t: () => isWritable.value && apply(isTrash ? restoreAll : trashAll),
    e: () => !isWorking.value && apply(exportSessions),
  });

  if (rows.total === 0) return <NoRows query={query} />;
  return (
    <div class="list">
      <div class="list-bar">
        {chosen.size === 0 ? (
          <span>{counted(rows.total, "session")}</span>
        ) : (
          <>
            <strong>{count(chosen.size)} selected</strong>
            {isWritable.value && isTrash && (
              <>
                <button type="button" onClick={() => apply(restoreAll)}>
                  Restore
                </button>
                <button type="button" class="bad" onClick={() => setDeleting(true)}>
                  Delete permanently
                </button>
              </>
            )}
            {isWritable.value && !isTrash && (
              <button type="button" onClick={() => apply(trashAll)}>
                Move to the trash
              </button>
            )}
            <button type="button" disabled={isWorking.value} onClick={() => apply(exportSessions)}>
              Export
            </button>
            <button type="button" class="quiet" onClick={() => setChosen(new Set())}>
              Clear
            </button>
          </>
        )}
        <button
          type="button"
          class="quiet"
          onClick={() => setChosen(new Set(rows.ids(MOST_CHOSEN)))}
        >
          Select all
        </button>
      </div>
      {isDeleting && (
        <FormDialog
          title={`Delete ${counted(chosen.size, "session")} permanently?`}
          fields={[]}
          submit="Delete permanently"
          isBad
          onClose={() => setDeleting(false)}
          onSubmit={async () => {
            setDeleting(false);
            apply(deleteAll);
          }}
        >
          <p>Nothing brings them back, neither undo nor the trash.</p>
        </FormDialog>
      )}
      <div role="table" aria-label="Sessions" aria-rowcount={rows.total + 1} class="grid">
        <div role="rowgroup" class="grid-head">
          <Heading query={query} />
        </div>
        <div role="rowgroup" class="scroller" ref={scroller}>
          <div class="canvas" role="presentation" style={{ height: `${totalHeight}px` }}>
            {items.map(({ index, start }) => {
              const head = rows.at(index);
              return head === undefined ? null : (
                <Row
                  key={head.id}
                  head={head}
                  index={index}
                  top={start}
                  isChosen={chosen.has(head.id)}
                  isCurrent={index === Math.min(current, rows.total - 1)}
                  onChoose={onChoose}
                  onFocus={setCurrent}
                />
              );
            })}
          </div>
        </div>
      </div>
    </div>
  );
}

function NoRows({ query }: { readonly query: URLSearchParams }) {
  const isFiltered = FILTERS.some((name) => query.get(name));
  if (!isFiltered && opened().mirror.stats().total === 0) return <FirstSession />;
  return (
    <Empty title={query.get("trash") === "only" ? "The trash is empty" : "No session matches"}>
      {isFiltered && (
        <p>
          <a href={linkTo(["sessions"])}>Show all sessions</a>
        </p>
      )}
    </Empty>
  );
}
