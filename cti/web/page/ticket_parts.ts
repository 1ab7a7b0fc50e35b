// What a ticket's form holds, and whose word counts when two people write at once. No page, no network.

export interface Parts {
  subject: string;
  topic: string;
  tags: string[];
  fields: Record<string, string>;
}

export type Name = keyof Parts;
export type Edit = Partial<Parts>;

export const NAMES: readonly Name[] = ["subject", "topic", "tags", "fields"];
export const SHORTEST_WAIT_MS = 2000;
export const LONGEST_WAIT_MS = 30_000;

/** Tags as the house keeps them: lower case, single spaces, no `#` in front, each once, in order. */
export function tidyTags(tags: readonly string[]): string[] {
  const known = tags.map((tag) => tag.trim().replace(/^#+/, "").trim().replace(/\s+/g, " ").toLowerCase());
  return [...new Set(known.filter(Boolean))].sort((one, other) => (one < other ? -1 : 1));
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

/** The same text for the same part, whatever order its fields come in. */
function plain(value: Parts[Name]): string {
  if (typeof value === "string") return oneLine(value);
  if (Array.isArray(value)) return JSON.stringify(tidyTags(value));
  const named = Object.entries(value).filter(([, text]) => text.trim());
  return JSON.stringify(named.map(([name, text]) => [oneLine(name), text.trim()]).sort());
}

export function same(one: Parts[Name], other: Parts[Name]): boolean {
  return plain(one) === plain(other);
}

/** The parts that differ from those of before. */
export function edited(before: Parts, now: Parts): Edit {
  return Object.fromEntries(NAMES.filter((name) => !same(before[name], now[name])).map((name) => [name, now[name]]));
}

/** The parts that both have changed, and not to the same. */
export function conflicts(before: Parts, mine: Edit, theirs: Parts): Name[] {
  return NAMES.filter((name) => {
    const own = mine[name];
    return own !== undefined && !same(before[name], theirs[name]) && !same(own, theirs[name]);
  });
}

/** A part in one line, for people. */
export function told(value: Parts[Name]): string {
  if (typeof value === "string") return value || "–";
  if (Array.isArray(value)) return value.join(", ") || "–";
  return (
    Object.entries(value)
      .map(([name, text]) => `${name}: ${text}`)
      .join("; ") || "–"
  );
}

/** What is typed and not saved yet, as it lies in the browser. */
export interface Draft {
  at: number;
  base: Parts;
  mine: Edit;
}

export function readDraft(text: string | null): Draft | undefined {
  if (!text) return undefined;
  try {
    const draft = JSON.parse(text) as Draft;
    const whole = typeof draft.at === "number" && NAMES.every((name) => name in draft.base);
    return whole && typeof draft.mine === "object" ? draft : undefined;
  } catch {
    return undefined;
  }
}

/** How long to wait before the next try, after so many in vain. */
export function patience(tries: number): number {
  return Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** Math.min(tries, 10));
}
