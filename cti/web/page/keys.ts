// The keyboard: one letter while nobody types, the same letter with Alt at any time. By the key's place
// (`KeyboardEvent.code`), so that it is the same key on a Russian layout.

export type Action =
  | "answer"
  | "hold"
  | "mute"
  | "transfer"
  | "conference"
  | "keypad"
  | "recording"
  | "hang_up"
  | "note"
  | "close"
  | "subject"
  | "ready"
  | "pause"
  | "more_time"
  | "search"
  | "dial"
  | "sheet";

export const KEYS: Record<string, Action> = {
  KeyA: "answer",
  KeyH: "hold",
  KeyM: "mute",
  KeyT: "transfer",
  KeyF: "conference",
  KeyK: "keypad",
  KeyP: "recording",
  KeyX: "hang_up",
  KeyN: "note",
  KeyC: "close",
  KeyS: "subject",
  KeyR: "ready",
  KeyB: "pause",
  KeyW: "more_time",
  KeyD: "dial",
  Slash: "search",
};

interface Press {
  code: string;
  key: string;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  repeat: boolean;
}

/** What a press means. `typing`: the focus is in a field; `bare`: single letters are wanted at all. */
export function actionOf(press: Press, typing: boolean, bare: boolean): Action | null {
  if (press.repeat || press.ctrlKey || press.metaKey) return null;
  if (!press.altKey && (typing || !bare)) return null;
  if (press.key === "?") return "sheet";
  if (press.shiftKey) return null;
  return KEYS[press.code] ?? null;
}

const BARE = "presszero.keys.bare";

/** Single letters without Alt can be switched off (WCAG 2.1.4). */
export function wantsBare(): boolean {
  return localStorage.getItem(BARE) !== "no";
}

export function setBare(wanted: boolean): void {
  localStorage.setItem(BARE, wanted ? "yes" : "no");
}
