/**
 * The jobs that deliver webhooks and that test an endpoint, over a handle. The core decides what is
 * posted, and when again. Over a native store, a thread of the addon delivers in the background instead.
 *
 * @module
 */

import type { Binding } from "../builds/binding.js";
import type { OperationName, Params } from "../connection/call.js";
import type { WebhookAddresses, WebhookDelivered, WebhookTested } from "../generated.js";
import { Deferred } from "../runtime/deferred.js";
import type { MaybePromise } from "../stores/store.js";
import { closed } from "../values/error.js";
import type { Accepts } from "../values/params.js";
import type { CheckAddresses, PostText } from "../webhooks/post.js";
import { Posts } from "../webhooks/posts.js";
import { Job, runJob } from "./job.js";

/** How to deliver. */
export interface DeliverOptions {
  /**
   * Whether addresses of private networks and of this machine are posted to, too, such as
   * `http://localhost:3001`; `false` by default.
   */
  readonly allowPrivate?: boolean | undefined;
  /** The greatest number of posts in flight: 1 to 64; 8 by default. */
  readonly concurrency?: number | undefined;
}

/** What was delivered, without the errors that are retried. */
export type Delivered = Omit<WebhookDelivered, "error">;

/** The handle that webhooks are delivered over. */
export interface DeliveryHost {
  /** Runs an operation. */
  run<N extends OperationName>(name: N, params: Params<N>): MaybePromise<unknown>;
}

/** Delivers what is due, and ends. */
export async function deliverOnce(
  binding: Binding,
  send: PostText,
  host: DeliveryHost,
  params: Accepts<{ endpoint?: string } & DeliverOptions>,
): Promise<Delivered> {
  const posts = new Posts(send, checkBy(host), "foreground");
  const { error: _error, ...delivered } = await runJob(
    binding,
    "webhookDeliver",
    { ...params, once: true },
    {
      run: (_, name, params) => host.run(name, params),
      post: (posting) => posts.perform(posting),
      progress: () => {},
    },
  );
  return delivered;
}

/** Posts an example to an endpoint. `null` if there is none. */
export function testEndpoint(
  binding: Binding,
  send: PostText,
  host: DeliveryHost,
  params: { readonly id: string; readonly allowPrivate?: boolean | undefined },
): Promise<WebhookTested | null> {
  const posts = new Posts(send, checkBy(host), "foreground");
  return runJob(binding, "webhookTest", params, {
    run: (_, name, params) => host.run(name, params),
    post: (posting) => posts.perform(posting),
  });
}

/** A delivery in the background. */
export interface Delivery {
  /** Resolves when it has looked for what is due; rejects if it cannot begin. */
  readonly started: Promise<void>;
  /** Looks for more to deliver. */
  wake(): void;
  /** Stops: what is in flight ends and is settled, at the latest after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

/**
 * Starts to deliver in the background. `live` returns the handle, or `undefined` when it was
 * garbage-collected, which ends the delivery. The timers never keep a process alive.
 */
export function startDelivery(
  binding: Binding,
  send: PostText,
  params: DeliverOptions,
  live: () => DeliveryHost | undefined,
  failed: (thrown: unknown) => void,
): Delivery {
  const run: DeliveryHost["run"] = (name, params) => {
    const host = live();
    if (host === undefined) {
      job.stop();
      throw closed();
    }
    return host.run(name, params);
  };
  const posts = new Posts(send, checkBy({ run }), "background");
  const started = new Deferred<void>();
  const ended = new Deferred<void>();
  let hasStarted = false;
  let last: unknown;
  const job = Job.start(
    binding,
    "webhookDeliver",
    { ...params, once: false },
    {
      run: (_, name, params) => run(name, params),
      post: (posting) => {
        hasStarted = true;
        started.resolve();
        return posts.perform(posting);
      },
      failed: (thrown) => {
        last = thrown;
      },
      progress: (progress) => {
        // The same error is reported once, until the store works again.
        if ((progress as WebhookDelivered).error !== null) failed(last);
      },
      ended: (end) => {
        if ("thrown" in end) (hasStarted ? failed : started.reject)(end.thrown);
        ended.resolve();
      },
    },
  );
  return {
    started: started.promise,
    wake: () => posts.wake(),
    async stop(timeoutMs) {
      posts.stop();
      const timer = setTimeout(() => posts.abort(new Error("the handle was closed")), timeoutMs);
      await ended.promise;
      clearTimeout(timer);
    },
  };
}

function checkBy(host: DeliveryHost): CheckAddresses {
  return async (addresses) => {
    const checked = await host.run("webhookAddresses", { addresses });
    const { allowed, problem } = checked as WebhookAddresses;
    if (allowed.length === 0) throw new Error(problem);
    return allowed;
  };
}
