// The player of a recording: a two-lane waveform (caller above, what the caller heard below) and a transcript
// that follows. Without scripts the page keeps the browser's own audio element and a plain transcript.

import { clock } from "./clock";
import { t } from "./words";

const STEP_S = 5;
const BAR = 2;
const GAP = 1;

interface Peaks {
  caller: number[]; // 0 to 100
  heard: number[];
}

interface Span {
  start: number; // seconds
  end: number;
  who: "bot" | "operator";
}

class Player extends HTMLElement {
  private audio!: HTMLAudioElement;
  private canvas!: HTMLCanvasElement;
  private lanes!: HTMLElement;
  private toggle!: HTMLElement;
  private time!: HTMLElement;
  private length = 0; // seconds
  private phrases: HTMLElement[] = [];
  private current: HTMLElement | null = null;
  private peaks: Peaks = { caller: [], heard: [] };
  private heard: Span[] | undefined;
  private frame = 0;
  private readonly watcher = new ResizeObserver(() => this.draw());
  private readonly scheme = matchMedia("(prefers-color-scheme: dark)");
  private readonly redraw = (): void => this.draw();

  connectedCallback(): void {
    this.audio = this.need("audio");
    this.canvas = this.need("canvas");
    this.lanes = this.need(".lanes");
    this.toggle = this.need("[data-toggle]");
    this.time = this.need("[data-clock]");
    this.length = Number(this.dataset.seconds) || 0;
    this.phrases = [...document.querySelectorAll<HTMLElement>(".phrase")];
    this.audio.controls = false;

    this.toggle.addEventListener("click", () => this.playOrPause());
    const speed = this.need<HTMLSelectElement>("[data-speed]");
    speed.addEventListener("change", () => (this.audio.playbackRate = Number(speed.value)));
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.showState());
    for (const name of ["timeupdate", "seeked"]) this.audio.addEventListener(name, () => this.show());
    this.audio.addEventListener("error", () => this.fail());
    this.lanes.addEventListener("pointerdown", (event) => this.drag(event));
    this.lanes.addEventListener("keydown", (event) => this.key(event));
    for (const phrase of this.phrases) {
      phrase.addEventListener("click", () => this.seek(Number(phrase.dataset.start), true));
    }
    this.watcher.observe(this.lanes);
    this.scheme.addEventListener("change", this.redraw);
    this.show();
    void this.load();
    this.audio.addEventListener("loadedmetadata", () => this.seekToAddress(), { once: true });
  }

  private need<T extends HTMLElement>(selector: string): T {
    const found = this.querySelector<T>(selector);
    if (!found) throw new Error(`the player lacks ${selector}`);
    return found;
  }

  // `…#t=67` opens the page at that second: a moment of a call can be passed on as a link.
  private seekToAddress(): void {
    const at = Number(/^#t=(\d+(?:\.\d+)?)$/.exec(location.hash)?.[1]);
    if (at) this.seek(at);
  }

  disconnectedCallback(): void {
    this.watcher.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
  }

  private async load(): Promise<void> {
    try {
      const answer = await fetch(this.dataset.peaks ?? "", { headers: { Accept: "application/json" } });
      if (answer.ok) this.peaks = (await answer.json()) as Peaks;
    } catch {
      // The waveform is an ornament: the player works without it.
    }
    this.draw();
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
    this.lanes.addEventListener("pointerup", () => this.lanes.removeEventListener("pointermove", at), { once: true });
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
    this.time.textContent = `${clock(at)} / ${clock(this.length)}`;
    this.lanes.setAttribute("aria-valuenow", String(Math.round(at)));
    this.lanes.setAttribute("aria-valuetext", t("%(at)s of %(all)s", { at: clock(at), all: clock(this.length) }));
    this.mark(at);
    this.draw();
  }

  // The phrase that sounds now; between phrases the last one keeps the mark.
  private mark(at: number): void {
    let current: HTMLElement | null = null;
    for (const phrase of this.phrases) if (Number(phrase.dataset.start) <= at + 0.05) current = phrase;
    if (at === 0 && this.audio.paused) current = null;
    if (current === this.current) return;
    this.current?.removeAttribute("aria-current");
    this.current = current;
    if (!current) return;
    current.setAttribute("aria-current", "true");
    const list = current.closest(".transcript");
    if (!list) return;
    const above = current.offsetTop < list.scrollTop;
    const below = current.offsetTop + current.offsetHeight > list.scrollTop + list.clientHeight;
    if (above || below) list.scrollTop = current.offsetTop - list.clientHeight / 3;
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this);
    const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    const played = this.length ? (this.audio.currentTime / this.length) * width : 0;
    const lane = (peaks: number[], middle: number, colourAt: (seconds: number) => string): void =>
      this.drawLane(pen, peaks, middle * height, 0.175 * height, width, played, colourAt);
    lane(this.peaks.caller, 0.31, () => colour("caller"));
    lane(this.peaks.heard, 0.81, (at) => colour(this.heardAt(at)));
    pen.globalAlpha = 1;
    pen.fillStyle = colour("line");
    pen.fillRect(0, height / 2, width, 1);
    pen.globalAlpha = 1;
    pen.fillStyle = colour("ink");
    if (played > 0) pen.fillRect(Math.min(played, width - 1.5), 0, 1.5, height);
  }

  private drawLane(
    pen: CanvasRenderingContext2D,
    peaks: number[],
    middle: number,
    half: number,
    width: number,
    played: number,
    colourAt: (seconds: number) => string,
  ): void {
    const bars = Math.floor(width / (BAR + GAP));
    for (let index = 0; index < bars; index += 1) {
      const from = Math.floor((index / bars) * peaks.length);
      const to = Math.max(from + 1, Math.floor(((index + 1) / bars) * peaks.length));
      // Square root: quiet speech stays visible beside loud music.
      const peak = Math.sqrt(Math.max(0, ...peaks.slice(from, to)) / 100);
      const reach = Math.max(0.75, peak * half);
      const x = index * (BAR + GAP);
      pen.globalAlpha = x <= played ? 1 : 0.5;
      pen.fillStyle = colourAt((index / bars) * this.length);
      pen.beginPath();
      pen.roundRect(x, middle - reach, BAR, reach * 2, 1);
      pen.fill();
    }
  }

  // The lower lane carries the bot, the operator and music: the transcript knows which.
  private heardAt(seconds: number): string {
    this.heard ??= this.phrases
      .filter((phrase) => !phrase.classList.contains("caller"))
      .map((phrase) => ({
        start: Number(phrase.dataset.start) - 0.2,
        end: Number(phrase.dataset.end) + 0.2,
        who: phrase.classList.contains("bot") ? "bot" : "operator",
      }));
    return this.heard.find((span) => span.start <= seconds && seconds <= span.end)?.who ?? (this.heard.length ? "ink-3" : "operator");
  }
}

customElements.define("pz-player", Player);
