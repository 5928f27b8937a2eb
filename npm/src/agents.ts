/**
 * Agents: sessions that have a phase, and can be asked whether to resume them. Each method gives its
 * arguments the shape that the operation takes; the phases and the decisions are the core's.
 *
 * @module
 */

import type {
  AgentCreateParams,
  AgentFinalizeParams,
  AgentListParams,
  AgentState,
  AgentUpdateParams,
  ApprovalParams,
  RequestApprovalParams,
  ResumeDecision,
  SessionHead,
  ShouldResumeParams,
} from "./generated.js";
import { SessionList, SessionPageSync } from "./list.js";
import type { Ask, Mode, Returns } from "./operations.js";
import type { Accepts } from "./types.js";

/** Which agents to list, and how many to a page. */
export type AgentListOptions = Accepts<AgentListParams>;

/** When an agent is too far gone to be resumed. */
export type ResumePolicy = Accepts<Omit<ShouldResumeParams, "id">>;

/** The operations on agents, in either mode. */
abstract class AgentOperations<M extends Mode> {
  /** @internal */
  protected readonly ask: Ask<M>;

  /** @internal */
  constructor(ask: Ask<M>) {
    this.ask = ask;
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
