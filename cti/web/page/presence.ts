// The operator's own card: status, wrap-up, which phone rings and how it does.
import { ask } from "./api";
import { announce, need, toast } from "./dom";
import { presenceLabel, reasonLabel } from "./labels";
import type { PhoneView } from "./page_phone";
import type { CallState, Me, PhoneChoice, Presence } from "./snapshot";
import { runSince, serverNow } from "./ticker";
import { clock } from "./clock";
import { t } from "./words";

export class PresenceCard {
  private me: Me | null = null;
  private choosing: PhoneChoice | null = null; // under way
  private readonly card = need("[data-presence]");
  private readonly wrap = need("[data-wrap]");
  private readonly bar = need<HTMLProgressElement>("[data-wrap] progress");
  private readonly switches = [...document.querySelectorAll<HTMLElement>("[data-is]")];
  private readonly phones = [...document.querySelectorAll<HTMLInputElement>('input[name="phone"]')];

  /** `connect`: bring the page's phone up; whether it is. */
  constructor(private readonly connect: () => Promise<boolean>) {
    for (const radio of this.phones) {
      radio.addEventListener("change", () => void this.choose(radio.value as PhoneChoice));
    }
  }

  show(me: Me, call: CallState | null): void {
    const before = this.me;
    this.me = me;
    this.card.dataset.presence = me.presence;
    need("[data-status]", this.card).textContent =
      presenceLabel(me.presence) + (me.presence === "paused" && me.reason ? ` · ${reasonLabel(me.reason)}` : "");
    need("[data-status-hint]", this.card).textContent = statusHint(me, call);
    for (const button of this.switches) button.setAttribute("aria-pressed", String(button.dataset.is === me.presence));
    for (const radio of this.phones) radio.checked = radio.value === (this.choosing ?? me.phone);
    this.wrap.hidden = me.presence !== "wrap_up";
    this.tick();
    if (before && before.presence !== me.presence) announce(t("You are now: %(status)s", { status: presenceLabel(me.presence) }));
  }

  /** Twice a second: the clock, or what is left of the wrap-up. */
  tick(): void {
    if (!this.me) return;
    const { presence, since, until } = this.me;
    const shown = need("[data-status-for]", this.card);
    if (presence !== "wrap_up" || !until) {
      runSince(shown, since);
      return;
    }
    const left = Math.max(0, (Date.parse(until) - serverNow()) / 1000);
    const all = Math.max(1, (Date.parse(until) - Date.parse(since ?? until)) / 1000);
    runSince(shown, null);
    shown.textContent = clock(Math.ceil(left));
    this.bar.value = left / all;
  }

  async set(presence: Presence, reason?: string): Promise<void> {
    try {
      await ask("POST", "/api/v1/presence", reason ? { presence, reason } : { presence });
    } catch (error) {
      toast((error as Error).message, "bad");
    }
  }

  private async choose(phone: PhoneChoice): Promise<void> {
    this.choosing = phone;
    try {
      // Callers are not sent to a phone that is not there: it is brought up before the queues are told.
      if (phone === "page" && this.me?.presence === "ready" && !(await this.connect())) {
        throw new Error(t("The phone in this page does not connect, so calls go on ringing on your SIP phone."));
      }
      if (this.choosing !== phone) return; // the other one was chosen meanwhile
      await ask("PUT", "/api/v1/presence/phone", { phone });
      if (this.me) this.me.phone = phone; // as the next snapshot says
    } catch (error) {
      toast((error as Error).message, "bad");
    } finally {
      if (this.choosing === phone) this.choosing = null;
      for (const radio of this.phones) radio.checked = radio.value === (this.choosing ?? this.me?.phone);
    }
  }
}

/** What the status means at this moment. */
export function statusHint(me: Me, call: CallState | null): string {
  const ready = me.presence === "ready";
  if (call === "ringing") return t("Your phone rings.");
  if (call === "asked") return t("A colleague asks you something.");
  if (call === "talking" || call === "held") {
    return ready ? t("You have a caller; the next call comes when this one is over.") : t("You have a caller; no other call comes after this one.");
  }
  if (ready) return t("Calls come to you.");
  if (me.presence === "wrap_up") return t("Write up the call; the next one comes when the time is over.");
  return t("No calls come to you.");
}

/** The health of the phone that is chosen. */
export function showPhone(view: PhoneView, me: Me | null): void {
  const page = me?.phone === "page";
  const health = need("[data-health]");
  const fault = need("[data-phone-fault]");
  const { tone, text } = page ? pageHealth(view) : { tone: "good", text: t("Calls ring on extension %(extension)s.", { extension: me?.extension ?? "" }) };
  health.dataset.tone = tone;
  if (health.textContent !== text) health.textContent = text;
  fault.hidden = !page || !view.fault;
  fault.textContent = view.fault ?? "";
  need("[data-microphone]").hidden = !page || view.holder === "elsewhere";
  need('[data-do="take_phone"]').hidden = !page || view.holder !== "elsewhere" || view.talk !== "none";
}

function pageHealth(view: PhoneView): { tone: string; text: string } {
  if (view.holder === "elsewhere") {
    const well = view.registration === "registered";
    return { tone: well ? "good" : "warn", text: well ? t("Rings in another tab of this browser.") : t("Another tab has the phone, and is not connected.") };
  }
  if (view.registration === "registered" && view.silenced) {
    return { tone: "warn", text: t("Connected. Click anywhere once, or the browser will not ring.") };
  }
  const words = {
    off: t("Not connected."),
    connecting: t("Connecting …"),
    registered: t("Connected: calls ring in this tab."),
    refused: t("The PBX does not let this phone in."),
    cut: t("The connection to the PBX is cut. Trying again …"),
  };
  const tones = { off: "", connecting: "warn", registered: "good", refused: "bad", cut: "bad" };
  return { tone: tones[view.registration], text: words[view.registration] };
}
