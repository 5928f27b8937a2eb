// Every example of the documents compiles in strict TypeScript.

import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { compileExamples, examplesOf } from "../support/examples.js";
import { newFolder } from "../support/folders.js";

const pages = readdirSync(inRoot("docs")).filter((name) => name.endsWith(".md"));
const documents = ["README.md", ...pages.map((name) => `docs/${name}`)].filter(
  (document) => examplesOf(document).length > 0,
);

it("the documents have examples", () => {
  expect(documents.length).toBeGreaterThan(10);
});

it.each(documents)("every example of %s compiles strictly", async (document) => {
  const runtime = document === "docs/indexeddb.md" ? "page" : "node";
  const examples = examplesOf(document);
  const exempt = examples.filter(({ exemption }) => exemption !== undefined);
  const programs = await compileExamples(newFolder(), examples, runtime);
  expect(programs).toHaveLength(examples.length - exempt.length);
});

it("few examples are exempt", () => {
  const exempt = documents.flatMap((document) =>
    examplesOf(document).flatMap(({ exemption }) => exemption ?? []),
  );
  expect(exempt).toEqual([
    "it needs the package @rollup/plugin-node-resolve",
    "it needs the package @vercel/nft",
    "it needs the types of Jest",
  ]);
});
