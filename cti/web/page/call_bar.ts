// The call bar: what can be done with the call of this moment. Its buttons stand still; only what is possible is shown.
import { ask } from "./api";
import { need, toast } from "./dom";
import { callLabel, nameOf } from "./labels";
import type { PhoneView } from "./page_phone";
import type { Colleague, Me, Pop } from "./snapshot";
import { runSince } from "./ticker";
import { t } from "./words";

export type Tool = "answer" | "complete" | "return" | "hold" | "mute" | "transfer" | "conference" | "keypad" | "record" | "recording" | "hang_up";

/** Which tools there are; `page`: the page's phone rings for this operator. */
export function toolsFor(call: Pop | null, page: boolean, phone: Pick<PhoneView, "talk">): Set<Tool> {
  const ringsHere = page && phone.talk === "ringing";
  if (!call || call.state === "wrap_up") {
    // The phone may know of a call before the service does, or outlive its word.
    if (ringsHere) return new Set(["answer", "hang_up"]);
    return new Set(page && phone.talk !== "none" ? ["mute", "hang_up"] : []);
  }
  // A virtual PBX's phones are its own: they are answered, and put on hold, where they ring.
  if (call.tools) return new Set(call.state === "ringing" ? [] : offered(call.tools));
  // The colleague who asks has the caller; here is only the talk with them.
  if (call.state === "asked") return new Set(page ? ["mute", "hang_up"] : []);
  if (call.state === "ringing") return new Set(page ? ["answer", "hang_up"] : ["hang_up"]);
  // No hanging up while a colleague is asked: it would hand the caller over, or drop them. `return` ends the asking.
  if (call.consulting) return new Set<Tool>(["complete", "return", ...(page ? (["mute"] as const) : [])]);
  const all: Tool[] = ["hold", "transfer", "conference", "keypad", "recording", "hang_up"];
  return new Set(page ? [...all, "mute"] : all);
}

function offered(tools: readonly string[]): Tool[] {
  const all: Tool[] = [];
  if (tools.includes("transfer") || tools.includes("consult")) all.push("transfer");
  if (tools.includes("record")) all.push("record");
  if (tools.includes("hang_up")) all.push("hang_up");
  return all;
}

export class CallBar {
  private readonly bar = need("[data-call-bar]");
  private readonly tools = new Map(
    [...document.querySelectorAll<HTMLButtonElement>("[data-tools] [data-do]")].map((node) => [node.dataset.do as Tool, node]),
  );
  private call: Pop | null = null;
  private busy = false;

  show(call: Pop | null, me: Me, colleagues: readonly Colleague[], phone: PhoneView): void {
    const another = call?.call_id !== this.call?.call_id;
    this.call = call;
    const page = me.phone === "page";
    this.bar.dataset.state = call ? (call.consulting ? "consulting" : call.state) : "none";
    need("[data-call-chip]").textContent = call ? chip(call, colleagues) : t("No call");
    runSince(need("[data-call-clock]"), call?.since ?? null);
    need("[data-call-name]").textContent = call ? (call.customer?.name ?? call.number_shown) : "";
    need("[data-call-line]").textContent = call ? [call.customer ? call.number_shown : "", call.queue ?? ""].filter(Boolean).join(" · ") : idleWords(me);
    const able = toolsFor(call, page, phone);
    // A key pressed for one call, or for one button, presses no other: the focus waits on the bar itself.
    const focused = [...this.tools].find(([, node]) => node === document.activeElement)?.[0];
    if (focused && (another || !able.has(focused))) this.bar.focus();
    for (const [name, node] of this.tools) node.hidden = !able.has(name);
    this.press("hold", call?.state === "held", t("Hold"), t("Take back"));
    this.press("mute", phone.muted, t("Mute"), t("Unmute"));
    this.press("recording", call?.recording_paused ?? false, t("Pause recording"), t("Resume recording"));
    this.name("hang_up", call?.state === "ringing" ? t("Decline") : t("Hang up"));
    need("[data-paused]").hidden = !call?.recording_paused || call.state === "wrap_up";
    const hint = need("[data-call-hint]");
    const words = hintFor(call, me, colleagues);
    if (hint.textContent !== words) hint.textContent = words;
    hint.hidden = !words;
  }

  can(tool: Tool): boolean {
    return !(this.tools.get(tool)?.hidden ?? true);
  }

  /** Ask the PBX; a second press while the first is under way does nothing. */
  async command(command: string, more: Record<string, string> = {}): Promise<boolean> {
    if (!this.call || this.busy) return false;
    this.busy = true;
    this.bar.setAttribute("aria-busy", "true");
    try {
      await ask("POST", `/api/v1/calls/${encodeURIComponent(this.call.call_id)}/commands`, { command, ...more });
      return true;
    } catch (error) {
      toast((error as Error).message, "bad");
      return false;
    } finally {
      this.busy = false;
      this.bar.removeAttribute("aria-busy");
    }
  }

  private press(tool: Tool, on: boolean, off: string, pressed: string): void {
    this.tools.get(tool)?.setAttribute("aria-pressed", String(on));
    this.name(tool, on ? pressed : off);
  }

  private name(tool: Tool, text: string): void {
    const node = this.tools.get(tool)?.querySelector("[data-name]");
    if (node && node.textContent !== text) node.textContent = text;
  }
}

function chip(call: Pop, colleagues: readonly Colleague[]): string {
  if (call.consulting) return t("Asking %(whom)s", { whom: nameOf(call.consulting, colleagues) });
  if (call.asked_by && call.state === "asked") return t("%(who)s asks you", { who: nameOf(call.asked_by, colleagues) });
  return callLabel(call.state);
}

/** What goes on that the buttons do not say. */
export function hintFor(call: Pop | null, me: Me, colleagues: readonly Colleague[]): string {
  if (!call) return "";
  if (call.consulting) {
    const whom = nameOf(call.consulting, colleagues);
    return call.consulting_answered ? t("%(whom)s has answered. The caller hears music.", { whom }) : t("The phone of %(whom)s rings. The caller hears music.", { whom });
  }
  const own = call.state === "ringing" && (me.phone !== "page" || call.tools) ? t("Answer on your phone, extension %(extension)s.", { extension: me.extension }) : "";
  if (!call.asked_by) return own;
  const who = nameOf(call.asked_by, colleagues);
  const asked = call.state === "ringing" ? t("%(who)s wants to ask you about this caller.", { who }) : t("The caller hears music. When %(who)s hangs up, the caller is yours.", { who });
  return [asked, own].filter(Boolean).join(" ");
}

function idleWords(me: Me): string {
  if (me.presence === "ready") return t("The next caller appears here when your phone rings.");
  if (me.presence === "wrap_up") return t("The call is over.");
  return t("You are not taking calls.");
}
