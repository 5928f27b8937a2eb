/**
 * The registered processes, the virtual machines that they own, and those that nobody owns.
 *
 * @module
 */

import type { ActiveSession, VmView } from "tenure";
import { count } from "../format.js";
import { usePages } from "../parts/paged.js";
import { Time } from "../parts/time.js";
import { Line } from "../parts/user-text.js";
import { leasesRevision, opened } from "../store.js";
import { TableBody, TablePage } from "./page.js";

/** The number of processes and of machines that are shown. */
const MOST = 1000;

/** The machines. */
export function MachinesView() {
  const { machines } = opened().sessions;
  const active = usePages<ActiveSession>(
    async () => ({ items: Object.values(await machines.active({ limit: MOST })) }),
    [leasesRevision.value],
  );
  const orphaned = usePages<VmView>(
    async () => ({ items: await machines.orphans({ limit: MOST }) }),
    [leasesRevision.value],
  );
  return (
    <TablePage
      title="Machines"
      paged={active}
      keyOf={({ sessionId }) => sessionId}
      none={{
        title: "No process is registered",
        next: (
          <>
            <p>A process that owns a virtual machine registers it:</p>
            <pre class="code">
              <code>{`await getSessionManager().registerVm("vm-1", "europe-west1-b", ["api"]);`}</code>
            </pre>
          </>
        ),
      }}
      columns={[
        {
          name: "Process",
          show: ({ hostname, pid, sessionId }) => (
            <Line text={[hostname, pid].filter(Boolean).join(" · ") || sessionId} limit={80} />
          ),
        },
        {
          name: "Machine",
          show: ({ vm }) => (vm ? <Line text={vm.vmId} limit={80} /> : "no VM"),
        },
        { name: "Zone", show: ({ vm }) => vm && <Line text={vm.zone} limit={60} /> },
        {
          name: "Components",
          isWide: true,
          show: ({ vm }) => vm && <Line text={vm.components.join(", ")} />,
        },
        { name: "Registered", isNumber: true, show: ({ createdAt }) => <Time at={createdAt} /> },
      ]}
    >
      <div class="more">
        <header class="view-head">
          <h2>Orphaned machines</h2>
        </header>
        <TableBody
          title="Orphaned machines"
          paged={orphaned}
          keyOf={({ vmId }) => vmId}
          none={{ title: "No machine is orphaned", next: null }}
          columns={[
            { name: "Machine", show: ({ vmId }) => <Line text={vmId} limit={80} /> },
            { name: "Status", show: ({ status }) => <span class="tag tag-bad">{status}</span> },
            { name: "Zone", show: ({ zone }) => <Line text={zone} limit={60} /> },
            { name: "Last owner", isWide: true, show: ({ holder }) => <Line text={holder} /> },
            {
              name: "Registered",
              isNumber: true,
              show: ({ registeredAt }) => <Time at={registeredAt} />,
            },
            { name: "Token", isNumber: true, show: ({ token }) => count(token) },
          ]}
        />
      </div>
    </TablePage>
  );
}
