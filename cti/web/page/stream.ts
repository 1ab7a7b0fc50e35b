// The desk's stream: whole snapshots, the newest one counts. A cut is told to the person, and mended with growing pauses.
import type { Snapshot } from "./snapshot";

export type Link = "connecting" | "live" | "lost";

const FIRST_S = 0.5;
const LONGEST_S = 1.5; // the desk has to be back within 3 s of the service

/** Seconds before the next attempt; `failed` in a row. Spread, so that fifty desks do not knock at the same moment. */
export function pause(failed: number, chance: number): number {
  const base = Math.min(LONGEST_S, FIRST_S * 2 ** Math.max(0, failed - 1));
  return base * (0.75 + chance * 0.5);
}

interface Listener {
  snapshot: (snapshot: Snapshot) => void;
  link: (link: Link) => void;
}

export class DeskStream {
  private source: EventSource | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failed = 0;

  constructor(
    private readonly path: string,
    private readonly listener: Listener,
  ) {
    addEventListener("online", () => void this.again());
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
    this.listener.link("connecting");
    this.open();
  }

  private open(): void {
    this.close();
    const source = new EventSource(this.path);
    this.source = source;
    source.addEventListener("desk", (event: MessageEvent<string>) => {
      this.failed = 0;
      this.listener.link("live");
      this.listener.snapshot(JSON.parse(event.data) as Snapshot);
    });
    source.addEventListener("error", () => this.cut());
  }

  private close(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = undefined;
  }

  private cut(): void {
    this.close();
    this.failed += 1;
    this.listener.link("lost");
    this.timer = setTimeout(() => void this.again(), pause(this.failed, Math.random()) * 1000);
  }

  /** The session may have ended meanwhile: then there is nothing to reconnect to. */
  private async again(): Promise<void> {
    if (this.failed > 0) {
      try {
        const answer = await fetch("/api/v1/session", {
          headers: { Accept: "application/json" },
          signal: AbortSignal.timeout(3000),
        });
        if (answer.status === 401) location.assign("/login?next=/desk");
      } catch {
        // Not back yet: the attempt itself will tell.
      }
    }
    this.open();
  }
}
