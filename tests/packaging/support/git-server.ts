// A host of git repositories over HTTP, made of `git http-backend`. Requests with the token can
// read and write. Like common hosts, it refuses a request with two tokens.

import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface GitServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves the repositories in a folder. */
export async function serveGit(folder: string, token: string): Promise<GitServer> {
  const secret = Buffer.from(`x-access-token:${token}`).toString("base64");
  const server = createServer((request, response) => {
    const brought = request.headersDistinct.authorization ?? [];
    const [only = ""] = brought;
    if (brought.length > 1) return refuse(response, 400);
    if (only.toLowerCase() !== `basic ${secret}`.toLowerCase()) return refuse(response, 401);
    answer(folder, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { "www-authenticate": "Basic" }).end();
}

function answer(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? "/", "http://host");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      REMOTE_USER: "user",
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      HTTP_GIT_PROTOCOL: request.headers["git-protocol"]?.toString() ?? "",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(backend.stdin);
  // The backend may respond before it has read the whole request.
  backend.stdin.on("error", () => {});
  const said: Buffer[] = [];
  backend.stdout.on("data", (part: Buffer) => said.push(part));
  backend.once("close", () => {
    const all = Buffer.concat(said);
    const end = all.indexOf("\r\n\r\n");
    const headers = all.subarray(0, end).toString().split("\r\n");
    let status = 200;
    for (const header of headers) {
      const [name = "", value = ""] = header.split(/: (.*)/);
      if (name === "Status") status = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.writeHead(status).end(all.subarray(end + 4));
  });
}
