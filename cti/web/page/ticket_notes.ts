// The form of notes and answers: sent without leaving the page; what is typed survives a crash of the browser.
import { attemptOf, type Attempt } from "./note_key";
import { refreshTimeline } from "./ticket_timeline";
import { t } from "./words";

const DEADLINE_MS = 8000;

export class NoteForm extends HTMLElement {
  private form: HTMLFormElement | undefined;
  private sending = false;
  private sent: Attempt | null = null; // without an answer so far

  connectedCallback(): void {
    if (this.form) return;
    this.form = this.querySelector("form") ?? undefined;
    if (!this.form) return;
    const text = this.text();
    const kept = localStorage.getItem(this.key());
    if (kept && !text.value) {
      const draft = JSON.parse(kept) as { text: string; kind: string; sent?: Attempt };
      this.sent = draft.sent ?? null;
      text.value = draft.text;
      this.choose(draft.kind);
      this.say(t("Taken back: it was not added yet"));
    }
    this.form.addEventListener("input", () => {
      this.hint();
      this.keep();
    });
    this.hint();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form?.requestSubmit();
    });
  }

  private text(): HTMLTextAreaElement {
    return this.querySelector("textarea")!;
  }

  private kind(): string {
    return this.querySelector<HTMLInputElement>("input[name=kind]:checked")?.value ?? "note";
  }

  private hint(): void {
    this.text().placeholder = this.kind() === "answer" ? t("What the customer is told") : t("What the next person should know");
  }

  private choose(kind: string): void {
    const radio = this.querySelector<HTMLInputElement>(`input[name=kind][value=${CSS.escape(kind)}]`);
    if (radio) radio.checked = true;
  }

  private key(): string {
    return `presszero:note:${this.dataset.login}:${this.dataset.ticket}`;
  }

  private keep(): void {
    const text = this.text().value;
    if (text.trim()) localStorage.setItem(this.key(), JSON.stringify({ text, kind: this.kind(), sent: this.sent ?? undefined }));
    else localStorage.removeItem(this.key());
    this.say("");
  }

  private async send(): Promise<void> {
    const text = this.text().value;
    if (this.sending || !text.trim()) return;
    this.sending = true;
    const attempt = (this.sent = attemptOf(this.sent, text, this.kind()));
    this.keep();
    this.say(t("Saving …"));
    try {
      const answer = await fetch(`/api/v1/tickets/${this.dataset.ticket}/notes`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(attempt),
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      if (!answer.ok) {
        const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
        return this.say(problem.detail ?? t("It was not added: try again."), "bad");
      }
      this.sent = null;
      if (this.text().value === text) this.text().value = "";
      this.keep();
      this.say(t("Added"), "good");
      await refreshTimeline();
    } catch {
      this.say(t("It was not added: try again."), "bad");
    } finally {
      this.sending = false;
    }
  }

  private say(text: string, tone = ""): void {
    const sign = this.querySelector<HTMLElement>("[data-noted]");
    if (!sign) return;
    sign.dataset.tone = tone;
    sign.textContent = text;
  }
}
