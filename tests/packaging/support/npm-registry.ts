// An npm registry with only the packed package, for tests that install it by name.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inRoot } from "../../../scripts/lib/paths.mjs";

export interface Registry extends AsyncDisposable {
  readonly url: string;
}

export async function serveRegistry(tarball: string): Promise<Registry> {
  const packed = readFileSync(tarball);
  const integrity = `sha512-${createHash("sha512").update(packed).digest("base64")}`;
  const described = JSON.parse(readFileSync(inRoot("npm", "package.json"), "utf8"));
  const { name, version } = described;
  const server = createServer((request, response) => {
    if (request.url === "/tenure.tgz") return response.end(packed);
    if (request.url !== `/${name}`) return response.writeHead(404).end("{}");
    const dist = { tarball: `http://${request.headers.host}/tenure.tgz`, integrity };
    const versions = { [version]: { ...described, devDependencies: {}, dist } };
    response.setHeader("content-type", "application/json");
    return response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
