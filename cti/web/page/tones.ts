// The ringing of the page's phone, made by the browser: no file, and it stops at once.

const BEAT_S = 3; // ring, ring, pause

export class Ringer {
  private context: AudioContext | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  /** Browsers keep a page silent until somebody has clicked or typed in it. */
  get silenced(): boolean {
    return this.context?.state === "suspended";
  }

  /** Make ready, best at a person's click. */
  async prepare(): Promise<void> {
    this.context ??= new AudioContext();
    if (this.context.state === "suspended") {
      await Promise.race([this.context.resume(), new Promise((done) => setTimeout(done, 300))]);
    }
  }

  start(): void {
    if (this.timer) return;
    void this.prepare().then(() => this.timer && this.ring());
    this.timer = setInterval(() => this.ring(), BEAT_S * 1000);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private ring(): void {
    if (!this.context || this.silenced) return;
    for (const at of [0, 0.55]) this.chime(this.context, this.context.currentTime + at);
  }

  /** Two soft notes: to be heard in a room where others talk. */
  private chime(context: AudioContext, at: number): void {
    for (const [pitch, delay] of [[659.3, 0], [880, 0.14]] as const) {
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0, at + delay);
      volume.gain.linearRampToValueAtTime(0.22, at + delay + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, at + delay + 0.42);
      tone.connect(volume).connect(context.destination);
      tone.start(at + delay);
      tone.stop(at + delay + 0.45);
    }
  }
}

/** Shows how loud a voice is: calls `show` with 0 to 1 some ten times a second, until the returned function is called. */
export function meter(voice: MediaStream, show: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(voice).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const loudness = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
    show(Math.min(1, Math.sqrt(loudness) * 1.8)); // square root: quiet speech is visible
  }, 80);
  return () => {
    clearInterval(timer);
    void context.close();
    show(0);
  };
}
