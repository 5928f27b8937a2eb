// Vite as users run it: its command, started in their project without configuration.

import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { node, type Outcome, spawnNode } from "./run.js";

/** The package name under which a version of Vite is installed for these tests. */
export type Vite = "vite" | "vite-7";

const require = createRequire(import.meta.url);

const program = (vite: Vite): string =>
  join(dirname(require.resolve(`${vite}/package.json`)), "bin", "vite.js");

/** Builds a project into its folder `dist`. */
export const viteBuild = async (vite: Vite, project: string): Promise<Outcome> => {
  const outcome = await node(project, [program(vite), "build"]);
  // On a busy machine it ends with a warning about the time that its own plugins took.
  return { ...outcome, stderr: outcome.stderr.replace(/^.*PLUGIN_TIMINGS[\s\S]*/m, "") };
};

export interface DevServer {
  readonly url: string;
  /** The output so far. */
  output(): string;
  close(): Promise<void>;
}

/** Starts the development server of a project with an empty pre-bundling cache. */
export async function viteDev(vite: Vite, project: string): Promise<DevServer> {
  const child = spawnNode(project, [program(vite), "--host", "127.0.0.1", "--force"]);
  const ended = once(child, "exit");
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    const listen = (text: string): void => {
      output += stripVTControlCharacters(text);
      const [found] = /http:\/\/127\.0\.0\.1:\d+\//.exec(output) ?? [];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.setEncoding("utf8").on("data", listen);
    child.stderr?.setEncoding("utf8").on("data", listen);
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${vite} did not start:\n${output}`)));
  });
  return {
    url,
    output: () => output,
    async close() {
      child.kill();
      await ended;
    },
  };
}
