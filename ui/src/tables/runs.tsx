/**
 * The runs that block duplicates of themselves, and those that were prevented.
 *
 * @module
 */

import type { AuditRun, LeaseView } from "tenure";
import { now } from "../clock.js";
import { usePages } from "../parts/paged.js";
import { Time } from "../parts/time.js";
import { Line } from "../parts/user-text.js";
import { replaceQuery, route } from "../route.js";
import { auditRevision, leasesRevision, opened } from "../store.js";
import { LEASE_COLUMNS } from "./leases.js";
import { TableBody, TablePage } from "./page.js";

/** The runs. */
export function RunsView() {
  const { sessions } = opened();
  const day = route.value.query.get("date") ?? new Date(now.value).toISOString().slice(0, 10);
  const blocking = usePages<LeaseView>(
    (cursor) =>
      sessions.dedup.list({ ended: true, limit: 200, ...(cursor === undefined ? {} : { cursor }) }),
    [leasesRevision.value],
  );
  const recorded = usePages<AuditRun>(
    (cursor) => sessions.audit.day({ date: day, ...(cursor === undefined ? {} : { cursor }) }),
    [day, auditRevision.value],
  );
  return (
    <TablePage
      title="Runs"
      paged={blocking}
      columns={LEASE_COLUMNS.filter(({ name }) => name !== "Process")}
      keyOf={({ key }) => key}
      none={{
        title: "No run blocks another one",
        next: (
          <>
            <p>A run that is admitted prevents duplicates of itself. This command admits one:</p>
            <pre class="code">
              <code>tenure dedup admit push CI abc123 1</code>
            </pre>
          </>
        ),
      }}
    >
      <div class="more">
        <header class="view-head">
          <h2>Recorded on</h2>
          <input
            type="date"
            aria-label="Day"
            value={day}
            onChange={({ currentTarget: { value } }) =>
              replaceQuery(new URLSearchParams(value === "" ? {} : { date: value }))
            }
          />
        </header>
        <TableBody
          title="Recorded runs"
          paged={recorded}
          keyOf={({ session_key, run_id, timestamp }) => `${session_key} ${run_id} ${timestamp}`}
          none={{ title: "No run was recorded on this day", next: null }}
          columns={[
            {
              name: "Key",
              isWide: true,
              show: ({ session_key }) => (
                <code>
                  <Line text={session_key} limit={120} />
                </code>
              ),
            },
            {
              name: "Outcome",
              show: ({ duplicate_prevented, executed }) => (
                <span class={duplicate_prevented ? "tag tag-good" : "tag"}>
                  {duplicate_prevented ? "duplicate prevented" : executed ? "executed" : "skipped"}
                </span>
              ),
            },
            { name: "Job", show: ({ job_status }) => <Line text={job_status} limit={40} /> },
            { name: "Event", show: ({ event_type }) => <Line text={event_type} limit={40} /> },
            { name: "Workflow", show: ({ workflow }) => <Line text={workflow} limit={60} /> },
            { name: "Run", show: ({ run_id }) => <Line text={run_id} limit={40} /> },
            { name: "Commit", show: ({ commit_sha }) => <code>{commit_sha}</code> },
            { name: "At", isNumber: true, show: ({ timestamp }) => <Time at={timestamp} /> },
          ]}
        />
      </div>
    </TablePage>
  );
}
