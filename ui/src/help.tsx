/**
 * The keys of the page.
 *
 * @module
 */

import { Dialog } from "./parts/dialog.js";
import { isWritable } from "./store.js";

/** A key, what it does, and whether that writes. */
type Key = readonly [string, string, "writes"?];

const KEYS: readonly (readonly [string, readonly Key[]])[] = [
  [
    "Everywhere",
    [
      ["?", "Show the keys"],
      ["n", "Start a session", "writes"],
      ["g o", "Overview"],
      ["g s", "Sessions"],
      ["g l", "Slots"],
      ["u", "Undo the last bulk operation, also after its message is gone", "writes"],
      ["Ctrl Enter", "Confirm a dialog", "writes"],
    ],
  ],
  [
    "Sessions",
    [
      ["/", "Search tasks"],
      ["j  k", "Next, previous session"],
      ["g g  G", "First, last session"],
      ["Enter", "Open the session"],
      ["x  X", "Select the session, or all up to it"],
      ["a", "Select all that match"],
      ["Esc", "Select none"],
      ["c", "Copy the id"],
      ["t", "Move to the trash, or restore", "writes"],
      ["e", "Export"],
    ],
  ],
  [
    "One session",
    [
      ["j  k", "Next, previous event"],
      ["Enter", "Show the data of the event"],
      ["G", "Follow the end"],
      ["c", "Copy the id"],
      ["Backspace", "Back"],
    ],
  ],
];

/** The dialog with the keys. */
export function Help({ onClose }: { readonly onClose: () => void }) {
  const isOffered = ([, , writes]: Key): boolean => writes === undefined || isWritable.value;
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div class="keys">
        {KEYS.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.filter(isOffered).map(([key, does]) => (
                <div key={key}>
                  <dt>
                    {key.split("  ").map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
