// The notes of the ticket beside the call: internal ones, and what the customer is told. What is being typed is kept in
// the browser until the server has it.
import { ask } from "./api";
import { announce, el, icon, need, paint, toast } from "./dom";
import type { Drafts } from "./drafts";
import { attemptOf, type Attempt } from "./note_key";
import { moment } from "./ticker";
import { t } from "./words";

type Kind = "note" | "answer";

export interface Note {
  id: number;
  author: string;
  text: string;
  kind: string;
  created_at: string;
}

const MOST = 20;

export class NoteBox {
  private ticket: string | null = null;
  private kind: Kind = "note";
  private sending = false;
  private readonly text = need<HTMLTextAreaElement>("#t-note");
  private readonly form = need<HTMLFormElement>("[data-note]");
  private readonly radios = [...this.form.querySelectorAll<HTMLInputElement>('input[name="kind"]')];

  constructor(
    private readonly drafts: Drafts,
    private readonly onAdded: () => void,
  ) {
    this.text.addEventListener("input", () => this.keep());
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
      if (event.key === "Escape") this.text.blur();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.add();
    });
    for (const radio of this.radios) radio.addEventListener("change", () => this.choose(radio.value === "answer" ? "answer" : "note"));
  }

  focus(): void {
    this.text.focus();
  }

  /** From now on it is that ticket's, with what was typed there before. */
  open(ticket: string): void {
    this.ticket = ticket;
    this.text.value = this.drafts.get(ticket, "note")?.value ?? "";
    this.choose(this.drafts.get(ticket, "kind")?.value === "answer" ? "answer" : "note");
    this.keep();
    paint(need("[data-notes]"), [], () => []);
  }

  show(notes: Note[]): void {
    paint(need("[data-notes]"), notes, () => notes.filter(isSaid).slice(-MOST).reverse().map(noteRow));
  }

  /** Put what is typed on the ticket. True when nothing is left to put there. */
  async add(): Promise<boolean> {
    const { ticket, kind } = this;
    const text = this.text.value.trim();
    if (!ticket || !text) return true;
    if (this.sending) return false;
    this.sending = true;
    try {
      await ask("POST", `/api/v1/tickets/${ticket}/notes`, { text, kind, key: this.keyOf(ticket, text, kind) });
      for (const field of ["note", "kind", "sent"]) this.drafts.drop(ticket, field);
      if (ticket === this.ticket) {
        if (this.text.value.trim() === text) {
          this.text.value = "";
          this.text.blur(); // the next key may be meant for the call
        }
        this.keep();
        announce(t("The note is on the ticket."));
        this.onAdded();
      }
      return true;
    } catch (error) {
      toast(t("The note is not on the ticket yet, but kept here. %(why)s", { why: (error as Error).message }), "bad");
      return false;
    } finally {
      this.sending = false;
    }
  }

  /** Kept with the draft: the answer may be lost, and the page loaded anew. */
  private keyOf(ticket: string, text: string, kind: Kind): string {
    const before = JSON.parse(this.drafts.get(ticket, "sent")?.value ?? "null") as Attempt | null;
    const attempt = attemptOf(before, text, kind);
    this.drafts.put(ticket, "sent", JSON.stringify(attempt));
    return attempt.key;
  }

  private keep(): void {
    if (!this.ticket) return;
    if (this.text.value) this.drafts.put(this.ticket, "note", this.text.value);
    else this.drafts.drop(this.ticket, "note");
    need("[data-note-saved]").textContent = this.text.value ? t("Kept in this browser until you add it") : "";
  }

  private choose(kind: Kind): void {
    this.kind = kind;
    this.form.dataset.kind = kind;
    for (const radio of this.radios) radio.checked = radio.value === kind;
    this.text.placeholder = kind === "note" ? t("What the next person should know") : t("What the customer is told");
    if (this.ticket && kind === "answer") this.drafts.put(this.ticket, "kind", kind);
    else if (this.ticket) this.drafts.drop(this.ticket, "kind");
  }
}

/** What people wrote; what was done stands in the ticket's whole history. */
function isSaid(note: Note): boolean {
  return note.text !== "" && note.kind !== "changed";
}

function noteRow(note: Note): HTMLElement {
  const inner = note.kind !== "answer";
  return el(
    `li.note-row.${inner ? "inner" : "outer"}` as "li",
    {},
    el("div.by", {}, icon(inner ? "lock" : "text"), el("b", {}, note.author ?? ""), el("span.muted", {}, moment(note.created_at)), el("span.grow"), el("span.small.muted", {}, inner ? t("internal") : t("for the customer"))),
    el("p", {}, note.text),
  );
}
