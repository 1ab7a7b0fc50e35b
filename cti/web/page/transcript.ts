// The transcript beside a player: marks the phrase and the word that sound, follows them, and says where to go.
// It is one stop for the Tab key; arrows go from phrase to phrase in it.

import { lastBefore } from "./moments";

const EARLY_S = 0.05; // a word is marked when it begins, not a frame later
const READING_MS = 4000; // who has scrolled by hand is reading: the transcript does not run away from them
const SEAM_S = 0.2;

interface Said {
  node: HTMLElement;
  start: number;
}

interface Span {
  start: number;
  end: number;
  who: string;
}

interface Wishes {
  go(seconds: number): void;
  skip(seconds: number): void;
  toggle(): void;
}

export class Transcript {
  /** What the caller heard, by who said it. */
  readonly heard: Span[];
  private readonly phrases: Said[];
  private readonly words: Said[];
  private phrase: HTMLElement | undefined;
  private word: HTMLElement | undefined;
  private readingUntil = 0;

  constructor(
    private readonly list: HTMLElement,
    private readonly wishes: Wishes,
  ) {
    const nodes = [...list.querySelectorAll<HTMLElement>(".phrase")];
    this.phrases = nodes.map((node) => ({ node, start: Number(node.dataset.start) }));
    this.words = [...list.querySelectorAll<HTMLElement>("[data-at]")].map((node) => ({ node, start: Number(node.dataset.at) }));
    // Two speak at once now and then: in the order of the phrases the words need not be in the order of time.
    this.words.sort((one, other) => one.start - other.start);
    this.heard = nodes
      .filter((node) => !node.classList.contains("caller") && !node.classList.contains("unknown"))
      .map((node) => ({
        start: Number(node.dataset.start) - SEAM_S,
        end: Number(node.dataset.end) + SEAM_S,
        who: node.classList.contains("bot") ? "bot" : "operator",
      }));
    list.addEventListener("click", (event) => this.click(event));
    list.addEventListener("keydown", (event) => this.key(event));
    for (const name of ["wheel", "touchmove"]) {
      list.addEventListener(name, () => (this.readingUntil = performance.now() + READING_MS), { passive: true });
    }
  }

  /** Go on following, whatever was read before. */
  follow(): void {
    this.readingUntil = 0;
  }

  /** Mark what sounds at `seconds`; between two phrases the last one keeps its mark. */
  show(seconds: number, begun: boolean): void {
    const at = seconds + EARLY_S;
    const phrase = begun ? this.phrases[lastBefore(this.phrases, at, (one) => one.start)]?.node : undefined;
    const word = begun ? this.words[lastBefore(this.words, at, (one) => one.start)]?.node : undefined;
    if (word !== this.word) {
      this.word?.classList.remove("now");
      this.word = word;
      word?.classList.add("now");
    }
    if (phrase === this.phrase) return;
    this.phrase?.removeAttribute("aria-current");
    this.phrase = phrase;
    if (!phrase) return;
    phrase.setAttribute("aria-current", "true");
    if (performance.now() >= this.readingUntil) this.bringIntoView(phrase);
  }

  private bringIntoView(phrase: HTMLElement): void {
    const { list } = this;
    const above = phrase.offsetTop < list.scrollTop;
    const below = phrase.offsetTop + phrase.offsetHeight > list.scrollTop + list.clientHeight;
    if (above || below) list.scrollTop = phrase.offsetTop - list.clientHeight / 3;
  }

  private click(event: Event): void {
    if (!(event.target instanceof Element)) return;
    const phrase = event.target.closest<HTMLElement>(".phrase");
    if (!phrase) return;
    const word = event.target.closest<HTMLElement>("[data-at]");
    this.stopAt(phrase, false);
    this.wishes.go(Number(word?.dataset.at ?? phrase.dataset.start));
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const here = this.phrases.findIndex((one) => one.node === document.activeElement);
    const last = this.phrases.length - 1;
    const targets: Record<string, number> = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: last };
    const target = targets[event.key];
    if (target !== undefined) {
      const phrase = this.phrases[Math.min(Math.max(target, 0), last)];
      if (phrase) this.stopAt(phrase.node, true);
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.wishes.skip(event.key === "ArrowLeft" ? -5 : 5);
    } else if (event.key === " ") {
      this.wishes.toggle();
    } else return;
    event.preventDefault();
  }

  /** The one phrase that Tab comes to. */
  private stopAt(phrase: HTMLElement, focus: boolean): void {
    for (const { node } of this.phrases) if (node.tabIndex === 0) node.tabIndex = -1;
    phrase.tabIndex = 0;
    if (focus) phrase.focus();
  }
}
