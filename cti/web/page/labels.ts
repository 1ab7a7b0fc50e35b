// The house's words for what the snapshot names.
import type { CallState, Colleague, Presence } from "./snapshot";
import { t } from "./words";

export function presenceLabel(presence: Presence): string {
  return { ready: t("Ready"), paused: t("Paused"), wrap_up: t("Wrap-up"), away: t("Away") }[presence];
}

/** A colleague's name, where it is known. */
export function nameOf(extension: string, colleagues: readonly Colleague[]): string {
  return colleagues.find((one) => one.extension === extension)?.name || extension;
}

export function reasonLabel(reason: string): string {
  const known: Record<string, string> = {
    break: t("Break"),
    lunch: t("Lunch"),
    training: t("Training"),
    meeting: t("Meeting"),
    paperwork: t("Paperwork"),
    technical: t("Technical trouble"),
  };
  return known[reason] ?? reason;
}

export function callLabel(state: CallState): string {
  return { ringing: t("Ringing"), talking: t("Talking"), held: t("On hold"), asked: t("You are asked"), wrap_up: t("Wrap-up") }[state];
}

export function handOverLabel(reason: string): string {
  const known: Record<string, string> = {
    asked: t("Asked for a person"),
    pressed_zero: t("Pressed zero"),
    not_understood: t("Not understood"),
    out_of_scope: t("Beyond the bot"),
    silence: t("Said nothing"),
    deadline: t("Took too long"),
    fault: t("Fault on our side"),
    vip: t("Put through as VIP"),
    surge: t("Surge"),
    menu_choice: t("Chosen in the menu"),
    no_input: t("Pressed no key"),
  };
  return known[reason] ?? reason;
}

export function statusLabel(status: string): string {
  const known: Record<string, string> = { open: t("Open"), pending: t("Pending"), closed: t("Closed") };
  return known[status] ?? status;
}

export function statusTone(status: string): string {
  return { open: "accent", pending: "warn" }[status] ?? "";
}

/** "en-US" → "English (United States)", in the reader's language. */
export function languageLabel(tag: string): string {
  try {
    return new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "language" }).of(tag.split("-")[0] ?? tag) ?? tag;
  } catch {
    return tag;
  }
}
