// What moves by itself: parts of a page that follow the calls (server-sent events), and running clocks.
import { clock } from "./clock";
import { morph } from "./morph";
import { t } from "./words";

const RETRY_S = 3;
const REFRESH_S = 1.5; // between two readings of a fragment

type State = "open" | "lost";

/** One stream for the whole page, and none while nobody looks: browsers allow few per host. */
class Stream extends EventTarget {
  private readonly sign = document.querySelector<HTMLElement>("[data-live-state]");
  private source: EventSource | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    document.addEventListener("visibilitychange", () => this.look());
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", () => this.look());
    this.look();
  }

  private look(): void {
    if (document.hidden) this.close();
    else if (!this.source) this.open();
  }

  private open(): void {
    this.source = new EventSource("/live");
    this.source.addEventListener("open", () => this.say("open", t("Live")));
    this.source.addEventListener("board", (event: MessageEvent<string>) =>
      this.dispatchEvent(new MessageEvent("board", { data: event.data })),
    );
    this.source.addEventListener("error", () => {
      this.say("lost", t("Reconnecting …"));
      if (this.source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      this.close();
      this.retry = setTimeout(() => void this.knock(), RETRY_S * 1000);
    });
  }

  private close(): void {
    clearTimeout(this.retry);
    this.source?.close();
    this.source = undefined;
  }

  /** The server refused the stream: logged out, full, or restarting. */
  private async knock(): Promise<void> {
    try {
      const answer = await fetch("/api/v1/session", { headers: { Accept: "application/json" } });
      if (answer.status === 401) location.reload();
    } catch {
      // Not back yet.
    }
    this.look();
  }

  private say(state: State, text: string): void {
    if (!this.sign) return;
    this.sign.dataset.state = state;
    this.sign.textContent = text;
  }
}

let stream: Stream | undefined;

class Live extends HTMLElement {
  private hear = (_event: Event): void => undefined;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private read = 0;

  connectedCallback(): void {
    stream ??= new Stream();
    this.hear = (event) => (this.dataset.fragment ? this.refresh() : this.put((event as MessageEvent<string>).data));
    stream.addEventListener("board", this.hear);
  }

  disconnectedCallback(): void {
    stream?.removeEventListener("board", this.hear);
    clearTimeout(this.waiting);
  }

  private refresh(): void {
    if (this.waiting) return;
    const pause = Math.max(0, this.read + REFRESH_S * 1000 - performance.now());
    this.waiting = setTimeout(() => void this.load(), pause);
  }

  private async load(): Promise<void> {
    this.waiting = undefined;
    this.read = performance.now();
    try {
      const answer = await fetch(this.dataset.fragment ?? "");
      if (answer.ok && !answer.redirected) this.put(await answer.text());
    } catch {
      // The stream's own error tells the person.
    }
  }

  private put(html: string): void {
    const parsed = new DOMParser().parseFromString(html, "text/html").body;
    const stage = parsed.querySelector<HTMLElement>("[data-stage]")?.dataset.stage;
    if (stage && this.dataset.stage && stage !== this.dataset.stage && this.mayReload()) {
      location.reload(); // the recording or the transcript has come
      return;
    }
    morph(this, parsed);
  }

  private mayReload(): boolean {
    const typing = document.activeElement?.matches("input, textarea, select") ?? false;
    const writing = typing || [...document.querySelectorAll("textarea")].some((field) => field.value !== "");
    const listening = [...document.querySelectorAll("audio")].some((audio) => !audio.paused);
    return !writing && !listening;
  }
}

/** <pz-clock seconds="12">: counts on from what the server said, so that the two clocks need not agree. */
class Clock extends HTMLElement {
  static readonly observedAttributes = ["seconds"];
  private base = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  attributeChangedCallback(): void {
    this.base = performance.now() - Number(this.getAttribute("seconds")) * 1000;
    if (this.isConnected) this.tick();
  }

  connectedCallback(): void {
    this.timer = setInterval(() => this.tick(), 1000);
    this.tick();
  }

  disconnectedCallback(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    this.textContent = clock((performance.now() - this.base) / 1000);
  }
}

customElements.define("pz-live", Live);
customElements.define("pz-clock", Clock);
