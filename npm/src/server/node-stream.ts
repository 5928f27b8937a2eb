/**
 * A stream of a server in Node. Other than one of `fetch`, it does not keep the process alive.
 *
 * @module
 */

import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import type { OpenStream } from "./stream.js";

/** Opens a stream by Node's own client. */
export const nodeStream: OpenStream = ({ url, headers, arrived, ended }) => {
  const send = url.startsWith("https:") ? requestSecure : requestPlain;
  // Without an agent, whose connections may be shared with requests that keep the process alive.
  const request = send(url, { headers, agent: false });
  let hasEnded = false;
  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    request.destroy();
    ended();
  };
  request.on("socket", (socket) => socket.unref());
  request.on("response", (response) => {
    if (response.statusCode !== 200) return end();
    response.on("data", arrived);
    response.on("close", end);
  });
  request.on("error", end);
  request.on("close", end);
  request.end();
  return () => {
    hasEnded = true;
    request.destroy();
  };
};
