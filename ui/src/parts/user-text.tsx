/**
 * Texts of users. Their direction does not affect what is around them, and the rest of a long text is shown on
 * request.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { count } from "../format.js";
import { BLOCK, cut, inLine, visible } from "../text.js";

/** How much more of a long text each request shows. */
const MORE = 100_000;

/** A text in one line, which ends where there is no more room. */
export function Line({ text, limit }: { readonly text: string; readonly limit?: number }) {
  return <bdi>{inLine(text, limit)}</bdi>;
}

/** A text with its line breaks. */
export function Block({ text, of = "text" }: { readonly text: string; readonly of?: string }) {
  const [shown, setShown] = useState(BLOCK);
  const rest = text.length - shown;
  return (
    <>
      <pre class="user-text" dir="auto">
        {visible(cut(text, shown))}
      </pre>
      {rest > 0 && (
        <button type="button" class="quiet" onClick={() => setShown(shown + MORE)}>
          Show more of this {of} ({count(rest)} characters)
        </button>
      )}
    </>
  );
}
