/**
 * Agents: sessions that have a phase, and can be asked whether to resume them. Each method gives its
 * arguments the shape that the operation takes; the phases and the decisions are the core's.
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
  HookPreDelegateParams,
  HookReply,
  RequestApprovalParams,
  ResumeDecision,
  SessionHead,
  ShouldResumeParams,
} from "../generated.js";
import type { Accepts } from "../values/params.js";
import { SessionList, SessionPageSync } from "./list.js";

/** Which agents to list, and how many to a page. */
export type AgentListOptions = Accepts<AgentListParams>;

/** When an agent is too far gone to be resumed. */
export type ResumePolicy = Accepts<Omit<ShouldResumeParams, "id">>;

/** Which agents are cleaned up. */
export type AgentCleanupOptions = Accepts<Omit<AgentCleanupParams, "maxIdle">> & {
  /** Those that have been idle for this many hours; 24 by default. */
  readonly hours?: number | undefined;
};

/** The operations on agents, in either mode. */
abstract class AgentOperations<M extends Mode> {
  /** What runs before and after an agent that another one hands work to. */
  readonly hooks: AgentHooks<M>;
  /** @internal */
  protected readonly ask: Ask<M>;

  /** @internal */
  constructor(ask: Ask<M>) {
    this.ask = ask;
    this.hooks = new AgentHooks(ask);
  }

  /**
   * Creates an agent, in the phase `initializing`. Its name is the session's `mode`, its purpose the
   * session's `task`.
   */
  create(params: Accepts<AgentCreateParams>): Returns<M, SessionHead> {
    return this.ask("agentCreate", () => params);
  }

  /**
   * Takes down what an agent says of itself, which counts as activity: its phase, members to merge
   * into its metadata, an error. A final phase ends its work. `null` for an unknown id.
   */
  update(
    id: string,
    patch: Accepts<Omit<AgentUpdateParams, "id">>,
  ): Returns<M, SessionHead | null> {
    return this.ask("agentUpdate", () => ({ ...patch, id }));
  }

  /** Whether an agent should be resumed, and why, or why not. */
  shouldResume(id: string, policy?: ResumePolicy): Returns<M, ResumeDecision> {
    return this.ask("shouldResume", () => ({ ...policy, id }));
  }

  /** An agent as it stands, with the phases that it came through; `null` for an unknown id. */
  get(id: string): Returns<M, AgentState | null> {
    return this.ask("agentGet", () => ({ id }));
  }

  /**
   * Ends an agent's work; `null` for an unknown id. To end it again in the same way only fills in a
   * summary that is missing.
   */
  finalize(
    id: string,
    outcome: AgentFinalizeParams["outcome"],
    options?: Accepts<Omit<AgentFinalizeParams, "id" | "outcome">>,
  ): Returns<M, SessionHead | null> {
    return this.ask("agentFinalize", () => ({ ...options, id, outcome }));
  }

  /** Asks for somebody's approval: the agent is paused in the phase `approval`. */
  requestApproval(
    id: string,
    options?: Accepts<Omit<RequestApprovalParams, "id">>,
  ): Returns<M, SessionHead> {
    return this.ask("requestApproval", () => ({ ...options, id }));
  }

  /** Approves what an agent waits for, and resumes it. */
  approve(id: string, options?: Accepts<Omit<ApprovalParams, "id">>): Returns<M, SessionHead> {
    return this.ask("approve", () => ({ ...options, id }));
  }

  /** Denies what an agent waits for, which ends its work as `abandoned`. */
  deny(id: string, options?: Accepts<Omit<ApprovalParams, "id">>): Returns<M, SessionHead> {
    return this.ask("deny", () => ({ ...options, id }));
  }

  /** Puts agents that have been idle too long into the trash; unfinished ones are `abandoned`. */
  cleanup({ hours, ...options }: AgentCleanupOptions = {}): Returns<M, CleanupResult> {
    const maxIdle = hours === undefined ? undefined : `${hours}h`;
    return this.ask("agentCleanup", () => ({ ...options, maxIdle }));
  }

  /**
   * How agents have done, beside what they should keep to. It reads their histories, to say how much
   * they fill, unless `storage` is `false`.
   */
  stats(options?: Accepts<AgentStatsParams>): Returns<M, AgentStats> {
    return this.ask("agentStats", () => ({ ...options }));
  }
}

/** What runs before and after an agent, as its host's hooks. */
export class AgentHooks<M extends Mode> {
  readonly #ask: Ask<M>;

  /** @internal */
  constructor(ask: Ask<M>) {
    this.#ask = ask;
  }

  /**
   * Before work is handed to an agent: whether there is a session to resume. `input` is what the hook
   * is given, as text or as what the text says; `output` of the reply is what it prints.
   */
  preDelegate(
    input: string | object,
    policy?: Accepts<Omit<HookPreDelegateParams, "input">>,
  ): Returns<M, HookReply> {
    return this.#ask("hookPreDelegate", () => ({ ...policy, input: textOf(input) }));
  }

  /** After an agent has stopped: ends its session by its exit code. */
  subagentStop(input: string | object): Returns<M, HookReply> {
    return this.#ask("hookSubagentStop", () => ({ input: textOf(input) }));
  }
}

/** The agents of a store. */
export class Agents extends AgentOperations<"async"> {
  /**
   * The agents that are meant, newest first. `await` gives a page of them (`limit`, 50 by default);
   * `for await` gives them all, page by page.
   */
  list(options: AgentListOptions = {}): SessionList<AgentListOptions> {
    return new SessionList({ ...options }, (page) => this.ask("agentList", () => page));
  }
}

/** The agents of a store that answers at once. */
export class AgentsSync extends AgentOperations<"sync"> {
  /**
   * A page of the agents that are meant, newest first (`limit`, 50 by default); to iterate over it
   * goes on through all pages that follow.
   */
  list(options: AgentListOptions = {}): SessionPageSync<AgentListOptions> {
    return new SessionPageSync({ ...options }, (page) => this.ask("agentList", () => page));
  }
}

function textOf(input: string | object): string {
  return typeof input === "string" ? input : encode("input", input);
}
