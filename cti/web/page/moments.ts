// Looking up moments in lists that are in order: a two-hour call has some twenty thousand words.

/** The index of the last item that begins at or before `seconds`; -1 when all begin later. */
export function lastBefore<T>(items: readonly T[], seconds: number, startOf: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startOf(items[middle] as T) <= seconds) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
