// Appending to sessions in turn, without their histories growing to be others.

/** How far a history grows before it is cut back; the longest never grows enough to matter. */
export const growth = (history) => (history < 10_000 ? Math.max(20, history / 10) : Infinity);

/** Appends to the items in turn, cutting all of them back when they have grown too far. */
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
