/**
 * The audit log.
 *
 * @module
 */

import type { AuditEntry } from "tenure";
import { now } from "../clock.js";
import { JsonTree } from "../parts/json-tree.js";
import { usePages } from "../parts/paged.js";
import { Time } from "../parts/time.js";
import { Line } from "../parts/user-text.js";
import { linkToSession, replaceQuery, route } from "../route.js";
import { withParameter } from "../sessions/query.js";
import { auditRevision, opened } from "../store.js";
import { TablePage } from "./page.js";

const PERIODS: Readonly<Record<string, number | undefined>> = {
  "the last day": 86_400_000,
  "the last 7 days": 7 * 86_400_000,
  "the last 30 days": 30 * 86_400_000,
  "all time": undefined,
};
const DEFAULT_PERIOD = "all time";

/** The audit log, the newest entries first. */
export function AuditView() {
  const { sessions, mirror } = opened();
  const { query } = route.value;
  const kind = query.get("kind") ?? "";
  const subject = query.get("subject") ?? "";
  const period = query.get("period") ?? DEFAULT_PERIOD;
  const paged = usePages<AuditEntry>(
    (cursor) => {
      const ms = PERIODS[period];
      return sessions.audit.entries({
        order: "desc",
        limit: 200,
        ...(kind === "" ? {} : { kind }),
        ...(subject === "" ? {} : { subject }),
        ...(ms === undefined ? {} : { after: new Date(now.peek() - ms).toISOString() }),
        ...(cursor === undefined ? {} : { cursor }),
      });
    },
    [kind, subject, period, auditRevision.value],
  );
  const set = (name: string, value: string): void =>
    replaceQuery(withParameter(query, name, value));
  return (
    <TablePage
      title="Audit"
      paged={paged}
      keyOf={(entry) => JSON.stringify(entry)}
      tools={
        <div class="tools">
          <select
            aria-label="Period"
            value={period}
            onChange={({ currentTarget }) => set("period", currentTarget.value)}
          >
            {Object.keys(PERIODS).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <input
            type="search"
            aria-label="Kind"
            placeholder="Kind"
            value={kind}
            onChange={({ currentTarget }) => set("kind", currentTarget.value)}
          />
          <input
            type="search"
            aria-label="Subject"
            placeholder="Id or key"
            value={subject}
            onChange={({ currentTarget }) => set("subject", currentTarget.value)}
          />
        </div>
      }
      none={{
        title: "The audit log has no such entries",
        next: (
          <p>
            Decisions to resume agents, approvals, replacements, runs and removals are recorded
            here.
          </p>
        ),
      }}
      columns={[
        { name: "At", show: ({ at }) => <Time at={at} /> },
        { name: "Kind", show: ({ kind }) => <code>{kind}</code> },
        {
          name: "Subject",
          show: ({ subject }) =>
            subject !== null && <Subject of={subject} isSession={has(mirror, subject)} />,
        },
        { name: "Data", isWide: true, show: ({ data }) => <JsonTree value={ownData(data)} /> },
      ]}
    />
  );
}

/** The data without what the other columns show. */
function ownData({ kind: _, time: __, subject: ___, ...data }: AuditEntry["data"]) {
  return data;
}

function Subject({ of, isSession }: { readonly of: string; readonly isSession: boolean }) {
  const text = <Line text={of} limit={80} />;
  return isSession ? <a href={linkToSession(of)}>{text}</a> : <code>{text}</code>;
}

function has(mirror: { get(id: string): unknown }, subject: string): boolean {
  try {
    return mirror.get(subject) !== null;
  } catch {
    // The key of a run or a lease is no id of a session.
    return false;
  }
}
