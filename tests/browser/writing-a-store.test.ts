// The store of the guide passes the conformance kit in a browser, with and without vitest.

import { storeRules } from "tenure";
import { checkStore, describeStore, type StoreFactory } from "tenure/testing";
import { expect, it } from "vitest";
import guide from "../../docs/writing-a-store.md?raw";
import { codeBlocks } from "../support/readme.js";

const blocks = codeBlocks(guide, "js");
// A module from memory cannot import a package by its name.
Object.assign(globalThis, { storeRules });
const store = blocks[0]?.replace('import { storeRules } from "tenure";', "") ?? "";
const url = URL.createObjectURL(new Blob([store], { type: "text/javascript" }));
const { MapStore } = (await import(/* @vite-ignore */ url)) as {
  readonly MapStore: new () => Awaited<ReturnType<StoreFactory>>;
};

describeStore("the store of the guide", () => new MapStore());

it("reports no failed case", async () => {
  const [check = ""] = blocks.filter((block) => block.startsWith("// check.mjs"));
  // The example is run as a function, so its imports are passed as arguments.
  const body = check.replaceAll(/^import .*$/gm, "");
  const lines: string[] = [];
  const console = { log: (...said: unknown[]) => lines.push(said.join(" ")), error: lines.push };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await AsyncFunction("checkStore", "MapStore", "console", body)(checkStore, MapStore, console);
  expect(lines).toEqual(["0 failed"]);
});
