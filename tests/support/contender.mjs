// A process that owns a virtual machine and acquires a lease on request of its parent. It renews
// the lease continuously, so that it is killed during a call.

import { getSessionManager, openSync } from "tenure";
import { contend } from "./contending.mjs";

const [vmId] = process.argv.slice(2);
const manager = getSessionManager();
const registered = manager.registerVmSync(vmId, "zone", ["test"]);
const { leases } = openSync("registry:");
const key = "prize";
let token;

const answers = {
  acquire() {
    const { outcome, lease } = leases.acquire(key);
    if (outcome === "acquired") {
      token = lease.token;
      setImmediate(renew);
    }
    return { outcome, token: lease.token, holder: lease.holder };
  },
  release() {
    const { outcome } = leases.release(key, { token });
    token = undefined;
    return { outcome };
  },
};

function renew() {
  if (token === undefined) return;
  const { outcome } = leases.renew(key, { token, data: { at: performance.now() } });
  if (outcome !== "renewed") throw new Error(`${vmId} lost the lease that it had not given back`);
  setImmediate(renew);
}

contend(answers, { vmId, registered, sessionId: manager.sessionId });
