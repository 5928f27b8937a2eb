// Checks that no file of the repository, and no message of a commit, contains a banned word. The list is in
// `word-list.mjs`.

import { readFileSync } from "node:fs";
import { inRoot } from "./paths.mjs";
import { Problem, run } from "./run.mjs";
import { tokensOf } from "./rust-tokens.mjs";
import { bannedWords } from "./word-list.mjs";

/** Files with foreign words, generated files, and files about the words themselves. */
const exempt = [
  /^LICENSE-/,
  /(^|\/)(package-lock\.json|Cargo\.lock)$/,
  /^npm\/src\/generated\.ts$/,
  /^server\/src\/results\.json$/,
  /^bench\/results\//,
  /^scripts\/lib\/word-/,
];

/** Earlier messages of commits were not checked, and cannot be changed any more. */
const messagesSince = "2026-12-01T12:00:00Z";

/** Checks every text file that git tracks or would add, and the messages of commits. Throws a problem with the list of words. */
export async function checkWords(show) {
  const texts = [...(await trackedFiles()), ...(await messages())];
  const found = texts.flatMap(([path, text]) => findWords(path, text));
  if (found.length === 0)
    return show.out(`no banned words in ${texts.length} files and messages\n`);
  const lines = found.map(({ path, line, word, instead }) => {
    const place = line === 0 ? `${path}: in its name` : `${path}:${line}`;
    return `${place}: "${word}": write ${instead}`;
  });
  const files = new Set(found.map(({ path }) => path)).size;
  throw new Problem(
    `${lines.join("\n")}\n\n${found.length} banned words in ${files} files or messages; scripts/lib/word-list.mjs lists them`,
  );
}

/** The text files, each with its path. */
async function trackedFiles() {
  const listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await run("git", listing, { data: true });
  const paths = stdout.split("\0").filter((path) => !exempt.some((files) => files.test(path)));
  return paths.map((path) => [path, readText(path)]).filter(([, text]) => text !== undefined);
}

/** The messages of commits, each with what the commit is called. */
async function messages() {
  const log = ["log", "-z", `--since=${messagesSince}`, "--format=commit %h%n%B"];
  const { stdout } = await run("git", log, { data: true });
  return stdout
    .split("\0")
    .filter((entry) => entry.includes("\n"))
    .map((entry) => [entry.slice(0, entry.indexOf("\n")), entry.slice(entry.indexOf("\n") + 1)]);
}

/** The text of a file; `undefined` if it is no text, or is tracked and was removed. */
function readText(path) {
  try {
    const text = readFileSync(inRoot(path), "utf8");
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

/**
 * The banned words in a file and in its name, in order, each once per line. Line 0 is the name.
 * @param {string} path
 * @param {string} text
 * @returns {{ path: string, line: number, word: string, instead: string }[]}
 */
export function findWords(path, text, list = bannedWords) {
  const raw = text.split("\n");
  const prose = asProse(text);
  const name = asProse(path);
  const names = identifiersOf(path, text);
  const found = new Map();
  for (const { words = [], names: banned, code, instead, except } of list) {
    const add = (line, text) => {
      if (except?.test(raw[line - 1] ?? path)) return;
      const word = text.replace(/\s+/g, " ");
      found.set(`${line} ${word}`, { path, line, word, instead });
    };
    for (const phrase of words) {
      for (const { 0: word } of name.matchAll(matcherOf(phrase))) add(0, word);
      for (const { 0: word, index } of prose.matchAll(matcherOf(phrase)))
        add(lineAt(prose, index), word);
    }
    if (banned) for (const { line, text: word } of names) if (banned.test(word)) add(line, word);
    if (code && isCode(path))
      for (const { 0: word, index } of text.matchAll(new RegExp(code, "g")))
        add(lineAt(text, index), word);
  }
  return [...found.values()].sort((one, other) => one.line - other.line);
}

const matchers = new Map();

/** The pattern of a phrase in prose, in which a line may end between words. */
function matcherOf(phrase) {
  if (!matchers.has(phrase)) {
    const gap = "(?:[^\\S\\n]+|[^\\S\\n]*\\n[^\\S\\n]*)";
    matchers.set(phrase, new RegExp(`\\b(?:${phrase.replaceAll(" ", gap)})\\b`, "gi"));
  }
  return matchers.get(phrase);
}

/** A text with its identifiers split into words and without comment marks, with the same lines. */
function asProse(text) {
  return text
    .replace(/^[^\S\n]*(?:\/\/[/!]?|\/?\*+|#+|>|\|)/gm, " ")
    .replace(/\\$/gm, " ")
    .replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, " ")
    .replace(/(?<=[A-Za-z0-9])[_-](?=[A-Za-z0-9])|[_*`]/g, " ");
}

function lineAt(text, index) {
  let line = 1;
  for (let i = text.indexOf("\n"); i !== -1 && i < index; i = text.indexOf("\n", i + 1)) line++;
  return line;
}

function isCode(path) {
  return /\.(rs|[cm]?[jt]s)$/.test(path);
}

/** The identifiers in the code of a file, with their lines; empty if the file is no code. */
function identifiersOf(path, text) {
  if (path.endsWith(".rs")) return tokensOf(text).filter(({ kind }) => kind === "name");
  if (!isCode(path)) return [];
  // Comments and strings are replaced by blanks, with the placeholders of templates.
  const strings =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g;
  const code = text.replace(strings, (found) => found.replace(/[^\n]/g, " "));
  return code.split("\n").flatMap((line, i) =>
    [...line.matchAll(/[\p{ID_Start}_$][\p{ID_Continue}$]*/gu)].map(([name]) => ({
      text: name,
      line: i + 1,
    })),
  );
}
