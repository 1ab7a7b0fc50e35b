// Running clocks: the server's time, not this machine's, counted on between its snapshots.
import { clock } from "./clock";

let ahead = 0; // ms that the server's clock is ahead of ours

export function setServerTime(iso: string): void {
  ahead = Date.parse(iso) - Date.now();
}

export function serverNow(): number {
  return Date.now() + ahead;
}

/** Seconds since then; 0 for times to come. */
export function secondsSince(iso: string): number {
  return Math.max(0, (serverNow() - Date.parse(iso)) / 1000);
}

/** Let `node` show how long it is since `iso`, every second from now on; null: nothing. */
export function runSince(node: HTMLElement, iso: string | null): HTMLElement {
  if (iso) node.dataset.since = iso;
  else delete node.dataset.since;
  node.textContent = iso ? clock(secondsSince(iso)) : "";
  return node;
}

export function startTicking(each: () => void): void {
  setInterval(() => {
    for (const node of document.querySelectorAll<HTMLElement>("[data-since]")) {
      const text = clock(secondsSince(node.dataset.since ?? ""));
      if (node.textContent !== text) node.textContent = text;
    }
    each();
  }, 500);
}

/** "14:05" by the house's clock, the day instead when it is another one. */
export function moment(iso: string): string {
  const at = new Date(iso);
  const now = new Date(serverNow());
  const { lang, dataset } = document.documentElement;
  const timeZone = dataset.zone;
  const day = (when: Date) => when.toLocaleDateString("sv", { timeZone }); // 2026-11-22
  if (day(at) === day(now)) return at.toLocaleTimeString(lang, { timeZone, hour: "2-digit", minute: "2-digit" });
  const year = day(at).slice(0, 4) === day(now).slice(0, 4) ? {} : { year: "numeric" as const };
  return at.toLocaleDateString(lang, { timeZone, day: "numeric", month: "short", ...year });
}
