// The page's phone among several tabs: one tab holds it (Web Locks), the others show it and pass their commands on.
import { ask, Refused } from "./api";
import { microphoneFault, openMicrophone } from "./microphone";
import type { Line, Registration, SoftPhone, Talk } from "./softphone";
import { meter, Ringer } from "./tones";
import { t } from "./words";

const LOCK = "presszero-phone";
const EXPECTED_S = 20; // a call that we asked for rings by then
const RETRY_S = 5;
const LOOK_MS = 100;
const EAGER_MS = 1500;

export interface PhoneView {
  holder: "none" | "here" | "elsewhere";
  registration: Registration;
  talk: Talk;
  muted: boolean;
  fault: string | null;
  silenced: boolean; // the browser wants a click before it rings
}

type Wish = "answer" | "hang_up" | "mute" | "unmute" | "report" | { press: string } | { expect: string };
type Message = { wish: Wish } | { view: PhoneView } | { gone: true };

const NOBODY: PhoneView = { holder: "none", registration: "off", talk: "none", muted: false, fault: null, silenced: false };

export class PagePhone {
  view: PhoneView = NOBODY;
  private wanted = false;
  private expected = { number: "", until: 0 }; // a call that we asked for; performance.now()
  private eagerUntil = 0; // who has pressed Answer already; performance.now()
  private caller = "";
  private letGo: (() => void) | undefined;
  private stopMeter: (() => void) | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly ringer = new Ringer();
  private readonly others = new BroadcastChannel(LOCK);
  private phone: SoftPhone | undefined; // its code is fetched when it is wanted

  constructor(
    private readonly onView: (view: PhoneView) => void,
    private readonly onLevel: (level: number) => void,
  ) {
    this.others.addEventListener("message", (event: MessageEvent<Message>) => this.hear(event.data));
    const click = (): void => {
      if (this.view.holder === "here") void this.ringer.prepare().then(() => this.show({ silenced: this.ringer.silenced }));
    };
    addEventListener("pointerdown", click);
    addEventListener("keydown", click);
    addEventListener("beforeunload", (event) => {
      if (this.view.holder === "here" && this.view.talk === "talking") event.preventDefault();
    });
    addEventListener("pagehide", () => this.letGo?.());
    this.send({ wish: "report" });
  }

  /** Whether the operator's calls ring in the page. */
  want(wanted: boolean): void {
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    if (wanted) this.lineUp();
    else this.letGo?.();
  }

  /** Wait until this browser's phone is known to the PBX; false: not within `seconds`. */
  async connected(seconds: number): Promise<boolean> {
    for (let left = seconds * 1000; left > 0; left -= LOOK_MS) {
      if (this.view.registration === "registered") return true;
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
    return false;
  }

  /** Take the phone from the tab that has it; not during a call there. */
  takeOver(): void {
    if (this.view.holder === "elsewhere" && this.view.talk === "none") this.lineUp(true);
  }

  wish(wish: Wish): void {
    if (this.view.holder === "elsewhere") this.send({ wish });
    else this.follow(wish);
  }

  /** Listen to the microphone for some seconds; ends by itself. */
  async tryMicrophone(seconds: number): Promise<void> {
    try {
      const voice = await openMicrophone();
      this.show({ fault: null });
      const stop = meter(voice, this.onLevel);
      setTimeout(() => {
        stop();
        for (const track of voice.getTracks()) track.stop();
      }, seconds * 1000);
    } catch (error) {
      this.show({ fault: microphoneFault(error) });
    }
  }

  private lineUp(steal = false): void {
    if (!navigator.locks || !navigator.mediaDevices) {
      this.show({ fault: microphoneFault(null) });
      return;
    }
    const held = (): Promise<void> | undefined => (this.wanted ? this.hold() : undefined);
    navigator.locks.request(LOCK, steal ? { steal } : {}, held).catch(() => {
      // Another tab has taken it.
      this.letGo?.();
      if (this.wanted) this.lineUp();
    });
  }

  /** From now on this tab is the phone; ends when it lets go. */
  private hold(): Promise<void> {
    return new Promise((done) => {
      this.letGo = () => {
        this.letGo = undefined;
        clearTimeout(this.retry);
        this.view = NOBODY;
        this.phone?.stop();
        this.ringer.stop();
        this.stopMeter?.();
        this.view = NOBODY;
        this.onView(this.view);
        this.send({ gone: true });
        done();
      };
      this.show({ ...NOBODY, holder: "here", registration: "connecting" });
      void this.ringer.prepare().then(() => this.show({ silenced: this.ringer.silenced }));
      void this.register();
      void this.checkMicrophone();
    });
  }

  private async register(): Promise<void> {
    try {
      const [{ SoftPhone }, { body }] = await Promise.all([import("./softphone"), ask<Line>("GET", "/api/v1/phone")]);
      this.phone ??= new SoftPhone({
        registration: (registration) => this.registered(registration),
        talk: (talk) => this.talks(talk),
        caller: (number) => (this.caller = number),
        fault: (fault) => this.show({ fault }),
      });
      if (this.letGo) this.phone.start(body);
    } catch (error) {
      if (!this.letGo) return;
      const passing = error instanceof Refused && error.passing;
      this.show({ registration: passing ? "cut" : "refused", fault: error instanceof Error ? error.message : null });
      if (passing) this.retry = setTimeout(() => void this.register(), RETRY_S * 1000);
    }
  }

  /** The person is asked now, not at the first call. */
  private async checkMicrophone(): Promise<void> {
    try {
      for (const track of (await openMicrophone()).getTracks()) track.stop();
    } catch (error) {
      this.show({ fault: microphoneFault(error) });
    }
  }

  private follow(wish: Wish): void {
    if (this.view.holder !== "here") return;
    if (wish === "answer") this.answer();
    else if (wish === "hang_up") this.phone?.hangUp();
    else if (wish === "mute" || wish === "unmute") {
      this.phone?.mute(wish === "mute");
      this.show({ muted: this.phone?.muted ?? false });
    } else if (wish === "report") this.send({ view: { ...this.view, holder: "elsewhere" } });
    else if ("press" in wish) this.phone?.press(wish.press);
    else this.expected = { number: digitsOf(wish.expect), until: performance.now() + EXPECTED_S * 1000 };
  }

  /** The service may know of a ring before the phone does. */
  private answer(): void {
    if (this.view.talk === "ringing") return void this.phone?.answer();
    this.eagerUntil = performance.now() + EAGER_MS;
    setTimeout(() => {
      if (this.view.talk !== "none" || performance.now() < this.eagerUntil) return;
      this.show({ fault: t("It does not ring in this tab. Your desk is open in another browser too: answer there, or close it and load this page anew.") });
    }, EAGER_MS + 50);
  }

  private registered(registration: Registration): void {
    if (!this.letGo) return;
    this.show({ registration, fault: registration === "registered" ? null : this.view.fault });
    if (registration !== "refused") return;
    // The secret may be a new one: ask for it again.
    this.show({ fault: t("The PBX refused the page's phone.") });
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.register(), RETRY_S * 1000);
  }

  private talks(talk: Talk): void {
    if (!this.letGo) return;
    this.show({ talk, muted: false });
    const eager = performance.now() < this.eagerUntil;
    if (talk === "ringing" && (eager || this.isExpected())) {
      this.expected.until = this.eagerUntil = 0;
      void this.phone?.answer(); // the person has asked for this call
    } else if (talk === "ringing") this.ringer.start();
    if (talk !== "ringing") this.ringer.stop();
    this.stopMeter?.();
    this.stopMeter = talk === "talking" && this.phone?.voice ? meter(this.phone.voice, this.onLevel) : undefined;
  }

  /** The PBX rings us with the number that we want to talk to; a call from a queue may come in between. */
  private isExpected(): boolean {
    return performance.now() < this.expected.until && digitsOf(this.caller) === this.expected.number;
  }

  private hear(message: Message): void {
    if ("wish" in message) this.follow(message.wish);
    else if (this.view.holder === "here") return;
    else if ("gone" in message) this.show(NOBODY);
    else this.show(message.view);
  }

  private show(change: Partial<PhoneView>): void {
    this.view = { ...this.view, ...change };
    this.onView(this.view);
    if (this.view.holder === "here") this.send({ view: { ...this.view, holder: "elsewhere" } });
  }

  private send(message: Message): void {
    this.others.postMessage(message);
  }
}

function digitsOf(number: string): string {
  return number.replace(/\D/g, "");
}
