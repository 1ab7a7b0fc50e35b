// The small windows of the desk: transfer, pause, keypad, shortcuts.
import { el, icon, initials, need, paint } from "./dom";
import { setBare, wantsBare } from "./keys";
import { presenceLabel } from "./labels";
import type { Colleague } from "./snapshot";
import { t } from "./words";

export type Window = "transfer" | "pause" | "keypad" | "sheet";
export type Handing = "transfer" | "consult" | "conference";

export interface DialogActions {
  hand: (how: Handing, to: string) => void;
  pause: (reason: string) => void;
  press: (digit: string) => void;
}

const dialog = (name: Window): HTMLDialogElement => need<HTMLDialogElement>(`[data-dialog="${name}"]`);

export class Dialogs {
  private colleagues: Colleague[] = [];
  private queues: string[] = [];
  private readonly to = need<HTMLInputElement>("#to");
  private readonly pressed = need<HTMLOutputElement>("[data-pressed]");

  constructor(private readonly actions: DialogActions) {
    for (const button of document.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => button.closest("dialog")?.close());
    }
    this.setUpTransfer();
    this.setUpPause();
    this.setUpKeypad();
    const bare = need<HTMLInputElement>("[data-bare]");
    bare.checked = wantsBare();
    bare.addEventListener("change", () => setBare(bare.checked));
  }

  get isOpen(): boolean {
    return document.querySelector("dialog[open]") !== null;
  }

  open(name: Window): void {
    if (this.isOpen) return;
    dialog(name).showModal();
  }

  /** The call for which it was opened is gone. */
  closeCallWindows(): void {
    for (const name of ["transfer", "keypad"] as const) if (dialog(name).open) dialog(name).close();
  }

  /** `tools`: what the call's PBX does; null: everything. */
  openTransfer(conference: boolean, tools: readonly string[] | null = null): void {
    if (this.isOpen) return;
    need("[data-transfer-title]").textContent = conference ? t("Bring somebody in") : t("Transfer");
    for (const button of document.querySelectorAll<HTMLElement>("[data-transfer]")) {
      const how = button.dataset.transfer ?? "";
      button.hidden = (how === "conference") !== conference || (tools !== null && !tools.includes(how));
    }
    this.to.value = "";
    this.list();
    dialog("transfer").showModal();
    this.to.focus();
  }

  show(colleagues: Colleague[], queues: string[]): void {
    this.colleagues = colleagues;
    this.queues = queues;
    if (dialog("transfer").open) this.list();
  }

  private setUpTransfer(): void {
    this.to.addEventListener("input", () => this.list());
    const window = dialog("transfer");
    for (const button of window.querySelectorAll<HTMLButtonElement>("[data-transfer]")) {
      button.addEventListener("click", (event) => {
        event.preventDefault();
        this.hand(button.dataset.transfer as Handing);
      });
    }
  }

  private hand(how: Handing): void {
    const to = this.target(how);
    if (!to) {
      this.to.setCustomValidity(how === "transfer" ? t("Choose one colleague or queue of the list.") : t("Choose one colleague of the list."));
      this.to.reportValidity();
      return;
    }
    dialog("transfer").close();
    this.actions.hand(how, to);
  }

  /** The one colleague or queue that the words name; a caller is sent to queues, but nobody can be asked there. */
  private target(how: Handing): string {
    const typed = this.to.value.trim();
    if (!typed) return "";
    const named = [...this.matching().map((one) => one.extension), ...(how === "transfer" ? this.matchingQueues() : [])];
    return (named.length === 1 ? named[0] : named.find((one) => one === typed)) ?? "";
  }

  private matchingQueues(): string[] {
    return this.queues.filter((name) => name.toLowerCase().startsWith(this.to.value.trim().toLowerCase()));
  }

  private matching(): Colleague[] {
    const typed = this.to.value.trim().toLowerCase();
    const begins = (one: Colleague): boolean => one.name.toLowerCase().split(/\s+/).some((word) => word.startsWith(typed));
    return this.colleagues.filter((one) => one.extension.startsWith(typed) || one.name.toLowerCase().startsWith(typed) || begins(one));
  }

  private list(): void {
    this.to.setCustomValidity("");
    const order = { ready: 0, wrap_up: 1, paused: 2, away: 3 };
    const people = this.matching().sort((one, other) => Number(one.talking) - Number(other.talking) || order[one.presence] - order[other.presence]);
    const queues = need('[data-transfer="transfer"]').hidden ? [] : this.matchingQueues();
    const choose = (to: string): void => {
      this.to.value = to;
      this.list();
      this.to.focus();
    };
    paint(need("[data-pick]"), [people, queues, this.to.value], () => [
      ...people.map((one) => {
        const words = one.talking ? t("Talking") : presenceLabel(one.presence);
        return el(
          "li",
          {},
          el(
            "button",
            { type: "button", "data-key": one.extension, "aria-pressed": String(this.to.value === one.extension), click: () => choose(one.extension) },
            el("span.avatar.tiny", { "aria-hidden": "true" }, initials(one.name)),
            el("span.grow.clip", {}, one.name),
            el("span.muted", {}, one.extension),
            el("span.presence", { "data-presence": one.talking ? "talking" : one.presence }),
            el("span.small.state", {}, words),
          ),
        );
      }),
      ...queues.map((name) =>
        el(
          "li",
          {},
          el(
            "button",
            { type: "button", "data-key": `queue ${name}`, "aria-pressed": String(this.to.value === name), click: () => choose(name) },
            icon("clock"),
            el("span.grow.clip", {}, name),
            el("span.small.state", {}, t("Queue")),
          ),
        ),
      ),
    ]);
  }

  private setUpPause(): void {
    const window = dialog("pause");
    window.addEventListener("close", () => {
      if (window.returnValue) this.actions.pause(window.returnValue);
      window.returnValue = "";
    });
    window.addEventListener("keydown", (event) => {
      const button = window.querySelectorAll<HTMLButtonElement>(".reasons button")[Number(event.key) - 1];
      if (/^[1-9]$/.test(event.key)) button?.click();
    });
  }

  private setUpKeypad(): void {
    const window = dialog("keypad");
    const press = (digit: string): void => {
      this.pressed.value += digit;
      this.actions.press(digit);
    };
    for (const button of window.querySelectorAll<HTMLElement>("[data-digit]")) {
      button.addEventListener("click", () => press(button.dataset.digit ?? ""));
    }
    window.addEventListener("keydown", (event) => {
      if (/^[0-9*#]$/.test(event.key)) press(event.key);
    });
    window.addEventListener("close", () => (this.pressed.value = ""));
  }
}
