// The README's example for a browser works in a browser.

import * as tenure from "tenure";
import { expect, it } from "vitest";
import readme from "../../README.md?raw";
import { codeBlocks } from "../support/readme.js";

it("the example for a browser runs", async () => {
  const [, example = ""] = codeBlocks(readme, "js");
  // The example is run as a function, so its imports are passed as arguments.
  const body = example.replace('import { open } from "tenure";', "");
  expect(body).not.toBe(example);
  const lines: string[] = [];
  const console = { log: (...said: unknown[]) => lines.push(said.join(" ")) };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await AsyncFunction("open", "console", body)(tenure.open, console);
  expect(lines).toEqual([
    "start active",
    "complete completed",
    "Draft the notes: completed",
    "100",
  ]);
});
