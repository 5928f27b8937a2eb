// Appends to sessions in turn, while their histories keep their lengths.

/** How far a history grows before it is truncated; growth of the longest is negligible. */
export const growth = (history) => (history < 10_000 ? Math.max(20, history / 10) : Infinity);

/** Appends to the items in turn, and truncates all of them when they have grown too far. */
export function appending(history, items, { append, cut }) {
  let calls = 0;
  const act = () => append(items[calls++ % items.length]);
  act.before = async () => {
    if (calls / items.length < growth(history)) return;
    for (const item of items) await cut(item);
    calls = 0;
  };
  return act;
}
