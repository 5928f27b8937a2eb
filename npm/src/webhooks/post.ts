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
  /** The beginning of the body of a response that is no delivery. */
  readonly answer?: string | undefined;
  /** Why there is no response. */
  readonly problem?: string | undefined;
}

/** What a response says. */
export interface PostResponse {
  /** The status. */
  readonly status: number;
  /** The header `retry-after`. */
  readonly retryAfter?: string | undefined;
  /** The parts of the body. They need not be read: the signal drops them. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Which of these addresses may be posted to. The core decides. Rejects with what to say where none may.
 */
export type CheckAddresses = (addresses: readonly string[]) => Promise<readonly string[]>;

/** Posts a text. `signal` aborts it. It follows no redirect. */
export type PostText = (
  post: Post,
  check: CheckAddresses,
  signal: AbortSignal,
) => Promise<PostResponse>;

/** The length of the beginning of a body that is read, and how long it is read, in milliseconds. */
const BEGINNING = 4096;
const BEGINNING_MS = 1000;

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
  // A browser does not say which redirect it was.
  if (response.status === 0) throw new Error("the receiver answered a redirect");
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after") ?? undefined,
    body: partsOf(response.body),
  };
};

/** The parts of a stream. Not every browser iterates over one. */
async function* partsOf(stream: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = stream?.getReader();
  if (reader === undefined) return;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Posts a text, within its timeout. Never rejects. */
export async function ended(
  post: Post,
  send: PostText,
  check: CheckAddresses,
  stop: AbortSignal,
): Promise<EndedPost> {
  const { number, timeoutMs } = post;
  const timeout = AbortSignal.timeout(timeoutMs);
  const end = new AbortController();
  const signal = AbortSignal.any([timeout, stop, end.signal]);
  try {
    const sent = send(post, check, signal);
    const { status, retryAfter, body } = await Promise.race([sent, aborted(signal)]);
    const isDelivery = status >= 200 && status < 300;
    const answer = isDelivery ? undefined : await beginningOf(body);
    return { number, status, retryAfter, answer };
  } catch (thrown) {
    const problem = timeout.aborted ? `no answer within ${timeoutMs} ms` : messageOf(thrown);
    // A message of the runtime may have the URL, whose query may be a secret.
    const { origin, pathname } = new URL(post.url);
    return { number, problem: problem.replaceAll(post.url, origin + pathname) };
  } finally {
    // Drops the rest of the response.
    end.abort();
  }
}

/** The beginning of a body, as far as it arrives soon. */
async function beginningOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  const read = async (): Promise<void> => {
    for await (const part of body) {
      text += decoder.decode(part, { stream: true });
      if (text.length >= BEGINNING) return;
    }
  };
  // What has arrived until then is enough.
  await Promise.race([read(), aborted(AbortSignal.timeout(BEGINNING_MS))]).catch(() => {});
  return text.slice(0, BEGINNING);
}

/** Rejects when the signal aborts, whether or not what is posted heeds it. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
