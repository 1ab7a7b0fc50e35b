// The operator's desk: joins the stream of snapshots, the page's phone, the keyboard and the cards.
import { ask } from "./api";
import { CallBar, hintFor } from "./call_bar";
import { Dialogs } from "./dialogs";
import { announce, isTyping, need, toast } from "./dom";
import { Drafts } from "./drafts";
import { callOut, Finder } from "./finder";
import { Idle } from "./idle";
import { actionOf, wantsBare, type Action } from "./keys";
import { PagePhone, type PhoneView } from "./page_phone";
import { popInWords, PopView } from "./pop";
import { PresenceCard, showPhone } from "./presence";
import { markLongWaits, showSide } from "./side";
import type { Pop, Snapshot } from "./snapshot";
import { DeskStream, type Link } from "./stream";
import { setServerTime, startTicking } from "./ticker";
import { TicketStrip } from "./ticket_strip";
import { t } from "./words";

const TRY_S = 8; // the microphone's test
const CONNECT_S = 8; // the page's phone, before the queues ring it
const SETTLE_MS = 3000; // until the desk shows that it is chosen
const NAME = document.title;
const STRIKE_MS = 600; // nobody means a call that has been there for less: what hangs up was meant for the one before
const QUIET_MS = 1000; // who was writing when the ticket changed has noticed by then

class Desk {
  private snapshot: Snapshot | null = null;
  private trying = false; // the page's phone is brought up, and not yet the one that rings
  private callSince = 0; // performance.now()
  private deafUntil = 0; // performance.now()
  private readonly drafts = new Drafts(need("[data-desk]").dataset.login ?? "", localStorage);
  private readonly presence = new PresenceCard(() => this.connectPhone());
  private readonly bar = new CallBar();
  private readonly strip = new TicketStrip(this.drafts);
  private readonly phone: PagePhone = new PagePhone((view) => this.showPhone(view), showLevel);
  private readonly pop = new PopView({
    choose: (customer) => void this.strip.setCustomer(customer),
    create: (name, number) => this.createCustomer(name, number),
    call: (number) => this.call(number),
  });
  private readonly idle = new Idle((number, ticket) => this.call(number, ticket), () => this.draw());
  private readonly finder = new Finder((number) => this.call(number));
  private readonly dialogs = new Dialogs({
    hand: (how, to) => void this.bar.command(how, { to }),
    pause: (reason) => void this.presence.set("paused", reason),
    press: (digit) => this.press(digit),
  });

  constructor() {
    document.addEventListener("click", (event) => this.click(event));
    document.addEventListener("keydown", (event) => this.key(event));
    const dial = need<HTMLFormElement>("[data-dial]");
    dial.addEventListener("submit", (event) => {
      event.preventDefault();
      const number = need<HTMLInputElement>("#number");
      if (!number.value.trim()) return number.focus();
      this.call(number.value.trim());
      number.value = "";
    });
    document.querySelector('form[action="/logout"]')?.addEventListener("submit", () => this.drafts.forget());
    // The menu shows symbols only: their words on pointing at them.
    for (const link of document.querySelectorAll<HTMLElement>(".side nav a")) link.title = link.textContent?.trim() ?? "";
    startTicking(() => {
      this.presence.tick();
      markLongWaits();
    });
    const first = document.getElementById("snapshot")?.textContent;
    if (first) this.take(JSON.parse(first) as Snapshot);
    this.strip.openAgain();
    document.addEventListener("visibilitychange", () => document.hidden || void this.strip.refresh());
    new DeskStream("/desk/stream", { snapshot: (snapshot) => this.take(snapshot), link: (link) => showLink(link) });
  }

  private get current(): Pop | null {
    return this.snapshot?.call ?? null;
  }

  private take(snapshot: Snapshot): void {
    const before = this.snapshot;
    setServerTime(snapshot.now);
    this.snapshot = snapshot;
    this.phone.want(this.trying || snapshot.me.phone === "page");
    this.tell(before?.call ?? null, snapshot.call);
    if (snapshot.call?.call_id !== before?.call?.call_id) {
      this.callSince = performance.now();
      this.dialogs.closeCallWindows();
      // A form of the last call goes away while somebody writes in it: the letters that follow are no keys.
      if (isTyping() && need("[data-pop]").contains(document.activeElement)) this.deafUntil = performance.now() + QUIET_MS;
    }
    this.draw();
    this.follow(before?.call ?? null, snapshot.call);
  }

  /** The strip has the ticket of the call that is here. */
  private follow(before: Pop | null, now: Pop | null): void {
    if (!now?.ticket) return;
    if (now.ticket !== this.strip.shown) {
      // Whoever was writing on the last ticket does not go on in the next one, nor do the letters act as keys.
      if (this.strip.leave()) {
        this.deafUntil = performance.now() + QUIET_MS;
        toast(t("Here is the next call. What you were writing is kept with %(ticket)s.", { ticket: this.strip.shown ?? "" }));
      }
      void this.strip.open(now.ticket);
    } else if (before?.customer?.id !== now.customer?.id) void this.strip.refresh();
    else if (before?.state !== now.state) this.strip.grewOld();
  }

  private draw(): void {
    if (!this.snapshot) return;
    const { me, call } = this.snapshot;
    this.presence.show(me, call?.state ?? null);
    this.drawPhone();
    this.bar.show(call, me, this.snapshot.colleagues, this.phone.view);
    showSide(this.snapshot);
    this.dialogs.show(this.snapshot.colleagues, this.snapshot.queues.map((queue) => queue.name));
    if (call) this.pop.show(call, (extension) => this.operator(extension));
    else this.idle.show(this.pop.leave(), this.snapshot);
    if (!call || !["talking", "held"].includes(call.state)) this.dialogs.closeCallWindows();
    document.title = call?.state === "ringing" ? `☎ ${call.customer?.name ?? call.number_shown}` : NAME;
  }

  /** What changed, for whoever does not see it. The focus stays where it is. */
  private tell(before: Pop | null, now: Pop | null): void {
    if (now && now.call_id !== before?.call_id) {
      announce(popInWords(now), true);
      if (now.state === "ringing") notify(popInWords(now));
    }
    if (now && before && now.call_id === before.call_id && now.state !== before.state) {
      const words = { ringing: "", talking: before.state === "held" ? t("Talking again.") : t("Talking."), held: t("The caller is on hold."), asked: t("You talk with your colleague."), wrap_up: t("The call is over.") };
      announce(words[now.state], true);
    } else if (now && now.call_id === before?.call_id && now.customer && !before.customer) announce(popInWords(now));
    if (now?.consulting_answered && !before?.consulting_answered) announce(hintFor(now, this.snapshot!.me, this.snapshot!.colleagues), true);
    if (now && before && now.recording_paused !== before.recording_paused) {
      announce(now.recording_paused ? t("The recording is paused.") : t("The recording goes on."), true);
    }
  }

  /** An operator's name, by extension. */
  private operator(extension: string): string | undefined {
    const { me, colleagues } = this.snapshot!;
    return extension === me.extension ? me.name : colleagues.find((one) => one.extension === extension)?.name;
  }

  private drawPhone(): void {
    const me = this.snapshot?.me ?? null;
    showPhone(this.phone.view, me && this.trying ? { ...me, phone: "page" } : me);
  }

  private showPhone(view: PhoneView): void {
    this.drawPhone();
    if (this.snapshot) this.bar.show(this.snapshot.call, this.snapshot.me, this.snapshot.colleagues, view);
  }

  private async connectPhone(): Promise<boolean> {
    this.trying = true;
    this.phone.want(true);
    const connected = await this.phone.connected(CONNECT_S);
    const settle = (): void => {
      this.trying = false;
      this.phone.want(this.snapshot?.me.phone === "page");
      this.draw();
    };
    if (connected) setTimeout(settle, SETTLE_MS);
    else settle();
    return connected;
  }

  private click(event: MouseEvent): void {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-do]") : null;
    if (button) this.act(button.dataset.do ?? "");
  }

  private key(event: KeyboardEvent): void {
    if (this.dialogs.isOpen) return;
    const typing = isTyping(event.target);
    const action = actionOf(event, typing, wantsBare());
    if (performance.now() < this.deafUntil && !typing && !event.altKey && !event.ctrlKey && !event.metaKey) {
      this.deafUntil = performance.now() + QUIET_MS;
      event.preventDefault();
      return;
    }
    if (!action) return;
    event.preventDefault();
    this.act(this.meant(action));
  }

  /** While a colleague is asked, the keys of transfer and hold end the asking. */
  private meant(action: Action): string {
    if (action === "transfer" && this.bar.can("complete")) return "complete";
    if (action === "hold" && this.bar.can("return")) return "return";
    if (action === "recording" && this.bar.can("record")) return "record"; // a virtual PBX's begins when it is asked for
    return action;
  }

  private async record(): Promise<void> {
    if (await this.bar.command("start_recording")) announce(t("The call is recorded from now on."), true);
  }

  private act(what: string): void {
    const page = this.snapshot?.me.phone === "page";
    const deeds: Record<string, () => void> = {
      answer: () => this.bar.can("answer") && this.phone.wish("answer"),
      hang_up: () => this.bar.can("hang_up") && this.hangUp(page),
      hold: () => this.bar.can("hold") && void this.bar.command(this.current?.state === "held" ? "unhold" : "hold"),
      mute: () => this.bar.can("mute") && this.phone.wish(this.phone.view.muted ? "unmute" : "mute"),
      complete: () => void this.bar.command("complete"),
      return: () => void this.bar.command("return"),
      transfer: () => this.bar.can("transfer") && this.dialogs.openTransfer(false, this.snapshot?.call?.tools ?? null),
      conference: () => this.bar.can("conference") && this.dialogs.openTransfer(true),
      keypad: () => this.bar.can("keypad") && this.dialogs.open("keypad"),
      record: () => this.bar.can("record") && void this.record(),
      recording: () => this.bar.can("recording") && void this.bar.command(this.current?.recording_paused ? "resume_recording" : "pause_recording"),
      note: () => this.strip.focus("note"),
      subject: () => this.strip.focus("subject"),
      close: () => void this.strip.setStatus(this.strip.isClosed ? "open" : "closed"),
      pending: () => void this.strip.setStatus("pending"),
      ready: () => {
        void this.presence.set("ready");
        // Asked at a click that means work, so that a ring is seen behind other windows.
        if ("Notification" in window && Notification.permission === "default") void Notification.requestPermission();
      },
      away: () => void this.presence.set("away"),
      pause: () => this.dialogs.open("pause"),
      more_time: () => void this.presence.set("wrap_up"),
      search: () => this.finder.focus(),
      dial: () => need<HTMLInputElement>("#number").focus(),
      sheet: () => this.dialogs.open("sheet"),
      try: () => void this.phone.tryMicrophone(TRY_S),
      take_phone: () => this.phone.takeOver(),
    };
    deeds[what]?.();
  }

  /** A call that only rings in the page is declined by the phone itself: the queue then looks for somebody else. */
  private hangUp(page: boolean): void {
    const call = this.current;
    if (call && performance.now() < this.callSince + STRIKE_MS) return;
    const byPhone = !call || call.state === "wrap_up" || (page && ["ringing", "asked"].includes(call.state));
    if (byPhone) return this.phone.wish("hang_up");
    const still = (): boolean => page && this.current?.call_id === call.call_id;
    void this.bar.command("hang_up").then((done) => done || !still() || this.phone.wish("hang_up"));
  }

  private press(digit: string): void {
    if (this.snapshot?.me.phone === "page") this.phone.wish({ press: digit });
    else void this.bar.command("dtmf", { digits: digit });
  }

  private call(number: string, ticket: string | null = null): void {
    void callOut(number, ticket, () => this.snapshot?.me.phone === "page" && this.phone.wish({ expect: number }));
  }

  private async createCustomer(name: string, number: string | null): Promise<void> {
    try {
      // The ticket becomes theirs, and so do earlier ones from the same number.
      await ask("POST", "/api/v1/customers", { name, numbers: number ? [number] : [], ticket: this.strip.shown });
      await this.strip.refresh();
      toast(t("%(name)s is in the card index.", { name }));
    } catch (error) {
      toast((error as Error).message, "bad");
    }
  }
}

function showLink(link: Link): void {
  const sign = need("[data-link]");
  const words = { connecting: t("Connecting …"), live: t("Live"), lost: t("Reconnecting …") };
  sign.dataset.state = link === "live" ? "open" : link;
  if (sign.textContent !== words[link]) sign.textContent = words[link];
  const notice = need("[data-lost]");
  notice.hidden = link !== "lost";
  notice.textContent = link === "lost" ? t("The desk has lost the service and is reconnecting. What you see may be old; calls in progress go on, and what you type is kept.") : "";
}

/** While another window is in front: the system's own message, where the person has allowed it. */
function notify(text: string): void {
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  const message = new Notification(t("Incoming call"), { body: text, tag: "presszero-call" });
  message.addEventListener("click", () => window.focus());
}

function showLevel(level: number): void {
  need("[data-level]").style.transform = `scaleX(${level.toFixed(2)})`;
}

addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // a page from the browser's memory has neither stream nor phone
});

new Desk();
