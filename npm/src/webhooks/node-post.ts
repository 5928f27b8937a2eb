/**
 * Posts a text by Node's own client. The name of the host is resolved once, its addresses are checked, and
 * the connection is made to an address that was checked. Neither redirects nor proxies are used.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { isIP } from "node:net";
import type { PostResponse, PostText } from "./post.js";

/** The greatest size of the head of a response, in bytes. */
const HEAD_BYTES = 16 * 1024;

/** Posts by Node's own client. */
export const nodePost: PostText = async (post, check, signal) => {
  const url = new URL(post.url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const found = isIP(host) ? [host] : (await lookup(host, { all: true })).map(addressOf);
  const [address] = post.allowPrivate ? found : await check(found);
  if (address === undefined) throw new Error("the host has no address");
  const family = isIP(address);
  signal.throwIfAborted();
  return new Promise<PostResponse>((resolve, reject) => {
    const send = url.protocol === "https:" ? requestSecure : requestPlain;
    const request = send(url, {
      method: "POST",
      headers: {
        ...Object.fromEntries(post.headers.map(({ name, value }) => [name, value])),
        "content-length": Buffer.byteLength(post.body),
        connection: "close",
      },
      // Connections are not reused: one that the receiver closes would fail a delivery that has not begun.
      agent: false,
      maxHeaderSize: HEAD_BYTES,
      signal,
      // The address that was checked, whatever the name leads to now.
      lookup: (_, options, done) => {
        if (options.all) done(null, [{ address, family }]);
        else done(null, address, family);
      },
    });
    // What keeps the process alive is the wait of the job.
    request.on("socket", (socket) => socket.unref());
    request.on("response", (response) => {
      const { statusCode, headers } = response;
      if (statusCode === undefined) reject(new Error("the answer has no status"));
      else resolve({ status: statusCode, retryAfter: headers["retry-after"], body: response });
    });
    request.on("error", reject);
    request.end(post.body);
  });
};

function addressOf({ address }: { readonly address: string }): string {
  return address;
}
