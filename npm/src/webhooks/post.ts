/**
 * Posts a text to another server. Node has its own way, in `node-post.ts`; this is the one of browsers and
 * of other runtimes, over `fetch`.
 *
 * @module
 */

import { messageOf } from "../values/error.js";

/** A text to post. */
export interface Post {
  /** The number of the post in its job. */
  readonly number: number;
  /** The URL. */
  readonly url: string;
  /** The headers. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** The text. */
  readonly body: string;
  /** How long it may take until the response has begun, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether addresses of private networks and of this machine are allowed. */
  readonly allowPrivate: boolean;
}

/** How a post has ended. */
export interface EndedPost {
  /** The number of the post. */
  readonly number: number;
  /** The status of the response. */
  readonly status?: number | undefined;
  /** The header `retry-after` of the response. */
  readonly retryAfter?: string | undefined;
  /** Why there is no response. */
  readonly problem?: string | undefined;
}

/** What a response says. */
export interface PostResponse {
  /** The status. */
  readonly status: number;
  /** The header `retry-after`. */
  readonly retryAfter?: string | undefined;
}

/**
 * Which of these addresses may be posted to. The core decides. Rejects with what to say where none may.
 */
export type CheckAddresses = (addresses: readonly string[]) => Promise<readonly string[]>;

/** Posts a text. `signal` aborts it. It follows no redirect, and reads no body of a response. */
export type PostText = (
  post: Post,
  check: CheckAddresses,
  signal: AbortSignal,
) => Promise<PostResponse>;

/** A host that is an address. */
const ADDRESS = /^(\[.*\]|\d+\.\d+\.\d+\.\d+)$/;
/** A name that means this machine. */
const OWN_NAME = /(^|\.)localhost\.?$/i;
/** The address that stands for such a name. */
const OWN_ADDRESS = "127.0.0.1";

/**
 * Posts by `fetch`, which resolves names itself. So only addresses in URLs, and the names of the own
 * machine, are checked.
 */
export const fetchPost: PostText = async (post, check, signal) => {
  const url = new URL(post.url);
  if (!post.allowPrivate) {
    if (ADDRESS.test(url.hostname)) await check([url.hostname.replace(/^\[|\]$/g, "")]);
    if (OWN_NAME.test(url.hostname)) await check([OWN_ADDRESS]);
  }
  const headers = post.headers
    // A page cannot set it.
    .filter(({ name }) => name !== "user-agent")
    .map(({ name, value }) => [name, value] as [string, string]);
  const response = await fetch(url, {
    method: "POST",
    headers,
    body: post.body,
    redirect: "manual",
    credentials: "omit",
    signal,
  });
  await response.body?.cancel();
  // A browser does not say which redirect it was.
  if (response.status === 0) throw new Error("the receiver answered a redirect");
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after") ?? undefined,
  };
};

/** Posts a text, within its timeout. Never rejects. */
export async function ended(
  post: Post,
  send: PostText,
  check: CheckAddresses,
  stop: AbortSignal,
): Promise<EndedPost> {
  const { number, timeoutMs } = post;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([timeout, stop]);
  try {
    const { status, retryAfter } = await Promise.race([send(post, check, signal), aborted(signal)]);
    return { number, status, retryAfter };
  } catch (thrown) {
    const problem = timeout.aborted ? `no answer within ${timeoutMs} ms` : messageOf(thrown);
    // A message of the runtime may have the URL, whose query may be a secret.
    const { origin, pathname } = new URL(post.url);
    return { number, problem: problem.replaceAll(post.url, origin + pathname) };
  }
}

/** Rejects when the signal aborts, whether or not what is posted heeds it. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
