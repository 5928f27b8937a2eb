// A bot in TypeScript that deploys services one by one, and asks a person before production. Its context
// and its events have types, one process at a time works on its session, and a deployment that a crash has
// cut off is looked up instead of being repeated.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { type HeldSession, isTenureError, open } from "tenure";

/** What the bot remembers between its runs. */
interface State {
  services: readonly string[];
}

/** A deployment of a service. */
interface Deployment {
  service: string;
  to: "staging" | "production";
}

interface Types {
  context: State;
  events: { deployed: Deployment };
}

const given = process.argv.slice(2);
const log = process.env.DEPLOY_LOG ?? "deployments.log";

await using sessions = await open<Types>(process.env.TENURE_STORE ?? "sqlite:./.tenure/tenure.db");
const unfinished = ["initializing", "planning", "approval", "executing"] as const;
const { id } =
  (await sessions.latest({ mode: "deployer", phase: unfinished })) ??
  (await sessions.agents.create({ agentName: "deployer", purpose: given.join(" ") }));

const held = await sessions.hold(id);
if (held === null) {
  console.log(`another process works on ${id}`);
} else {
  try {
    await work(held);
  } catch (error) {
    // Another process has the session now, and goes on from what is stored.
    if (!isTenureError(error, "LEASE_LOST")) throw error;
    console.log(error.message);
  } finally {
    await held.release();
  }
}

async function work(held: HeldSession<Types>): Promise<void> {
  const agent = await held.agents.get(id);
  const known = await held.context(id);
  if (agent?.approval?.state === "pending") return ask();
  const services = known?.context.services ?? given;
  for (const { callId, args } of known?.unfinishedToolCalls ?? []) {
    await settle(held, callId, args as Deployment);
  }
  const done = new Set<string>();
  for await (const event of held.events(id, { type: "deployed" })) {
    if (event.type === "deployed") done.add(nameOf(event.data));
  }
  if (agent?.approval?.state !== "approved") {
    await held.updateContext(id, { services });
    await held.agents.update(id, { phase: "planning" });
    if (!(await deployAll(held, services, "staging", done))) return;
    await held.agents.requestApproval(id, { reason: `Deploy ${services.join(", ")}?` });
    return ask();
  }
  await held.agents.update(id, { phase: "executing" });
  if (!(await deployAll(held, services, "production", done))) return;
  await held.complete(id, `${services.length} deployed`, { resultData: { deployed: services } });
  console.log(`deployed ${services.join(", ")}`);
}

function ask(): void {
  console.log(`waits for: tenure agent approve ${id} --by NAME`);
}

/** Deploys what is not deployed yet. Returns whether the session may go on. */
async function deployAll(
  held: HeldSession<Types>,
  services: readonly string[],
  to: Deployment["to"],
  done: ReadonlySet<string>,
): Promise<boolean> {
  for (const service of services) {
    const deployment = { service, to };
    if (done.has(nameOf(deployment))) continue;
    const { callId } = await held.startToolCall(id, "deploy", deployment);
    held.lost.throwIfAborted();
    appendFileSync(log, `${nameOf(deployment)}\n`);
    if (process.env.CRASH_AT === nameOf(deployment)) process.kill(process.pid, "SIGKILL");
    await held.finishToolCall(id, callId, { ok: true });
    await held.addEvent(id, "deployed", deployment);
    const { status } = await held.incrementIteration(id, deployment);
    if (status !== "active") return false;
  }
  return true;
}

/** Looks up whether a deployment was carried out that a crash has cut off. */
async function settle(held: HeldSession<Types>, callId: string, call: Deployment): Promise<void> {
  const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
  const ok = lines.includes(nameOf(call));
  console.log(`${nameOf(call)} was ${ok ? "carried out" : "not carried out"} before the crash`);
  await held.finishToolCall(id, callId, { ok });
  if (ok) await held.addEvent(id, "deployed", call);
}

function nameOf({ service, to }: Deployment): string {
  return `${service} to ${to}`;
}
