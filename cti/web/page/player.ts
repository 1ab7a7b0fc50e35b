// The player of a recording: a two-lane waveform (caller above, what the caller heard below) with marks, and a
// transcript that follows word by word and is gone to by word. Without scripts the page keeps the browser's own
// audio element and a plain transcript.

import { clock } from "./clock";
import { lastBefore } from "./moments";
import { Transcript } from "./transcript";
import { t } from "./words";

const STEP_S = 5;
const BAR = 2;
const GAP = 1;

interface Peaks {
  caller: number[]; // 0 to 100
  heard: number[];
}

interface Bars {
  caller: number[]; // 0 to 1, one a bar
  heard: number[];
  colours: string[]; // of the lower lane, one a bar: names of the style sheet
}

class Player extends HTMLElement {
  private audio!: HTMLAudioElement;
  private canvas!: HTMLCanvasElement;
  private lanes!: HTMLElement;
  private toggle!: HTMLElement;
  private time!: HTMLElement;
  private transcript: Transcript | undefined;
  private length = 0; // seconds
  private peaks: Peaks = { caller: [], heard: [] };
  private bars: Bars | undefined;
  private frame = 0;
  private shown = -1; // the second that stands in the clock
  private readonly watcher = new ResizeObserver(() => this.redraw());
  private readonly scheme = matchMedia("(prefers-color-scheme: dark)");
  private readonly redraw = (): void => {
    this.bars = undefined;
    this.draw();
  };

  connectedCallback(): void {
    this.audio = this.need("audio");
    this.canvas = this.need("canvas");
    this.lanes = this.need(".lanes");
    this.toggle = this.need("[data-toggle]");
    this.time = this.need("[data-clock]");
    this.length = Number(this.dataset.seconds) || 0;
    this.audio.controls = false;
    const list = document.querySelector<HTMLElement>(".transcript");
    if (list) {
      this.transcript = new Transcript(list, {
        go: (seconds) => this.seek(seconds, true),
        skip: (seconds) => this.seek(this.audio.currentTime + seconds),
        toggle: () => this.playOrPause(),
      });
    }

    this.toggle.addEventListener("click", () => this.playOrPause());
    const speed = this.need<HTMLSelectElement>("[data-speed]");
    speed.addEventListener("change", () => (this.audio.playbackRate = Number(speed.value)));
    for (const button of this.querySelectorAll<HTMLElement>("[data-skip]")) {
      button.addEventListener("click", () => this.seek(this.audio.currentTime + Number(button.dataset.skip)));
    }
    for (const button of this.querySelectorAll<HTMLElement>("[data-seek]")) {
      button.addEventListener("click", () => this.seek(Number(button.dataset.seek), true));
    }
    this.need("[data-link]").addEventListener("click", () => void this.copyLink());
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.showState());
    for (const name of ["timeupdate", "seeked"]) this.audio.addEventListener(name, () => this.show());
    this.audio.addEventListener("error", () => this.fail());
    this.lanes.addEventListener("pointerdown", (event) => this.drag(event));
    this.lanes.addEventListener("keydown", (event) => this.key(event));
    this.watcher.observe(this.lanes);
    this.scheme.addEventListener("change", this.redraw);
    addEventListener("hashchange", this.seekToAddress);
    document.addEventListener("click", this.followLink);
    this.seekToAddress();
    this.show();
    void this.load();
  }

  disconnectedCallback(): void {
    cancelAnimationFrame(this.frame);
    this.watcher.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
    removeEventListener("hashchange", this.seekToAddress);
    document.removeEventListener("click", this.followLink);
  }

  private need<T extends HTMLElement>(selector: string): T {
    const found = this.querySelector<T>(selector);
    if (!found) throw new Error(`the player lacks ${selector}`);
    return found;
  }

  // `…#t=67` opens the page at that second: a moment of a call can be passed on as a link. Nothing is fetched
  // before somebody plays: only listening is listening.
  private readonly seekToAddress = (): void => {
    const at = Number(/^#t=(\d+(?:\.\d+)?)$/.exec(location.hash)?.[1]);
    if (at) this.seek(at);
  };

  // The page's own links to a moment play from there, also a second time, when the address is the same.
  private readonly followLink = (event: MouseEvent): void => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#t="]') : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const place = link.getAttribute("href") ?? "";
    history.replaceState(null, "", place);
    this.seek(Number(place.slice("#t=".length)) || 0, true);
  };

  private async copyLink(): Promise<void> {
    const address = `#t=${Math.floor(this.audio.currentTime)}`;
    history.replaceState(null, "", address);
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      // Without TLS a page may not: the address itself has it now.
    }
    this.time.textContent = t("Link copied");
    this.shown = -1;
  }

  private async load(): Promise<void> {
    try {
      const answer = await fetch(this.dataset.peaks ?? "", { headers: { Accept: "application/json" } });
      if (answer.ok) this.peaks = (await answer.json()) as Peaks;
    } catch {
      // The waveform is an ornament: the player works without it.
    }
    this.redraw();
  }

  private playOrPause(): void {
    if (this.audio.paused) this.audio.play().catch(() => this.fail());
    else this.audio.pause();
  }

  private fail(): void {
    this.need("[data-fault]").hidden = false;
  }

  private showState(): void {
    const playing = !this.audio.paused && !this.audio.ended;
    this.toggle.querySelector("use")?.setAttribute("href", this.toggle.dataset[playing ? "pause" : "play"] ?? "");
    this.toggle.setAttribute("aria-label", playing ? t("Pause") : t("Play"));
    cancelAnimationFrame(this.frame);
    if (playing) this.follow();
    else this.show();
  }

  private follow(): void {
    this.show();
    this.frame = requestAnimationFrame(() => this.follow());
  }

  private seek(seconds: number, play = false): void {
    this.audio.currentTime = Math.min(Math.max(0, seconds), this.length);
    this.transcript?.follow();
    this.show();
    if (play && this.audio.paused) this.playOrPause();
  }

  private drag(event: PointerEvent): void {
    const at = (move: PointerEvent): void => {
      const box = this.lanes.getBoundingClientRect();
      this.seek(((move.clientX - box.left) / box.width) * this.length);
    };
    at(event);
    this.lanes.setPointerCapture(event.pointerId);
    this.lanes.addEventListener("pointermove", at);
    const done = (): void => this.lanes.removeEventListener("pointermove", at);
    this.lanes.addEventListener("pointerup", done, { once: true });
    this.lanes.addEventListener("pointercancel", done, { once: true });
  }

  private key(event: KeyboardEvent): void {
    const moves: Record<string, number> = {
      ArrowLeft: -STEP_S, ArrowRight: STEP_S, ArrowDown: -STEP_S, ArrowUp: STEP_S, PageDown: -30, PageUp: 30,
      Home: -Infinity, End: Infinity,
    };
    const move = moves[event.key];
    if (move !== undefined) this.seek(this.audio.currentTime + move);
    else if (event.key === " " || event.key === "Enter") this.playOrPause();
    else return;
    event.preventDefault();
  }

  private show(): void {
    const at = this.audio.currentTime;
    if (Math.floor(at) !== this.shown) {
      this.shown = Math.floor(at);
      this.time.textContent = `${clock(at)} / ${clock(this.length)}`;
      this.lanes.setAttribute("aria-valuenow", String(Math.round(at)));
      this.lanes.setAttribute("aria-valuetext", t("%(at)s of %(all)s", { at: clock(at), all: clock(this.length) }));
    }
    this.transcript?.show(at, at > 0 || !this.audio.paused);
    this.draw();
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.bars ??= this.barsFor(Math.floor(width / (BAR + GAP)));
    const played = this.length ? (this.audio.currentTime / this.length) * width : 0;
    const style = getComputedStyle(this);
    const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    const colours: Record<string, string> = { bot: colour("bot"), operator: colour("operator"), none: colour("ink-3") };
    if ("mixed" in this.dataset) {
      const voices = colour("ink-3");
      this.drawLane(pen, this.bars.caller, 0.56 * height, 0.38 * height, played, () => voices);
      this.drawPlace(pen, played, width, height, colour("ink"));
      return;
    }
    const caller = colour("caller");
    this.drawLane(pen, this.bars.caller, 0.31 * height, 0.175 * height, played, () => caller);
    const names = this.bars.colours;
    this.drawLane(pen, this.bars.heard, 0.81 * height, 0.175 * height, played, (bar) => colours[names[bar] ?? "none"] ?? "");
    pen.globalAlpha = 1;
    pen.fillStyle = colour("line");
    pen.fillRect(0, height / 2, width, 1);
    this.drawPlace(pen, played, width, height, colour("ink"));
  }

  private drawPlace(pen: CanvasRenderingContext2D, played: number, width: number, height: number, ink: string): void {
    pen.globalAlpha = 1;
    pen.fillStyle = ink;
    if (played > 0) pen.fillRect(Math.min(played, width - 1.5), 0, 1.5, height);
  }

  private drawLane(
    pen: CanvasRenderingContext2D,
    reaches: number[],
    middle: number,
    half: number,
    played: number,
    colourOf: (bar: number) => string,
  ): void {
    reaches.forEach((share, bar) => {
      const reach = Math.max(0.75, share * half);
      const x = bar * (BAR + GAP);
      pen.globalAlpha = x <= played ? 1 : 0.5;
      pen.fillStyle = colourOf(bar);
      pen.beginPath();
      pen.roundRect(x, middle - reach, BAR, reach * 2, 1);
      pen.fill();
    });
  }

  private barsFor(count: number): Bars {
    const reaches = (peaks: number[]): number[] =>
      Array.from({ length: count }, (_, bar) => {
        const from = Math.floor((bar / count) * peaks.length);
        const to = Math.max(from + 1, Math.floor(((bar + 1) / count) * peaks.length));
        let loudest = 0;
        for (let index = from; index < to; index += 1) loudest = Math.max(loudest, peaks[index] ?? 0);
        return Math.sqrt(loudest / 100); // quiet speech stays visible beside loud music
      });
    const colours = Array.from({ length: count }, (_, bar) => this.heardAt((bar / count) * this.length));
    return { caller: reaches(this.peaks.caller), heard: reaches(this.peaks.heard), colours };
  }

  // The lower lane carries the bot, the operator and music: the transcript knows which.
  private heardAt(seconds: number): string {
    const spans = this.transcript?.heard ?? [];
    if (!spans.length) return "operator";
    const span = spans[lastBefore(spans, seconds, (one) => one.start)];
    return span && seconds <= span.end ? span.who : "none";
  }
}

customElements.define("pz-player", Player);
