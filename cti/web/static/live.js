// What moves by itself: parts of a page that follow the calls (server-sent events), and running clocks.

const RETRY_S = 3;
const REFRESH_S = 1.5; // between two readings of a fragment

// One stream for the whole page, and none while nobody looks: browsers allow few per host.
class Stream extends EventTarget {
  constructor() {
    super();
    this.sign = document.querySelector("[data-live-state]");
    document.addEventListener("visibilitychange", () => this.look());
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", () => this.look());
    this.look();
  }

  look() {
    if (document.hidden) this.close();
    else if (!this.source) this.open();
  }

  open() {
    this.source = new EventSource("/live");
    this.source.addEventListener("open", () => this.say("open", "Live"));
    this.source.addEventListener("board", (event) => this.dispatchEvent(new MessageEvent("board", { data: event.data })));
    this.source.addEventListener("error", () => {
      this.say("lost", "Reconnecting …");
      if (this.source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      this.close();
      this.retry = setTimeout(() => this.knock(), RETRY_S * 1000);
    });
  }

  close() {
    clearTimeout(this.retry);
    this.source?.close();
    this.source = undefined;
  }

  // The server refused the stream: logged out, full, or restarting.
  async knock() {
    try {
      const answer = await fetch("/api/v1/session", { headers: { Accept: "application/json" } });
      if (answer.status === 401) location.reload();
    } catch {
      // Not back yet.
    }
    this.look();
  }

  say(state, text) {
    if (!this.sign) return;
    this.sign.dataset.state = state;
    this.sign.textContent = text;
  }
}

let stream;

class Live extends HTMLElement {
  connectedCallback() {
    stream ??= new Stream();
    this.hear = (event) => (this.dataset.fragment ? this.refresh() : this.put(event.data));
    stream.addEventListener("board", this.hear);
  }

  disconnectedCallback() {
    stream.removeEventListener("board", this.hear);
    clearTimeout(this.waiting);
  }

  refresh() {
    if (this.waiting) return;
    const pause = Math.max(0, (this.read ?? 0) + REFRESH_S * 1000 - performance.now());
    this.waiting = setTimeout(async () => {
      this.waiting = undefined;
      this.read = performance.now();
      try {
        const answer = await fetch(this.dataset.fragment);
        if (answer.ok && !answer.redirected) this.put(await answer.text());
      } catch {
        // The stream's own error tells the person.
      }
    }, pause);
  }

  put(html) {
    const parsed = new DOMParser().parseFromString(html, "text/html").body;
    const stage = parsed.querySelector("[data-stage]")?.dataset.stage;
    if (stage && this.dataset.stage && stage !== this.dataset.stage && this.mayReload()) {
      location.reload(); // the recording or the transcript has come
      return;
    }
    const focused = this.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    this.replaceChildren(...parsed.childNodes);
    if (focused) this.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }

  mayReload() {
    const writing = [...document.querySelectorAll("textarea")].some((field) => field.value !== "");
    const listening = [...document.querySelectorAll("audio")].some((audio) => !audio.paused);
    return !writing && !listening;
  }
}

// <pz-clock seconds="12">: counts on from what the server said, so that the two clocks need not agree.
class Clock extends HTMLElement {
  connectedCallback() {
    this.base = performance.now() - Number(this.getAttribute("seconds")) * 1000;
    this.timer = setInterval(() => this.tick(), 1000);
    this.tick();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  tick() {
    const whole = Math.floor((performance.now() - this.base) / 1000);
    const minutes = Math.floor(whole / 60) % 60;
    const hours = Math.floor(whole / 3600);
    const seconds = String(whole % 60).padStart(2, "0");
    this.textContent = hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
  }
}

customElements.define("pz-live", Live);
customElements.define("pz-clock", Clock);
