/**
 * The filters of the list: text, statuses, modes, models, users, phases, and the views that are saved.
 *
 * @module
 */

import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Phase, Stats } from "tenure";
import { now } from "../clock.js";
import { brief, count } from "../format.js";
import { useLoaded } from "../parts/load.js";
import { STATUSES, StatusMark } from "../parts/status.js";
import { linkTo, replaceQuery, route } from "../route.js";
import { opened, sessionsRevision } from "../store.js";
import { inLine } from "../text.js";
import { FILTERS, filterOf, PARAMETERS, withParameter, withToggled } from "./query.js";
import { countsOf } from "./rows.js";
import { BUILT_IN, removeView, savedViews, saveView } from "./saved-views.js";

/** How long to wait for another key before the list is filtered by a text, in milliseconds. */
const TYPING_MS = 120;
/** The most to wait where filtering takes long, so that it keeps no key waiting. */
const MOST_TYPING_MS = 800;

/** The phases of agents, in their usual order. */
const PHASES: readonly Phase[] = [
  "initializing",
  "investigating",
  "planning",
  "approval",
  "executing",
  "validating",
  "completed",
  "failed",
  "abandoned",
];

/** What a filter that has no field of its own is called. */
const NAMES: Readonly<Record<string, string>> = {
  channelId: "channel",
  parentId: "forked from",
  taskIds: "task",
  slotPhase: "slot",
  createdAfter: "created since",
  createdBefore: "created before",
  updatedAfter: "changed since",
  updatedBefore: "changed before",
  minIterations: "iterations from",
  maxIterations: "iterations to",
};

/** Options of the filters. */
export interface FiltersOptions {
  readonly query: URLSearchParams;
  readonly search: RefObject<HTMLInputElement | null>;
}

/** The filters. */
export function Filters({ query, search }: FiltersOptions) {
  // Sessions that have come may have other modes, models and users.
  sessionsRevision.value;
  const all = opened().mirror.stats({ users: 100 });
  const set = (name: string) => (value: string) => replaceQuery(withParameter(query, name, value));
  return (
    <div class="filters">
      <Views query={query} />
      <div class="filter-row" role="search">
        <Search query={query} search={search} />
        <Statuses query={query} />
        <Choice name="Mode" of="mode" query={query} values={Object.keys(all.byMode)} set={set} />
        <Choice name="Model" of="model" query={query} values={Object.keys(all.byModel)} set={set} />
        <Choice
          name="User"
          of="userId"
          query={query}
          values={Object.keys(all.usageByUser)}
          set={set}
        />
        <Choice name="Phase" of="phase" query={query} values={PHASES} set={set} />
      </div>
      <Others query={query} />
    </div>
  );
}

function Search({ query, search }: FiltersOptions) {
  const inAddress = query.get("text") ?? "";
  const [text, setText] = useState(inAddress);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  // What the search itself has put into the address must not replace what was typed since.
  const applied = useRef(inAddress);
  useEffect(() => {
    if (inAddress === applied.current) return;
    applied.current = inAddress;
    clearTimeout(timer.current);
    setText(inAddress);
  }, [inAddress]);
  const pause = useRef(TYPING_MS);
  const apply = (value: string): void => {
    applied.current = value;
    const began = performance.now();
    replaceQuery(withParameter(route.peek().query, "text", value));
    // The list is rendered before the next task.
    setTimeout(() => {
      const took = performance.now() - began;
      pause.current = Math.min(Math.max(TYPING_MS, 2 * took), MOST_TYPING_MS);
    });
  };
  return (
    <input
      ref={search}
      type="search"
      class="search"
      placeholder="Search tasks  ( / )"
      aria-label="Search tasks"
      value={text}
      onInput={({ currentTarget: { value } }) => {
        setText(value);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => apply(value), pause.current);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" && event.key !== "Enter") return;
        clearTimeout(timer.current);
        const value = event.key === "Escape" ? "" : event.currentTarget.value;
        setText(value);
        apply(value);
        event.currentTarget.blur();
      }}
    />
  );
}

/** The statuses, with the number of sessions that each would show. */
function Statuses({ query }: { readonly query: URLSearchParams }) {
  const chosen = new Set(query.get("status")?.split(","));
  const counts = countsWithout(query, "status")?.byStatus;
  return (
    <fieldset class="chips">
      <legend class="unseen">Status</legend>
      {STATUSES.map((status) => (
        <button
          key={status}
          type="button"
          class="chip"
          aria-pressed={chosen.has(status)}
          onClick={() => replaceQuery(withToggled(query, "status", status))}
        >
          <StatusMark of={status} />
          {status} <span class="number">{counts && brief(counts[status])}</span>
        </button>
      ))}
    </fieldset>
  );
}

function countsWithout(query: URLSearchParams, name: string): Stats | undefined {
  try {
    return countsOf(opened().mirror, filterOf(withParameter(query, name, undefined)));
  } catch {
    // The list says what is wrong with the filter.
    return undefined;
  }
}

interface ChoiceOptions {
  readonly name: string;
  readonly of: string;
  readonly query: URLSearchParams;
  readonly values: readonly string[];
  readonly set: (name: string) => (value: string) => void;
}

function Choice({ name, of, query, values, set }: ChoiceOptions) {
  const chosen = query.get(of) ?? "";
  const all = chosen === "" || values.includes(chosen) ? values : [chosen, ...values];
  return (
    <select
      aria-label={name}
      class={chosen === "" ? "choice" : "choice choice-set"}
      value={chosen}
      onChange={({ currentTarget }) => set(of)(currentTarget.value)}
    >
      <option value="">{name}</option>
      {all.map((value) => (
        <option key={value} value={value}>
          {inLine(value, 60)}
        </option>
      ))}
    </select>
  );
}

/** The filters that have no field, such as those of a link in a chart. */
function Others({ query }: { readonly query: URLSearchParams }) {
  const others = FILTERS.filter((name) => name in NAMES && query.get(name));
  if (others.length === 0) return null;
  return (
    <div class="filter-row">
      {others.map((name) => (
        <button
          key={name}
          type="button"
          class="chip"
          aria-pressed={true}
          title="Remove this filter"
          onClick={() => replaceQuery(withParameter(query, name, undefined))}
        >
          {NAMES[name]} {inLine(query.get(name) ?? "", 40)} <span aria-hidden="true">×</span>
        </button>
      ))}
    </div>
  );
}

function Views({ query }: { readonly query: URLSearchParams }) {
  const [name, setName] = useState<string | undefined>(undefined);
  const own = parametersOf(query);
  const totals = useTotals();
  const isKnown = [...BUILT_IN, ...savedViews.value].some((view) => sameQuery(view.query, own));
  return (
    <nav class="views" aria-label="Views">
      {BUILT_IN.map((view) => (
        <ViewLink key={view.name} view={view} own={own} total={totals.get(view.query)} />
      ))}
      {savedViews.value.map((view) => (
        <span key={view.name} class="view-own">
          <ViewLink view={view} own={own} total={totals.get(view.query)} />
          <button
            type="button"
            class="quiet icon"
            aria-label={`Remove the view ${view.name}`}
            onClick={() => removeView(view.name)}
          >
            ×
          </button>
        </span>
      ))}
      {!isKnown && name === undefined && (
        <button type="button" class="quiet" onClick={() => setName("")}>
          Save this view
        </button>
      )}
      {name !== undefined && (
        <form
          class="view-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() !== "") saveView({ name: name.trim(), query: own });
            setName(undefined);
          }}
        >
          <input
            aria-label="Name of the view"
            placeholder="Name"
            maxLength={40}
            value={name}
            ref={(field) => field?.focus()}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
            onKeyDown={({ key }) => key === "Escape" && setName(undefined)}
          />
          <button type="submit">Save</button>
        </form>
      )}
    </nav>
  );
}

/** How often the totals of the views are counted where that takes long, in milliseconds. */
const COUNTED_MS = 10_000;
/** The number of sessions up to which they are counted after each change. */
const LIVE_UP_TO = 5000;

/** The number of sessions of each view. Those of very many sessions are counted by the server. */
function useTotals(): ReadonlyMap<string, number> {
  const { mirror, sessions, isLocal } = opened();
  const revision = sessionsRevision.value;
  const isSmall = mirror.stats().total <= LIVE_UP_TO;
  const isAsked = !isSmall && !isLocal;
  const step = isSmall ? revision : Math.floor(now.value / COUNTED_MS);
  const queries = [...BUILT_IN, ...savedViews.value].map(({ query }) => query);
  const inputs = [mirror, isAsked, step, queries.join()];
  const here = useMemo(() => {
    const totals = new Map<string, number>();
    for (const query of isAsked ? [] : queries) {
      try {
        totals.set(query, mirror.stats(filterOf(new URLSearchParams(query))).total);
      } catch {
        // The list says what is wrong with its filter.
      }
    }
    return totals;
  }, inputs);
  const there = useLoaded(async () => {
    const totals = new Map<string, number>();
    for (const query of isAsked ? queries : []) {
      const stats = await sessions.stats(filterOf(new URLSearchParams(query))).catch(() => null);
      if (stats !== null) totals.set(query, stats.total);
    }
    return totals;
  }, inputs);
  return isAsked ? (there.value ?? here) : here;
}

function ViewLink({
  view,
  own,
  total,
}: {
  readonly view: { readonly name: string; readonly query: string };
  readonly own: string;
  readonly total: number | undefined;
}) {
  return (
    <a
      href={linkTo(["sessions"], new URLSearchParams(view.query))}
      aria-current={sameQuery(view.query, own) ? "page" : undefined}
    >
      {inLine(view.name, 40)}{" "}
      <span class="number faint">{total !== undefined && count(total)}</span>
    </a>
  );
}

/** The parameters of the list alone. */
function parametersOf(query: URLSearchParams): string {
  return new URLSearchParams([...query].filter(([name]) => PARAMETERS.includes(name))).toString();
}

function sameQuery(one: string, other: string): boolean {
  const sorted = (text: string): string => {
    const query = new URLSearchParams(text);
    query.sort();
    return query.toString();
  };
  return sorted(one) === sorted(other);
}
