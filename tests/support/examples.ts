// The examples of Markdown documents: their code blocks in JavaScript and TypeScript, as programs.

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { CommandFailed, nodeTool, run } from "../../scripts/lib/run.mjs";

/** A code block that is compiled as a file of its own. */
export interface Example {
  /** The name of its file in TypeScript: that of its first line, such as `// store.ts`, or a number. */
  readonly file: string;
  readonly code: string;
  /** Why it is not compiled, from a comment before the block. */
  readonly exemption: string | undefined;
}

const BLOCK = /^(?:<!-- Not compiled: ([^\n]+) -->\n\n)?```(?:js|ts)\n(.*?)^```$/gms;

/** The examples of a document, in order. */
export function examplesOf(document: string): readonly Example[] {
  const blocks = [...readFileSync(inRoot(document), "utf8").matchAll(BLOCK)];
  return blocks.map(([, exemption, code = ""], index) => {
    const name = /^\/\/ (\S+\.[cm]?[jt]s)\n/.exec(code)?.[1] ?? `${index}.ts`;
    return { file: name.replace(/js$/, "ts"), code, exemption };
  });
}

/** Which compiler options an example needs: those of Node, or those of a page that a bundler makes. */
const OPTIONS = {
  node: ["--module", "nodenext", "--types", "node"],
  page: [
    ...["--module", "preserve", "--moduleResolution", "bundler", "--customConditions", "browser"],
    ...["--types", "vite/client"],
  ],
};

/**
 * Compiles examples in the strictest way, in a folder that has the package, and returns the names of
 * the programs, in order.
 */
export async function compileExamples(
  folder: string,
  examples: readonly Example[],
  runtime: keyof typeof OPTIONS = "node",
): Promise<readonly string[]> {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(inRoot("npm"), join(folder, "node_modules", "tenure"), "junction");
  for (const name of ["@types", "vitest", "vite"])
    symlinkSync(inRoot("node_modules", name), join(folder, "node_modules", name), "junction");
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const compiled = examples.filter(({ exemption }) => exemption === undefined);
  for (const { file, code } of compiled) writeFileSync(join(folder, file), code);
  const [node, tsc] = nodeTool("typescript", "tsc", inRoot("npm"));
  const strictly = [
    ...["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"],
    ...["--target", "es2022", "--skipLibCheck", ...OPTIONS[runtime]],
  ];
  const files = compiled.map(({ file }) => file);
  try {
    await run(node, [tsc, ...strictly, ...files], { cwd: folder });
  } catch (error) {
    throw error instanceof CommandFailed ? new Error(error.output) : error;
  }
  return files.map((file) => file.replace(/ts$/, "js"));
}

/** Runs the examples of a document in Node, one after the other, and returns what each prints. */
export async function runExamples(
  folder: string,
  document: string,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const outputs: string[] = [];
  for (const program of await compileExamples(folder, examplesOf(document))) {
    outputs.push((await run(process.execPath, [program], { cwd: folder, env })).output);
  }
  return outputs;
}
