// Which words the check finds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { findWords } from "./word-check.mjs";
import { bannedWords } from "./word-list.mjs";

const list = [
  { words: ["gives? way"], instead: "yields" },
  { words: ["members?"], instead: "fields", except: /workspace/ },
  { names: /^(door|Kept)$/, instead: "what it is" },
  { code: /\bDone::quiet\b/, instead: "without_notifications" },
];

/** The words in a text, each as `line word`. */
const words = (text, path = "a.md", entries = list) =>
  findWords(path, text, entries).map(({ line, word }) => `${line} ${word}`);

test("a phrase is found in any case, with its replacement", () => {
  assert.deepEqual(findWords("a.md", "It\nGives way.", list), [
    { path: "a.md", line: 2, word: "Gives way", instead: "yields" },
  ]);
});

test("a phrase matches complete words", () => {
  assert.deepEqual(words("remembers, forgives way, gives ways"), []);
});

test("a phrase may continue on the next line of a comment or string, but not in another paragraph", () => {
  assert.deepEqual(words("It gives\nway."), ["1 gives way"]);
  assert.deepEqual(words("    /// It gives\n    /// way.", "a.rs"), ["1 gives way"]);
  assert.deepEqual(words(' * It gives\n * way. "gives \\\n   way"', "a.ts"), [
    "1 gives way",
    "2 gives way",
  ]);
  assert.deepEqual(words("It gives\n\nway."), []);
});

test("identifiers are split into their words", () => {
  assert.deepEqual(words("gives_way givesWay GIVES_WAY GivesWay gives-way", "a.rs"), [
    "1 gives way",
    "1 gives Way",
    "1 GIVES WAY",
    "1 Gives Way",
  ]);
  assert.deepEqual(words("plainMembers parseXMLMember"), ["1 Members", "1 Member"]);
});

test("names are banned in code only, as complete identifiers", () => {
  assert.deepEqual(words("let door = 1; // a door\nlet two_door = Kept::new(kept);", "a.rs"), [
    "1 door",
    "2 Kept",
  ]);
  assert.deepEqual(words('const door = "Kept"; /* Kept */ `Kept`; f(Kept) // door', "a.ts"), [
    "1 door",
    "1 Kept",
  ]);
  assert.deepEqual(words("One door is Kept."), []);
});

test("code is banned literally", () => {
  assert.deepEqual(words("\nDone::quiet(1); quiet(2)", "a.rs"), ["2 Done::quiet"]);
  assert.deepEqual(words("Done::quiet"), []);
});

test("a line that matches the exception is skipped", () => {
  assert.deepEqual(words("workspace members\nits members"), ["2 members"]);
});

test("the name of a file is checked", () => {
  assert.deepEqual(words("", "src/json-members.ts"), ["0 members"]);
});

test("every entry of the list bans something and has a replacement", () => {
  for (const { words: phrases = [], names, code, instead } of bannedWords) {
    assert.ok(phrases.length > 0 || names || code, `an entry bans nothing: ${instead}`);
    assert.ok(instead, `nothing stands instead of ${phrases}`);
  }
});

test("the members of a cargo workspace are allowed", () => {
  const innocent = 'members = ["core"]\ndefault-members = ["core"]\nthe workspace members';
  assert.deepEqual(words(innocent, "Cargo.toml", bannedWords), []);
  assert.deepEqual(words("/^members\\s*=\\s*\\[/", "a.mjs", bannedWords), []);
});
