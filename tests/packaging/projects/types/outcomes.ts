// Results whose outcome tells which properties they have. Compiled, never run.

import type {
  AuditEntry,
  Change,
  HookReply,
  LeaseView,
  ModelChange,
  ReplaceReason,
  SessionEvent,
  SessionHead,
  Sessions,
  SessionsSync,
  SlotAnswer,
  SlotStart,
} from "tenure";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T => true as T;

export function starts(start: SlotStart): SessionHead | undefined {
  // Before the outcome is known, there may be any property.
  is<Same<typeof start.replaced, SessionHead | undefined>>();
  is<Same<typeof start.change, ModelChange | undefined>>();
  switch (start.outcome) {
    case "created":
      is<Same<typeof start.warning, undefined>>();
      return start.session;
    case "existing":
      if (start.finished) is<Same<typeof start.code, "SAME_MODEL_FINISHED">>();
      return start.session;
    case "needs_confirmation":
      is<Same<typeof start.warning, string>>();
      if (start.code === "MODEL_CHANGED") is<Same<typeof start.change, "major">>();
      return start.session;
    case "replaced":
      is<Same<typeof start.reason, ReplaceReason>>();
      return start.replaced;
    case "busy":
      // @ts-expect-error: it may not be known which session is in the slot
      start.session.id;
      return start.session;
    case "rejected":
      return start.session;
  }
}

export function answers(answer: SlotAnswer): string {
  if (answer.outcome === "failed") return answer.problem;
  // @ts-expect-error: it has not failed
  answer.problem;
  return answer.message;
}

export async function leases(sessions: Sessions, sync: SessionsSync): Promise<void> {
  const acquired = await sessions.leases.acquire("k");
  is<Same<typeof acquired.outcome, "acquired" | "renewed" | "held">>();
  is<Same<typeof acquired.lease, LeaseView>>();
  const renewed = sync.leases.renew("k", { token: 1 });
  if (renewed.outcome === "renewed") renewed.lease.expiresAt;
  // @ts-expect-error: a lost lease may be unknown
  if (renewed.outcome === "lost") renewed.lease.expiresAt;
  is<
    Same<ReturnType<typeof sync.leases.release>["outcome"], "released" | "not_owner" | "not_held">
  >();
  is<Same<ReturnType<typeof sync.leases.transfer>["outcome"], "transferred" | "lost">>();
}

export function changes(change: Change): string | undefined {
  // Before the kind is known, there may be any property.
  is<Same<typeof change.session, SessionHead | undefined>>();
  is<Same<typeof change.lease, LeaseView | undefined>>();
  const { position, id, events } = change;
  is<Same<typeof events, SessionEvent[] | undefined>>();
  switch (change.kind) {
    case "lease":
      is<Same<typeof change.lease, LeaseView | undefined>>();
      is<Same<typeof change.session, undefined>>();
      return change.lease?.key;
    case "audit":
      is<Same<typeof change.audit, AuditEntry | undefined>>();
      is<Same<typeof change.lease, undefined>>();
      return change.audit?.kind;
    case "deleted":
      is<Same<typeof change.session, undefined>>();
      is<Same<typeof change.events, undefined>>();
      return `${position} ${id}`;
    default:
      is<Same<typeof change.kind, "created" | "updated" | "trashed" | "restored">>();
      is<Same<typeof change.audit, undefined>>();
      is<Same<typeof change.nextAfter, number | undefined>>();
      return change.session?.status;
  }
}

export async function watched(sessions: Sessions<{ context: { n: number } }>): Promise<void> {
  for await (const change of sessions.watch()) {
    if (change.kind !== "updated") continue;
    // @ts-expect-error: the session may be gone
    change.session.context.n;
    const { n } = change.session?.context ?? {};
    is<Same<typeof n, number | undefined>>();
  }
}

export function runs({ dedup }: SessionsSync): void {
  const run = { eventType: "push", workflow: "ci", runId: "1" };
  const decision = dedup.admit(run);
  if (decision.skip) {
    is<Same<typeof decision.holder, string>>();
    is<Same<typeof decision.reason, "active_session" | "pull_request_lock" | "push_lock">>();
  } else {
    is<Same<typeof decision.holder, undefined>>();
  }
  if (decision.reason === "active_session") is<Same<typeof decision.skip, true>>();
  is<Same<ReturnType<typeof dedup.cleanup>["outcome"], "released" | "not_owner" | "not_held">>();
}

export function decisions({ agents }: SessionsSync): void {
  const decision = agents.shouldResume("a");
  if (decision.resume) is<Same<typeof decision.reason, "resumable">>();
  // @ts-expect-error: a reason to resume is none not to
  if (!decision.resume && decision.reason === "resumable") return;
}

export function hooks({ agents }: SessionsSync, input: string): string | undefined {
  const { output } = agents.hooks.preDelegate(input);
  is<Same<typeof output.should_resume, boolean | undefined>>();
  if (output.should_resume) {
    is<Same<typeof output.agent_id, string>>();
    return output.resume_metadata.previous_phase ?? output.details.message;
  }
  // @ts-expect-error: there is nothing to resume
  output.resume_metadata.history;
  const stopped = agents.hooks.subagentStop(input);
  if (stopped.output.finalized) {
    is<Same<typeof stopped.output.outcome, "completed" | "failed">>();
  }
  const shown: HookReply = agents.hooks.event(input);
  is<Same<typeof shown.exitCode, number>>();
  const { output: answer } = agents.hooks.event(input);
  return answer.hookSpecificOutput?.additionalContext ?? answer.systemMessage;
}
