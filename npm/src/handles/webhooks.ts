/**
 * The webhooks of a store: its endpoints, and the deliveries to them. Each method builds the parameters of
 * its operation; the core decides.
 *
 * @module
 */

import type { Ask, Mode, Returns } from "../connection/call.js";
import type {
  WebhookAdded,
  WebhookAddParams,
  WebhookEndpoint,
  WebhookEndpoints,
  WebhookFailedParams,
  WebhookFailures,
  WebhookListParams,
  WebhookRedelivered,
  WebhookRedeliverParams,
  WebhookRemoved,
  WebhookTested,
  WebhookUpdateParams,
} from "../generated.js";
import type { Delivered, DeliverOptions } from "../jobs/deliver.js";
import { checkArguments, mayTake, takes } from "../values/arguments.js";
import type { Accepts } from "../values/params.js";
import type { SessionTypes } from "../values/session-types.js";
import { OperationGroup } from "./operation-group.js";

/** Runs the jobs of a handle. */
export interface WebhookJobs {
  /** Delivers what is due, and ends. */
  deliver(params: DeliverOptions & { readonly endpoint?: string | undefined }): Promise<Delivered>;
  /** Posts an example to an endpoint. */
  test(id: string, options: Pick<DeliverOptions, "allowPrivate">): Promise<WebhookTested | null>;
}

/** The new secret of an endpoint. */
export interface RotateOptions {
  /** The secret; by default one is made, and returned. */
  readonly secret?: string | undefined;
  /** How long the former one signs, too: a duration such as `"24h"` (the default), or milliseconds. */
  readonly keepFor?: string | number | undefined;
}

/** The webhooks of a store. */
export class Webhooks<M extends Mode, T extends SessionTypes = SessionTypes> extends OperationGroup<
  M,
  T
> {
  static {
    checkArguments<Webhooks<Mode>>(Webhooks, Webhooks.refuse, {
      add: takes("params", 0, "{ url }"),
      list: mayTake("options", 0, "{ id }"),
      update: takes("changes", 1, "{ enabled: true }"),
      rotate: mayTake("options", 1, "{ keepFor }", 2),
      failed: mayTake("options", 0, "{ endpoint }"),
      redeliver: takes("which", 0, "{ endpoint }"),
      deliver: mayTake("options", 0, "{ endpoint }", 1),
      test: mayTake("options", 1, "{ allowPrivate }", 2),
    });
  }

  readonly #jobs: () => WebhookJobs;

  /** @internal */
  constructor(ask: Ask<M, T>, jobs: () => WebhookJobs) {
    super(ask);
    this.#jobs = jobs;
  }

  /**
   * Adds an endpoint: from now on, changes of sessions are queued for it in the commit of the change,
   * whichever program makes it. Returns its secret, if it is new; it is not shown again.
   */
  add(params: Accepts<WebhookAddParams>): Returns<M, WebhookAdded> {
    return this.ask("webhookAdd", () => params);
  }

  /** Returns the endpoints, without their secrets, and what waits for them; with `id` only the one of this id. */
  list(options?: Accepts<WebhookListParams>): Returns<M, WebhookEndpoints> {
    return this.ask("webhookList", () => options ?? {});
  }

  /** Changes an endpoint, enables or disables it. Returns `null` if there is none. */
  update(
    id: string,
    changes: Omit<Accepts<WebhookUpdateParams>, "id">,
  ): Returns<M, WebhookEndpoint | null> {
    return this.ask("webhookUpdate", () => ({ ...changes, id }));
  }

  /** Replaces the secret of an endpoint. Returns `null` if there is none. */
  rotate(id: string, options: RotateOptions = {}): Returns<M, WebhookAdded | null> {
    return this.ask("webhookRotate", () => ({ ...options, id }));
  }

  /** Removes an endpoint with what is queued for it and what has failed at it. */
  remove(id: string): Returns<M, WebhookRemoved> {
    return this.ask("webhookRemove", () => ({ id }));
  }

  /** Returns a page of the deliveries that have failed for good. */
  failed(options?: Accepts<WebhookFailedParams>): Returns<M, WebhookFailures> {
    return this.ask("webhookFailed", () => options ?? {});
  }

  /** Attempts failed deliveries again, under the ids that they had, or drops them; or attempts at once what waits. */
  redeliver(which: Accepts<WebhookRedeliverParams>): Returns<M, WebhookRedelivered> {
    return this.ask("webhookRedeliver", () => which);
  }

  /**
   * Delivers what is due, and returns what was delivered. What the option `deliver` of `open` has in flight ends first,
   * which this does not count, and the option goes on afterwards; its own options are the defaults here.
   */
  async deliver(
    options: DeliverOptions & { readonly endpoint?: string | undefined } = {},
  ): Promise<Delivered> {
    return this.#jobs().deliver({ ...options });
  }

  /** Posts a signed example to an endpoint. Returns `null` if there is none. */
  async test(
    id: string,
    options: Pick<DeliverOptions, "allowPrivate"> = {},
  ): Promise<WebhookTested | null> {
    return this.#jobs().test(id, { ...options });
  }
}
