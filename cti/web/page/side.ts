// The lists beside: queues, what is to be done, colleagues.
import { el, icon, initials, need, paint } from "./dom";
import { presenceLabel } from "./labels";
import type { Colleague, QueueFigure, Reminder, Snapshot } from "./snapshot";
import { moment, runSince } from "./ticker";
import { t, tn } from "./words";

const LONG_S = 60; // a wait that is marked

export function showSide({ queues, missed, reminders, colleagues }: Snapshot): void {
  paint(need("[data-queues]"), queues, () => (queues.length ? queues.map(queueRow) : [quiet(t("No queues"))]));
  paint(need("[data-todo]"), { missed, reminders }, () => todo(missed, reminders));
  paint(need("[data-colleagues]"), colleagues, () => (colleagues.length ? colleagues.map(colleagueRow) : [quiet(t("Nobody else"))]));
}

/** Long waits turn red while the page stands still. */
export function markLongWaits(): void {
  for (const row of document.querySelectorAll<HTMLElement>("[data-waits-since]")) {
    row.classList.toggle("long", Date.now() - Date.parse(row.dataset.waitsSince ?? "") > LONG_S * 1000);
  }
}

function queueRow(queue: QueueFigure): HTMLElement {
  const wait = queue.longest_since
    ? runSince(el("span.wait", { title: t("Longest wait") }), queue.longest_since)
    : el("span.wait.muted", {}, "–");
  return el(
    "li",
    { "data-waits-since": queue.longest_since },
    el("span.grow", {}, queue.name),
    el(queue.waiting ? "b.count.some" : "b.count", { title: tn("%(num)s waits", "%(num)s wait", queue.waiting) }, String(queue.waiting)),
    wait,
  );
}

function todo(missed: number, reminders: Reminder[]): HTMLElement[] {
  const rows = reminders.map((reminder) =>
    el(
      "li",
      {},
      icon("bell"),
      el("a.grow.clip", { href: `/tickets/${reminder.ticket}`, "data-key": reminder.ticket }, reminder.text || reminder.ticket),
      el("span.small.muted", {}, moment(reminder.at)),
    ),
  );
  const calls = missed
    ? el("li", {}, icon("back-call"), el("a.grow", { href: "/missed", "data-key": "missed" }, t("Missed calls")), el("b.count.some", {}, String(missed)))
    : quiet(t("No missed calls"));
  return [calls, ...rows];
}

function colleagueRow(one: Colleague): HTMLElement {
  const words = one.talking ? t("Talking") : presenceLabel(one.presence);
  return el(
    "li",
    {},
    el("span.avatar.tiny", { "aria-hidden": "true" }, initials(one.name)),
    el("span.grow.clip", { title: one.name }, one.name),
    el("span.small.muted", {}, one.extension),
    el("span.presence", { "data-presence": one.talking ? "talking" : one.presence, title: words }, el("span.visually-hidden", {}, words)),
  );
}

function quiet(text: string): HTMLElement {
  return el("li.muted", {}, text);
}
