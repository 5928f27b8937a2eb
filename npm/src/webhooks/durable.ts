/**
 * The webhook of a handle that is an endpoint of its store: with the option `endpoint`, changes are queued
 * in the commit and delivered until they arrive, instead of being posted once by the handle that made them.
 *
 * @module
 */

import type { WebhookOptions } from "../events/webhook.js";
import type { WebhookAddParams } from "../generated.js";
import { invalidArgument } from "../values/error.js";
import type { Accepts } from "../values/params.js";

/**
 * The endpoint of the option `webhook`; `undefined` for one without an `endpoint`. `abandonedAsError` is for
 * the API of `tenure/compat`.
 */
export function endpointOf(
  webhook: string | URL | WebhookOptions | null | undefined,
  abandonedAsError = false,
): Accepts<WebhookAddParams> | undefined {
  if (typeof webhook !== "object" || webhook === null || webhook instanceof URL) return undefined;
  const { endpoint, secret, url, headers, events, timeoutMs, fetch } = webhook;
  if (endpoint === undefined) {
    if (secret === undefined) return undefined;
    throw invalidArgument("webhook.secret", "expected an `endpoint`, too");
  }
  if (fetch !== undefined) {
    throw invalidArgument("webhook.fetch", "an endpoint of the store is not posted to by `fetch`");
  }
  return {
    id: endpoint,
    url: `${url}`,
    headers: headers === undefined ? undefined : { ...headers },
    events: events === undefined ? undefined : [...events],
    secret,
    timeoutMs,
    abandonedAsError,
    replace: true,
  };
}
