// The house's words for what the snapshot names.
import type { CallState, Presence } from "./snapshot";
import { t } from "./words";

export function presenceLabel(presence: Presence): string {
  return { ready: t("Ready"), paused: t("Paused"), wrap_up: t("Wrap-up"), away: t("Away") }[presence];
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
  return { ringing: t("Ringing"), talking: t("Talking"), held: t("On hold"), wrap_up: t("Wrap-up") }[state];
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
    look_up: t("Look-up gave no answer"),
    identity: t("Identity not proved"),
  };
  return known[reason] ?? reason;
}

/** What came of asking the company's system; nothing where it told what the caller wanted to know. */
export function lookupLabel(result: string): string {
  const known: Record<string, string> = {
    late: t("The company's system did not answer in time"),
    gone: t("The company's system could not be reached"),
    unfit: t("The company's system gave an answer that cannot be used"),
    resting: t("The company's system has been failing for a while"),
    not_set_up: t("The company's system is not set up"),
    not_found: t("The company's system does not know it"),
    found: "",
  };
  return known[result] ?? result;
}

export function identityLabel(result: string): string {
  const known: Record<string, string> = { proved: t("Identity checked"), not_proved: t("Identity not proved") };
  return known[result] ?? result;
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
