// The player of a recording: a two-lane waveform (caller above, what the caller heard below) and a transcript
// that follows. Without scripts the page keeps the browser's own audio element and a plain transcript.

const STEP_S = 5;
const BAR = 2;
const GAP = 1;

const clock = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  const rest = `${Math.floor((whole % 3600) / 60)}:${String(whole % 60).padStart(2, "0")}`;
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${rest.padStart(5, "0")}` : rest;
};

class Player extends HTMLElement {
  connectedCallback() {
    this.audio = this.querySelector("audio");
    this.canvas = this.querySelector("canvas");
    this.lanes = this.querySelector(".lanes");
    this.toggle = this.querySelector("[data-toggle]");
    this.time = this.querySelector("[data-clock]");
    this.length = Number(this.dataset.seconds) || 0;
    this.phrases = [...document.querySelectorAll(".phrase")];
    this.peaks = { caller: [], heard: [] };
    this.audio.controls = false;

    this.toggle.addEventListener("click", () => this.playOrPause());
    this.querySelector("[data-speed]").addEventListener("change", (event) => {
      this.audio.playbackRate = Number(event.target.value);
    });
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.showState());
    for (const name of ["timeupdate", "seeked"]) this.audio.addEventListener(name, () => this.show());
    this.audio.addEventListener("error", () => this.fail());
    this.lanes.addEventListener("pointerdown", (event) => this.drag(event));
    this.lanes.addEventListener("keydown", (event) => this.key(event));
    for (const phrase of this.phrases) {
      phrase.addEventListener("click", () => this.seek(Number(phrase.dataset.start), true));
    }
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this.lanes);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
    this.scheme.addEventListener("change", this.redraw);
    this.show();
    this.load();
    this.audio.addEventListener("loadedmetadata", () => this.seekToAddress(), { once: true });
  }

  // `…#t=67` opens the page at that second: a moment of a call can be passed on as a link.
  seekToAddress() {
    const at = Number(/^#t=(\d+(?:\.\d+)?)$/.exec(location.hash)?.[1]);
    if (at) this.seek(at);
  }

  disconnectedCallback() {
    this.watcher.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
  }

  async load() {
    try {
      const answer = await fetch(this.dataset.peaks, { headers: { Accept: "application/json" } });
      if (answer.ok) this.peaks = await answer.json();
    } catch {
      // The waveform is an ornament: the player works without it.
    }
    this.draw();
  }

  playOrPause() {
    if (this.audio.paused) this.audio.play().catch(() => this.fail());
    else this.audio.pause();
  }

  fail() {
    this.querySelector("[data-fault]").hidden = false;
  }

  showState() {
    const playing = !this.audio.paused && !this.audio.ended;
    this.toggle.querySelector("use").setAttribute("href", this.toggle.dataset[playing ? "pause" : "play"]);
    this.toggle.setAttribute("aria-label", playing ? "Pause" : "Play");
    cancelAnimationFrame(this.frame);
    if (playing) this.follow();
    else this.show();
  }

  follow() {
    this.show();
    this.frame = requestAnimationFrame(() => this.follow());
  }

  seek(seconds, play = false) {
    this.audio.currentTime = Math.min(Math.max(0, seconds), this.length);
    this.show();
    if (play && this.audio.paused) this.playOrPause();
  }

  drag(event) {
    const at = (move) => {
      const box = this.lanes.getBoundingClientRect();
      this.seek(((move.clientX - box.left) / box.width) * this.length);
    };
    at(event);
    this.lanes.setPointerCapture(event.pointerId);
    this.lanes.addEventListener("pointermove", at);
    this.lanes.addEventListener("pointerup", () => this.lanes.removeEventListener("pointermove", at), { once: true });
  }

  key(event) {
    const moves = {
      ArrowLeft: -STEP_S, ArrowRight: STEP_S, ArrowDown: -STEP_S, ArrowUp: STEP_S, PageDown: -30, PageUp: 30,
      Home: -Infinity, End: Infinity,
    };
    if (event.key in moves) this.seek(this.audio.currentTime + moves[event.key]);
    else if (event.key === " " || event.key === "Enter") this.playOrPause();
    else return;
    event.preventDefault();
  }

  show() {
    const at = this.audio.currentTime;
    this.time.textContent = `${clock(at)} / ${clock(this.length)}`;
    this.lanes.setAttribute("aria-valuenow", String(Math.round(at)));
    this.lanes.setAttribute("aria-valuetext", `${clock(at)} of ${clock(this.length)}`);
    this.mark(at);
    this.draw();
  }

  // The phrase that sounds now; between phrases the last one keeps the mark.
  mark(at) {
    let current = null;
    for (const phrase of this.phrases) if (Number(phrase.dataset.start) <= at + 0.05) current = phrase;
    if (at === 0 && this.audio.paused) current = null;
    if (current === this.current) return;
    this.current?.removeAttribute("aria-current");
    this.current = current;
    if (!current) return;
    current.setAttribute("aria-current", "true");
    const list = current.closest(".transcript");
    const above = current.offsetTop < list.scrollTop;
    const below = current.offsetTop + current.offsetHeight > list.scrollTop + list.clientHeight;
    if (above || below) list.scrollTop = current.offsetTop - list.clientHeight / 3;
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const played = this.length ? (this.audio.currentTime / this.length) * width : 0;
    const lane = (peaks, middle, colourAt) => this.drawLane(pen, peaks, middle * height, 0.175 * height, width, played, colourAt);
    lane(this.peaks.caller, 0.31, () => colour("caller"));
    lane(this.peaks.heard, 0.81, (at) => colour(this.heardAt(at)));
    pen.globalAlpha = 1;
    pen.fillStyle = colour("line");
    pen.fillRect(0, height / 2, width, 1);
    pen.globalAlpha = 1;
    pen.fillStyle = colour("ink");
    if (played > 0) pen.fillRect(Math.min(played, width - 1.5), 0, 1.5, height);
  }

  drawLane(pen, peaks, middle, half, width, played, colourAt) {
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
  heardAt(seconds) {
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
