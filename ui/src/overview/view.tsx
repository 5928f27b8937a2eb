/**
 * The overview: how many sessions there are, how they end, what they cost, and how agents do against their
 * targets.
 *
 * @module
 */

import { useMemo, useState } from "preact/hooks";
import type {
  AgentStats,
  Distribution,
  GroupBy,
  GroupDistribution,
  IterationCount,
  Metric,
  Percentiles,
  Stats,
} from "tenure";
import { now } from "../clock.js";
import { brief, bytes, cost, count, counted, duration, percent } from "../format.js";
import { useLoaded } from "../parts/load.js";
import { Problem } from "../parts/problem.js";
import { STATUSES, StatusMark } from "../parts/status.js";
import { Time } from "../parts/time.js";
import { Line } from "../parts/user-text.js";
import { linkTo, replaceQuery, route } from "../route.js";
import { FirstSession } from "../start/first.js";
import { auditRevision, leasesRevision, opened, sessionsRevision } from "../store.js";
import { Chart } from "./chart.js";
import { PERIODS, partsOf } from "./periods.js";

/** How often the expensive numbers are computed again, in milliseconds. */
const STEADY_MS = 15_000;
/** The number of sessions up to which each change is shown at once. */
const LIVE_UP_TO = 5000;
/** The number of sessions from which their histories are not read to add up their sizes. */
const STORAGE_UP_TO = 2000;

/** The overview. */
export function OverviewView() {
  const { mirror } = opened();
  const { query } = route.value;
  const step = Math.floor(now.value / STEADY_MS);
  // Statistics of a period read all sessions, so those of very many are computed less often.
  const revision = mirror.stats().total > LIVE_UP_TO ? step : sessionsRevision.value;
  const name = query.get("period") ?? "7d";
  const period = PERIODS[name] ?? PERIODS["7d"];
  if (period === undefined) throw new Error("the period 7d is missing");
  const counted = useMemo(() => {
    const parts = partsOf(period, now.peek());
    const filter = { createdAfter: parts[0]?.after };
    return {
      filter,
      all: mirror.stats(filter),
      bars: parts.map(({ after, before, label }) => {
        const range = { createdAfter: after, createdBefore: before };
        const { byStatus } = mirror.stats(range);
        return {
          label,
          values: STATUSES.map((status) => byStatus[status]),
          link: linkTo(["sessions"], range),
        };
      }),
    };
  }, [mirror, period, revision, step]);
  const [by, setBy] = useState<GroupBy>("mode");
  const distribution = useMemo(
    () => mirror.distribution({ ...counted.filter, by, groups: SHOWN }),
    [mirror, counted, by],
  );
  if (mirror.stats().total === 0) {
    return (
      <main class="view">
        <h1 class="unseen">Overview</h1>
        <FirstSession />
      </main>
    );
  }
  return (
    <main class="view view-overview">
      <header class="view-head">
        <h1>Overview</h1>
        <fieldset class="chips">
          <legend class="unseen">Period</legend>
          {Object.entries(PERIODS).map(([key, { name: label }]) => (
            <button
              key={key}
              type="button"
              class="chip"
              aria-pressed={key === name}
              onClick={() => replaceQuery(new URLSearchParams({ period: key }))}
            >
              {label}
            </button>
          ))}
        </fieldset>
      </header>
      <Tiles stats={counted.all} after={counted.filter.createdAfter} />
      <Chart
        title="Sessions by the time of their start"
        series={STATUSES.map((status) => ({ name: status, look: `fill-${status}` }))}
        bars={counted.bars}
      />
      <div class="columns">
        <Chart
          title="Iterations used"
          series={[{ name: "sessions", look: "fill-plain" }]}
          bars={distribution.iterations.map((part) => ({
            label: rangeOf(part),
            values: [part.sessions],
            link: linkTo(["sessions"], {
              ...counted.filter,
              minIterations: part.from === 0 ? undefined : String(part.from),
              maxIterations: part.to === null ? undefined : String(part.to),
            }),
          }))}
        />
        <Agents />
      </div>
      <Groups
        distribution={distribution}
        by={by}
        setBy={setBy}
        after={counted.filter.createdAfter}
      />
    </main>
  );
}

function rangeOf({ from, to }: IterationCount): string {
  if (to === null) return `${from}+`;
  return from === to ? String(to) : `${from}-${to}`;
}

function Tiles({ stats, after }: { readonly stats: Stats; readonly after: string | undefined }) {
  const { byStatus, usage } = stats;
  return (
    <dl class="tiles">
      <Tile
        name="Sessions"
        value={count(stats.total)}
        link={linkTo(["sessions"], { createdAfter: after })}
      />
      {STATUSES.map((status) => (
        <div key={status} class="tile">
          <dt>
            <StatusMark of={status} />
            {status}
          </dt>
          <dd>
            <a href={linkTo(["sessions"], { createdAfter: after, status })}>
              {count(byStatus[status])}
            </a>
          </dd>
        </div>
      ))}
      <Tile
        name="Success rate"
        value={percent(stats.successRate)}
        hint={`${percent(stats.finishedSuccessRate)} of those that have ended`}
      />
      <Tile name="Iterations" value={stats.averageIterations.toFixed(1)} hint="on average" />
      <Tile
        name="Tokens"
        value={brief(usage.tokens.total)}
        hint={`${brief(usage.tokens.prompt)} in, ${brief(usage.tokens.completion)} out`}
      />
      <Tile name="Cost" value={cost(usage.cost)} />
      <Others />
    </dl>
  );
}

function Tile({
  name,
  value,
  hint,
  link,
}: {
  readonly name: string;
  readonly value: string;
  readonly hint?: string;
  readonly link?: string;
}) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd>
        {link === undefined ? value : <a href={link}>{value}</a>}
        {hint !== undefined && <span class="faint tile-hint">{hint}</span>}
      </dd>
    </div>
  );
}

/** The metrics of agents against their targets. */
function Agents() {
  const { sessions, mirror } = opened();
  const step = Math.floor(now.value / STEADY_MS);
  const isStorageCounted = mirror.stats().total <= STORAGE_UP_TO;
  const { value, error, reload } = useLoaded(
    () => sessions.agents.stats({ storage: isStorageCounted }),
    [sessions, step, auditRevision.value],
  );
  return (
    <section class="panel" aria-label="Agents">
      <h2>Agents against their targets</h2>
      {error !== undefined ? (
        <Problem error={error} retry={reload} />
      ) : value === undefined ? (
        <p class="faint loading">Loading</p>
      ) : (
        <AgentTable stats={value} isStorageCounted={isStorageCounted} />
      )}
    </section>
  );
}

function AgentTable({
  stats,
  isStorageCounted,
}: {
  readonly stats: AgentStats;
  readonly isStorageCounted: boolean;
}) {
  const rows: readonly (readonly [string, Metric, (value: number) => string, string?])[] = [
    ["Resume rate", stats.resumeRate, percent],
    ["Resume success rate", stats.resumeSuccessRate, percent],
    ["Median duration", stats.medianDurationMs, duration],
    ["95th percentile of durations", stats.p95DurationMs, duration],
    ["Error rate", stats.errorRate, percent],
    // Adding it up reads all histories.
    ["Storage", stats.storageBytes, bytes, isStorageCounted ? "no data" : "not added up"],
  ];
  return (
    <>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col" class="number">
              Value
            </th>
            <th scope="col" class="number">
              Target
            </th>
            <th scope="col">Met</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, { value, target, wanted, met }, show, missing = "no data"]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{value === null ? missing : show(value)}</td>
              <td class="number">
                {wanted === "above" ? ">" : "<"} {show(target)}
              </td>
              <td>
                {met === null ? (
                  ""
                ) : (
                  <span class={met ? "tag tag-good" : "tag tag-bad"}>{met ? "yes" : "no"}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="faint">
        {counted(stats.total, "agent")}, {count(stats.active)} not final,{" "}
        {stats.createdPerDay.toFixed(1)} created per day, {count(stats.resumed)} of{" "}
        {count(stats.decisions)} decisions were to resume. Last cleanup:{" "}
        {stats.lastCleanup === null ? "none" : <Time at={stats.lastCleanup} inText />}
      </p>
    </>
  );
}

const GROUPS: Readonly<Record<GroupBy, string>> = { mode: "Mode", model: "Model", user: "User" };
/** The filter that selects a group. */
const FILTER_OF: Readonly<Record<GroupBy, string>> = {
  mode: "mode",
  model: "model",
  user: "userId",
};
/** The maximum number of groups that are shown. */
const SHOWN = 20;

function Groups({
  distribution: { groups, groupsOmitted },
  by,
  setBy,
  after,
}: {
  readonly distribution: Distribution;
  readonly by: GroupBy;
  readonly setBy: (by: GroupBy) => void;
  readonly after: string | undefined;
}) {
  return (
    <section class="panel" aria-label="Percentiles">
      <header class="view-head">
        <h2>Durations, costs and tokens</h2>
        <fieldset class="chips">
          <legend class="unseen">Group by</legend>
          {(Object.keys(GROUPS) as GroupBy[]).map((name) => (
            <button
              key={name}
              type="button"
              class="chip"
              aria-pressed={by === name}
              onClick={() => setBy(name)}
            >
              {GROUPS[name]}
            </button>
          ))}
        </fieldset>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by the keyboard. */}
      <section class="table-scroller" aria-label="Durations, costs and tokens" tabIndex={0}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{GROUPS[by]}</th>
              <th scope="col" class="number">
                Sessions
              </th>
              {["Duration", "Cost", "Tokens"].map((measure) => (
                <>
                  <th key={`${measure} median`} scope="col" class="number">
                    {measure}
                    <span class="faint"> p50</span>
                  </th>
                  <th key={`${measure} p95`} scope="col" class="number faint">
                    p95
                  </th>
                </>
              ))}
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <GroupRow
                key={group.name}
                group={group}
                link={
                  group.name === null
                    ? undefined
                    : linkTo(["sessions"], { [FILTER_OF[by]]: group.name, createdAfter: after })
                }
              />
            ))}
          </tbody>
        </table>
      </section>
      {groupsOmitted > 0 && <p class="faint">and {count(groupsOmitted)} more</p>}
    </section>
  );
}

function GroupRow({
  group,
  link,
}: {
  readonly group: GroupDistribution;
  readonly link: string | undefined;
}) {
  const name = <Line text={group.name ?? "(none)"} limit={60} />;
  const cells = (of: Percentiles | null, show: (value: number) => string) => (
    <>
      <td class="number">{of && show(of.median)}</td>
      <td class="number faint">{of && show(of.p95)}</td>
    </>
  );
  return (
    <tr>
      <th scope="row">{link === undefined ? name : <a href={link}>{name}</a>}</th>
      <td class="number">{count(group.sessions)}</td>
      {cells(group.durationMs, duration)}
      {cells(group.cost, cost)}
      {cells(group.tokens, brief)}
    </tr>
  );
}

/** Prevented duplicates and orphaned machines. */
function Others() {
  const { sessions } = opened();
  const day = new Date(now.value).toISOString().slice(0, 10);
  // A week up to today.
  const runs = useLoaded(() => sessions.dedup.stats(), [day, auditRevision.value]);
  const machines = useLoaded(async () => {
    const registered = opened().sessions.machines;
    const [active, orphaned] = await Promise.all([registered.active(), registered.orphans()]);
    return { active: Object.keys(active).length, orphaned: orphaned.length };
  }, [leasesRevision.value]);
  return (
    <>
      <Tile
        name="Prevented duplicates"
        value={runs.value === undefined ? "…" : count(runs.value.duplicatesPrevented)}
        hint={
          runs.value === undefined
            ? ""
            : `of ${counted(runs.value.runs, "run")}, ${counted(runs.value.days.length, "day")}`
        }
        link={linkTo(["runs"])}
      />
      <Tile
        name="Orphaned machines"
        value={machines.value === undefined ? "…" : count(machines.value.orphaned)}
        hint={
          machines.value === undefined
            ? ""
            : `${counted(machines.value.active, "process", "processes")} running`
        }
        link={linkTo(["machines"])}
      />
    </>
  );
}
