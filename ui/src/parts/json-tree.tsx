/**
 * JSON as a tree whose branches open and close. Only open branches are in the document, and long lists are shown
 * in parts.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { count, counted } from "../format.js";
import { cut, inLine, visible } from "../text.js";

/** How many properties of a value are shown at first, and by each request for more. */
const PART = 100;
/** The maximum number of characters of a text before it is cut. */
const TEXT = 500;

/** A value, under a name. */
export function JsonTree({
  value,
  name,
  isOpen = false,
}: {
  readonly value: unknown;
  readonly name?: string;
  readonly isOpen?: boolean;
}) {
  // A tree that is open begins with the properties.
  const isRoot = isOpen && name === undefined && typeof value === "object" && value !== null;
  return (
    <ul class="json">
      {isRoot && Object.keys(value).length > 0 ? (
        <Properties entries={Object.entries(value)} areOpen />
      ) : (
        <Node value={value} name={name} isOpen={isOpen} />
      )}
    </ul>
  );
}

interface NodeOptions {
  readonly value: unknown;
  readonly name: string | undefined;
  readonly isOpen?: boolean;
}

function Node({ value, name, isOpen = false }: NodeOptions) {
  const [open, setOpen] = useState(isOpen);
  const label = name !== undefined && <span class="json-name">{inLine(name, 100)}</span>;
  if (typeof value !== "object" || value === null) {
    return (
      <li>
        {label}
        {name !== undefined && ": "}
        <Leaf value={value} />
      </li>
    );
  }
  const isList = Array.isArray(value);
  const entries: readonly (readonly [string, unknown])[] = Object.entries(value);
  const summary = isList ? counted(entries.length, "item") : preview(entries);
  if (entries.length === 0) {
    return (
      <li>
        {label}
        {name !== undefined && ": "}
        <span class="faint">{isList ? "[]" : "{}"}</span>
      </li>
    );
  }
  return (
    <li>
      <button type="button" class="json-branch" aria-expanded={open} onClick={() => setOpen(!open)}>
        {label ?? <span class="json-name">{isList ? "list" : "object"}</span>}{" "}
        {!open && <span class="faint">{summary}</span>}
      </button>
      {open && (
        <ul>
          <Properties entries={entries} areOpen={false} />
        </ul>
      )}
    </li>
  );
}

function Properties({
  entries,
  areOpen,
}: {
  readonly entries: readonly (readonly [string, unknown])[];
  readonly areOpen: boolean;
}) {
  const [shown, setShown] = useState(PART);
  return (
    <>
      {entries.slice(0, shown).map(([key, inner]) => (
        <Node key={key} name={key} value={inner} isOpen={areOpen} />
      ))}
      {entries.length > shown && (
        <li>
          <button type="button" class="quiet" onClick={() => setShown(shown + PART)}>
            Show {count(Math.min(PART, entries.length - shown))} more of {count(entries.length)}
          </button>
        </li>
      )}
    </>
  );
}

function Leaf({ value }: { readonly value: unknown }) {
  const [shown, setShown] = useState(TEXT);
  if (typeof value !== "string") {
    return <span class={`json-${typeof value}`}>{String(value)}</span>;
  }
  return (
    <>
      <bdi class="json-string">{JSON.stringify(visible(cut(value, shown)))}</bdi>
      {value.length > shown && (
        <button type="button" class="quiet" onClick={() => setShown(shown * 20)}>
          Show more ({count(value.length - shown)} characters)
        </button>
      )}
    </>
  );
}

/** The beginning of an object. */
export function preview(entries: readonly (readonly [string, unknown])[]): string {
  const parts = entries
    .slice(0, 4)
    .map(([key, value]) => `${inLine(key, 30)}: ${inLine(briefly(value), 40)}`);
  return `${parts.join(", ")}${entries.length > 4 ? ", \u2026" : ""}`;
}

function briefly(value: unknown): string {
  if (typeof value === "string") return cut(value, 60);
  if (Array.isArray(value)) return `[${value.length}]`;
  return typeof value === "object" && value !== null ? "{\u2026}" : String(value);
}
