/**
 * The text of users as the page shows it. It never becomes markup. Characters that have no glyph or that change
 * the direction of the text around them are replaced by visible ones, and long texts are cut.
 *
 * @module
 */

/** The maximum number of characters of a text in a line. */
const LINE = 300;
/** The maximum number of characters of a text that is shown without a question. */
export const BLOCK = 4000;

/** Control characters, marks and overrides of the direction, and halves of surrogate pairs. */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace.
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A text without hidden characters: each is shown by its code point. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.charCodeAt(0);
    if (code >= 0xd800 && code <= 0xdfff) return "\ufffd";
    return `\u27e8${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
}

/** A text for one line, without line breaks. */
export function inLine(text: string, limit = LINE): string {
  return visible(cut(text, limit)).replace(/\s+/g, " ");
}

/** The beginning of a text, with the mark of an omission. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(limit - 1)) ? limit - 1 : limit;
  return `${text.slice(0, end)}\u2026`;
}

/** The short form of an id: its last characters, which differ. */
export function shortId(id: string): string {
  return id.length <= 12 ? visible(id) : `\u2026${visible(id.slice(-8))}`;
}
