// The parts of Markdown documents that tests use.

/** The code blocks of a language, in order. */
export function codeBlocks(markdown: string, language: string): readonly string[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code ?? "");
}

/** The section under a heading, up to the next heading of its level. */
export function sectionOf(markdown: string, heading: string): string {
  const after = markdown.split(`\n## ${heading}\n`)[1];
  if (after === undefined) throw new Error(`there is no heading "${heading}"`);
  return after.split("\n## ")[0] ?? "";
}

/** The files of the repository that a document links to. */
export function linkedFiles(markdown: string): readonly string[] {
  return [...markdown.matchAll(/\]\(([^)#]+)[^)]*\)/g)]
    .map(([, target]) => target ?? "")
    .filter((target) => !/^[a-z]+:/.test(target));
}
