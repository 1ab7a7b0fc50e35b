// The demo's page /ring: a caller in the browser. Rings the menu, presses keys, and tells what becomes of the call.
import { ask, Refused } from "./api";
import { clock } from "./clock";
import { el, need } from "./dom";
import { SoftPhone, type Line, type Talk } from "./softphone";
import { t } from "./words";

interface Told {
  state: string; // of the call, as the service sees it
  words: string; // the same for people
  ticket: string | null;
}

const LOOK_MS = 1000;
const RINGS = 0.06; // how loud the keys' tones are

class RingPage {
  private readonly call = need<HTMLButtonElement>("[data-call]");
  private readonly timer = need("[data-timer]");
  private readonly steps = need("[data-steps]");
  private readonly keys = need("[data-keys]");
  private readonly fault = need("[data-fault]");
  private talk: Talk = "none";
  private since = 0;
  private told = ""; // its newest words
  private ticket: string | null = null;
  private line: (Line & { number: string }) | undefined;
  private readonly phone = new SoftPhone({
    registration: (state) => {
      if (state === "registered" && this.talk === "none" && this.line) void this.phone.call(this.line.number);
      if (state === "cut" && this.line) this.complain(t("The telephone exchange does not answer."));
    },
    talk: (talk) => this.goOn(talk),
    caller: () => undefined,
    fault: (sentence) => this.complain(sentence),
  });

  start(): void {
    this.call.addEventListener("click", () => void (this.line ? this.hangUp() : this.ring()));
    for (const key of this.keys.querySelectorAll<HTMLButtonElement>("[data-key]")) {
      key.addEventListener("click", () => this.press(key.dataset.key ?? ""));
    }
    document.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey && /^[0-9*#]$/.test(event.key)) this.press(event.key);
    });
    setInterval(() => void this.look(), LOOK_MS);
    this.show();
  }

  private async ring(): Promise<void> {
    this.fault.hidden = true;
    this.steps.replaceChildren();
    this.told = "";
    this.ticket = null;
    this.call.disabled = true;
    try {
      this.line = (await ask<Line & { number: string }>("POST", "/ring/phone")).body;
      this.since = Date.now();
      this.step(t("Ringing"));
      this.phone.start(this.line, false);
    } catch (error) {
      this.complain(error instanceof Refused ? error.message : t("The service refused."));
    }
    this.call.disabled = false;
    this.show();
  }

  private hangUp(): void {
    this.line = undefined;
    this.phone.stop();
    this.show();
  }

  private goOn(talk: Talk): void {
    const before = this.talk;
    this.talk = talk;
    if (talk === "talking" && before !== "talking") this.step(t("The menu has answered. Press a key, or zero for a person."));
    if (talk === "none" && before !== "none") {
      const link = this.ticket ? el("a", { href: `/tickets/${this.ticket}` }, t("Ticket %(ticket)s", { ticket: this.ticket })) : null;
      this.step(before === "talking" ? t("The call is over.") : t("Nobody took the call."), link);
      this.hangUp();
    }
    this.show();
  }

  private press(key: string): void {
    if (this.talk !== "talking" || !key) return;
    this.phone.press(key);
    beep(key);
    this.step(t("You pressed %(key)s", { key }));
  }

  private async look(): Promise<void> {
    if (!this.line) return;
    this.timer.textContent = clock((Date.now() - this.since) / 1000);
    if (this.talk !== "talking") return;
    const told = await ask<Told | null>("GET", "/ring/call").then((answer) => answer.body, () => null);
    if (!told || !this.line) return;
    this.ticket = told.ticket ?? this.ticket;
    if (told.words !== this.told && told.state !== "menu") this.step(told.words);
    this.told = told.words;
  }

  private step(text: string, more: Node | null = null): void {
    const at = clock((Date.now() - this.since) / 1000);
    this.steps.append(el("li", {}, el("span.at", {}, at), el("span", {}, text, more && " ", more)));
    this.steps.scrollTop = this.steps.scrollHeight;
  }

  private complain(sentence: string): void {
    this.fault.textContent = sentence;
    this.fault.hidden = false;
    this.hangUp();
  }

  private show(): void {
    const busy = this.line !== undefined;
    this.call.classList.toggle("ending", busy);
    need("[data-call-text]").textContent = busy ? t("Hang up") : t("Call");
    this.timer.hidden = !busy;
    for (const key of this.keys.querySelectorAll<HTMLButtonElement>("button")) key.disabled = this.talk !== "talking";
  }
}

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];

/** The two tones of a key (ITU-T Q.23), so that it is felt; the exchange gets the key beside the audio. */
function beep(key: string): void {
  const at = "123456789*0#".indexOf(key);
  const audio = new AudioContext();
  const loudness = new GainNode(audio, { gain: RINGS });
  loudness.connect(audio.destination);
  for (const frequency of [ROWS[Math.floor(at / 3)] ?? 0, COLUMNS[at % 3] ?? 0]) {
    const tone = new OscillatorNode(audio, { frequency });
    tone.connect(loudness);
    tone.start();
    tone.stop(audio.currentTime + 0.12);
  }
  setTimeout(() => void audio.close(), 400);
}

new RingPage().start();
