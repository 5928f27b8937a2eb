/**
 * The leases of the store.
 *
 * @module
 */

import type { LeaseState, LeaseView } from "tenure";
import { count } from "../format.js";
import { usePages } from "../parts/paged.js";
import type { Column } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { Line } from "../parts/user-text.js";
import { replaceQuery, route } from "../route.js";
import { withParameter } from "../sessions/query.js";
import { leasesRevision, opened } from "../store.js";
import { TablePage } from "./page.js";

/** The columns of a lease. */
export const LEASE_COLUMNS: readonly Column<LeaseView>[] = [
  {
    name: "Key",
    isWide: true,
    show: ({ key }) => (
      <code>
        <Line text={key} limit={120} />
      </code>
    ),
  },
  { name: "State", show: ({ state }) => <span class={`tag lease-${state}`}>{state}</span> },
  { name: "Holder", show: ({ holder }) => <Line text={holder} limit={60} /> },
  {
    name: "Process",
    show: ({ process }) =>
      process && (
        <Line text={[process.hostname, process.pid].filter(Boolean).join(" · ")} limit={60} />
      ),
  },
  { name: "Acquired", isNumber: true, show: ({ acquiredAt }) => <Time at={acquiredAt} /> },
  { name: "Renewed", isNumber: true, show: ({ renewedAt }) => <Time at={renewedAt} /> },
  {
    name: "Expires",
    isNumber: true,
    show: ({ expiresAt }) => (expiresAt === null ? "never" : <Time at={expiresAt} />),
  },
  { name: "Token", isNumber: true, show: ({ token }) => count(token) },
];

/** The leases. */
export function LeasesView() {
  const { sessions } = opened();
  const { query } = route.value;
  const prefix = query.get("prefix") ?? "";
  const state = query.get("state") ?? "";
  const paged = usePages<LeaseView>(
    async (cursor) =>
      sessions.leases.list({
        limit: 200,
        ...(prefix === "" ? {} : { prefix }),
        // The core says which states there are.
        ...(state === "" ? {} : { state: state as LeaseState }),
        ...(cursor === undefined ? {} : { cursor }),
      }),
    [prefix, state, leasesRevision.value],
  );
  const set = (name: string, value: string): void =>
    replaceQuery(withParameter(query, name, value));
  return (
    <TablePage
      title="Leases"
      paged={paged}
      columns={LEASE_COLUMNS}
      keyOf={({ key }) => key}
      tools={
        <div class="tools">
          <input
            type="search"
            aria-label="Beginning of the key"
            placeholder="Beginning of the key"
            value={prefix}
            onChange={({ currentTarget }) => set("prefix", currentTarget.value)}
          />
          <select
            aria-label="State"
            value={state}
            onChange={({ currentTarget }) => set("state", currentTarget.value)}
          >
            <option value="">Any state</option>
            <option value="held">held</option>
            <option value="stale">stale</option>
            <option value="released">released</option>
          </select>
        </div>
      }
      none={{
        title: "There are no leases",
        next: (
          <>
            <p>A lease is an exclusive claim on a key that expires. This line acquires one:</p>
            <pre class="code">
              <code>{`await sessions.leases.acquire("deploy:prod", { holder: "ci-7" });`}</code>
            </pre>
          </>
        ),
      }}
    />
  );
}
