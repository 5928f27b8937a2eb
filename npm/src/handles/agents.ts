/**
 * Agents: sessions that have a phase, with a decision on whether to resume them. Each method builds
 * the parameters of its operation; the core implements the phases and the decisions.
 *
 * @module
 */

import type { Ask, Mode, Returns } from "../connection/call.js";
import { encode } from "../connection/encode.js";
import type {
  AgentCleanupParams,
  AgentCreateParams,
  AgentFinalizeParams,
  AgentListParams,
  AgentState,
  AgentStats,
  AgentStatsParams,
  AgentUpdateParams,
  ApprovalParams,
  CleanupResult,
  HookEventParams,
  HookPreDelegateParams,
  HookSubagentStopParams,
  RequestApprovalParams,
  ShouldResumeParams,
} from "../generated.js";
import { checkArguments, mayTake, takes, thrown } from "../values/arguments.js";
import { invalidArgument } from "../values/error.js";
import { copyOf, described, withOptions } from "../values/options.js";
import type {
  HookReply,
  HostOutput,
  PreDelegateOutput,
  ResumeDecision,
  SubagentStopOutput,
} from "../values/outcomes.js";
import type { Accepts } from "../values/params.js";
import type { AgentTypes, SessionHead, SessionTypes } from "../values/session-types.js";
import { SessionList, SessionPageSync } from "./list.js";
import { OperationGroup } from "./operation-group.js";

/** Filter and paging of a list of agents. */
export type AgentListOptions = Accepts<AgentListParams>;

/** The conditions under which an agent is not resumable. */
export type ResumePolicy = Accepts<Omit<ShouldResumeParams, "id">>;

/** Options of the cleanup of agents. */
export type AgentCleanupOptions = Accepts<Omit<AgentCleanupParams, "maxIdle">> & {
  /** The idle time in hours; 24 by default. */
  readonly hours?: number | undefined;
};

const LIST = { list: mayTake("options", 0, "{ activeOnly, agentName }", 1) };

/** The operations on agents, in either mode. */
abstract class AgentOperations<M extends Mode, T extends SessionTypes> extends OperationGroup<
  M,
  AgentTypes<T>
> {
  static {
    checkArguments<AgentOperations<Mode, SessionTypes>>(AgentOperations, AgentOperations.refuse, {
      create: takes("params", 0, "{ agentName, purpose }"),
      update: takes("patch", 1, "{ phase, metadata }"),
      shouldResume: mayTake("policy", 1, "{ idle, maxErrors }"),
      finalize: mayTake("options", 2, "{ summary }"),
      requestApproval: mayTake("options", 1, "{ reason }"),
      approve: mayTake("options", 1, "{ by, reason }"),
      deny: mayTake("options", 1, "{ by, reason }"),
      cleanup: mayTake("options", 0, "{ hours }"),
      stats: mayTake("options", 0, "{ agentName, within }"),
    });
  }

  /** Hooks that run before and after a delegated agent. */
  readonly hooks: AgentHooks<M>;

  /** @internal */
  constructor(ask: Ask<M, T>) {
    super(ask as Ask<M, AgentTypes<T>>);
    this.hooks = new AgentHooks(ask as Ask<M>);
  }

  /**
   * Creates an agent, in the phase `initializing`. Its name is the session's `mode`, its purpose the
   * session's `task`.
   */
  create(params: Accepts<AgentCreateParams>): Returns<M, SessionHead<AgentTypes<T>>> {
    return this.ask("agentCreate", () => params);
  }

  /**
   * Records an update of an agent, which counts as activity: its phase, properties to merge into
   * its metadata, an error. A final phase finishes the agent. `null` for an unknown id.
   */
  update(
    id: string,
    patch: Accepts<Omit<AgentUpdateParams, "id">>,
  ): Returns<M, SessionHead<AgentTypes<T>> | null> {
    return this.ask("agentUpdate", () => withOptions(patch, { id }));
  }

  /** Decides whether an agent should be resumed, with the reason. */
  shouldResume(id: string, policy?: ResumePolicy): Returns<M, ResumeDecision> {
    return this.ask("shouldResume", () => withOptions(policy, { id }));
  }

  /** Returns the state of an agent with its phase changes; `null` for an unknown id. */
  get(id: string): Returns<M, AgentState | null> {
    return this.ask("agentGet", () => ({ id }));
  }

  /**
   * Finishes an agent; `null` for an unknown id. Finishing it again with the same outcome only adds
   * a missing summary.
   */
  finalize(
    id: string,
    outcome: AgentFinalizeParams["outcome"],
    options?: Accepts<Omit<AgentFinalizeParams, "id" | "outcome">>,
  ): Returns<M, SessionHead<AgentTypes<T>> | null> {
    return this.ask("agentFinalize", () => withOptions(options, { id, outcome }));
  }

  /**
   * Requests an approval: pauses the agent in the phase `approval`. Until a person has decided, it is
   * neither resumed nor in another phase.
   */
  requestApproval(
    id: string,
    options?: Accepts<Omit<RequestApprovalParams, "id">>,
  ): Returns<M, SessionHead<AgentTypes<T>>> {
    return this.ask("requestApproval", () => withOptions(options, { id }));
  }

  /** Approves the agent's request, and resumes it. A decision is final. */
  approve(
    id: string,
    options?: Accepts<Omit<ApprovalParams, "id">>,
  ): Returns<M, SessionHead<AgentTypes<T>>> {
    return this.ask("approve", () => withOptions(options, { id }));
  }

  /** Denies the agent's request, which finishes it as `abandoned`. A decision is final. */
  deny(
    id: string,
    options?: Accepts<Omit<ApprovalParams, "id">>,
  ): Returns<M, SessionHead<AgentTypes<T>>> {
    return this.ask("deny", () => withOptions(options, { id }));
  }

  /**
   * Moves idle agents to the trash; unfinished ones become `abandoned`. Deletes those that have been
   * in the trash for `purgeAfter`, 7 days by default.
   */
  cleanup(options?: AgentCleanupOptions): Returns<M, CleanupResult> {
    return this.ask("agentCleanup", () => {
      const { hours, ...rest } = withOptions(options, {});
      if ("maxIdle" in rest) throw invalidArgument("maxIdle", "expected `hours` in its place");
      if (hours === undefined) return rest;
      if (typeof hours !== "number" || !(hours >= 0)) {
        throw invalidArgument("hours", "expected a number that is not negative");
      }
      return withOptions(rest, { maxIdle: `${hours}h` });
    });
  }

  /**
   * Returns the metrics of agents against their targets. It reads their histories to measure the
   * storage, unless `storage` is `false`.
   */
  stats(options?: Accepts<AgentStatsParams>): Returns<M, AgentStats> {
    return this.ask("agentStats", () => options ?? {});
  }
}

/** The hooks of an agent host: they run before and after an agent. */
export class AgentHooks<M extends Mode> extends OperationGroup<M> {
  static {
    checkArguments<AgentHooks<Mode>>(AgentHooks, AgentHooks.refuse, {
      preDelegate: mayTake("policy", 1, "{ idle, maxErrors }"),
      event: mayTake("options", 1, "{ idle, maxErrors }"),
      subagentStop: mayTake("options", 1, "{ finalize }"),
    });
  }

  /**
   * Runs before work is delegated to an agent: decides whether a session should be resumed. `input`
   * is the hook's input as JSON text or as an object; `output` of the reply is what the hook
   * prints.
   */
  preDelegate(
    input: string | object,
    policy?: Accepts<Omit<HookPreDelegateParams, "input">>,
  ): Returns<M, HookReply<PreDelegateOutput | HostOutput>> {
    return this.ask("hookPreDelegate", () => withOptions(policy, { input: textOf(input) }));
  }

  /**
   * Runs at an event of a host that names it, such as Claude Code: `input` is what the host passes to
   * its hook. The conversation and its agents have sessions of their own.
   */
  event(
    input: string | object,
    options?: Accepts<Omit<HookEventParams, "input">>,
  ): Returns<M, HookReply<HostOutput>> {
    return this.ask("hookEvent", () => withOptions(options, { input: textOf(input) }));
  }

  /**
   * Runs after an agent stopped: finishes its session by its exit code. Without an error, a session
   * that is paused or can be resumed stays as it is, unless `finalize` is `"always"`.
   */
  subagentStop(
    input: string | object,
    options?: Accepts<Omit<HookSubagentStopParams, "input">>,
  ): Returns<M, HookReply<SubagentStopOutput | HostOutput>> {
    return this.ask("hookSubagentStop", () => withOptions(options, { input: textOf(input) }));
  }
}

/** The agents of a store. */
export class Agents<T extends SessionTypes = SessionTypes> extends AgentOperations<"async", T> {
  static {
    checkArguments(Agents, thrown, LIST);
  }

  /**
   * Lists the matching agents, newest first. `await` returns a page (`limit`, 50 by default);
   * `for await` iterates over all agents, page by page.
   */
  list(options: AgentListOptions = {}): SessionList<AgentListOptions, AgentTypes<T>> {
    return new SessionList(copyOf(options), (page) => this.ask("agentList", () => page));
  }
}

/** The agents of a synchronous store. */
export class AgentsSync<T extends SessionTypes = SessionTypes> extends AgentOperations<"sync", T> {
  static {
    checkArguments(AgentsSync, thrown, LIST);
  }

  /**
   * Lists the matching agents, newest first: returns a page (`limit`, 50 by default). Iterating
   * over it continues through all following pages.
   */
  list(options: AgentListOptions = {}): SessionPageSync<AgentListOptions, AgentTypes<T>> {
    return new SessionPageSync(copyOf(options), (page) => this.ask("agentList", () => page));
  }
}

/** The input of a hook as JSON text. */
function textOf(input: unknown): string {
  if (typeof input === "string") return input;
  if (typeof input !== "object" || input === null) {
    const problem = `expected what the host passes, as JSON text or an object, got ${described(input)}`;
    throw invalidArgument("input", problem);
  }
  return encode("input", input);
}
