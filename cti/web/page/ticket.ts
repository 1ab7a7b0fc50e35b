// The ticket's page at work: what is typed is saved by itself, never over what somebody else wrote, and never lost.
// Without this script the forms are posted as they are.
import { type Draft, type Edit, type Name, type Parts, NAMES, conflicts, edited, patience, readDraft, same, told } from "./ticket_parts";
import { NoteForm } from "./ticket_notes";
import { TagEditor } from "./ticket_tags";
import { refreshTimeline } from "./ticket_timeline";
import { t } from "./words";

const PAUSE_MS = 600; // after the last key
const DEADLINE_MS = 8000;

interface Told extends Parts {
  version: number;
}

const PART_NAMES: Record<Name, () => string> = {
  subject: () => t("Subject"),
  topic: () => t("Topic"),
  tags: () => t("Tags"),
  fields: () => t("Fields"),
};

class TicketForm extends HTMLElement {
  private form!: HTMLFormElement;
  private base!: Parts; // as it was when it was last read or written
  private version = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saving = false;
  private asking = false; // the person has to choose first
  private tries = 0;

  connectedCallback(): void {
    const form = this.querySelector("form");
    if (!form || this.form) return;
    this.form = form;
    const was = JSON.parse(this.input("was").value) as { version: number };
    this.version = was.version;
    this.base = this.read();
    form.querySelector<HTMLElement>("[data-save]")?.setAttribute("hidden", "");
    form.addEventListener("input", () => this.typed());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.save();
    });
    addEventListener("pagehide", () => this.lastWord());
    document.addEventListener("visibilitychange", () => void this.lookAgain());
    addEventListener("online", () => void this.save());
    this.offerDraft();
  }

  // Reading and writing the form ---------------------------------------------------------------------

  private input(name: string): HTMLInputElement {
    return this.form.querySelector<HTMLInputElement>(`input[name=${name}]`)!;
  }

  private rows(): [HTMLInputElement, HTMLInputElement][] {
    return [...this.form.querySelectorAll<HTMLElement>(".field-row")].map((row) => {
      const [name, value] = row.querySelectorAll("input");
      return [name!, value!];
    });
  }

  private read(): Parts {
    const fields: Record<string, string> = {};
    for (const [name, value] of this.rows()) if (value.value.trim()) fields[name.value.trim()] = value.value;
    const tags = this.input("tags").value.split(",");
    return { subject: this.input("subject").value, topic: this.input("topic").value, tags, fields };
  }

  private write(parts: Edit): void {
    if (parts.subject !== undefined) this.input("subject").value = parts.subject;
    if (parts.topic !== undefined) this.input("topic").value = parts.topic;
    if (parts.tags !== undefined) {
      this.input("tags").value = parts.tags.join(", ");
      this.querySelector<TagEditor>("pz-tags")?.show();
    }
    if (parts.fields !== undefined) this.writeFields(Object.entries(parts.fields));
  }

  private writeFields(fields: [string, string][]): void {
    while (this.rows().length < fields.length + 1) this.addRow();
    this.rows().forEach(([name, value], at) => {
      [name.value, value.value] = fields[at] ?? ["", ""];
    });
  }

  private addRow(): void {
    const rows = [...this.form.querySelectorAll<HTMLElement>(".field-row")];
    const last = rows.at(-1);
    if (!last) return;
    const row = last.cloneNode(true) as HTMLElement;
    for (const input of row.querySelectorAll("input")) {
      input.name = input.name.replace(/\d+/, String(rows.length));
      input.value = "";
    }
    last.after(row);
  }

  // Saving -------------------------------------------------------------------------------------------

  private typed(): void {
    const last = this.rows().at(-1);
    if (last && last[0].value && last[1].value) this.addRow();
    this.keepDraft();
    this.tries = 0;
    this.say(this.asking ? "" : t("Not saved yet"));
    this.later(PAUSE_MS);
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), ms);
  }

  private nameless(parts: Parts): boolean {
    return "" in parts.fields;
  }

  private async save(): Promise<void> {
    clearTimeout(this.timer);
    if (this.saving || this.asking) return;
    const sent = this.read();
    const edit = edited(this.base, sent);
    if (!Object.keys(edit).length) return this.settled();
    if (!sent.subject.trim()) return this.say(t("A ticket needs a subject."), "bad");
    if (this.nameless(sent)) return this.say(t("A field needs a name."), "bad");
    this.saving = true;
    this.say(t("Saving …"));
    try {
      await this.sent(edit, await this.patch(edit), sent);
    } catch {
      this.later(patience(this.tries++)); // no network, or the service restarts: what was typed lies in the browser
      this.say(t("Not saved: trying again"), "bad");
    } finally {
      this.saving = false;
    }
  }

  private patch(edit: Edit, keepalive = false): Promise<Response> {
    return fetch(`/api/v1/tickets/${this.dataset.ticket}`, {
      method: "PATCH",
      headers: { "Content-Type": "application/json", "If-Match": `"${this.version}"` },
      body: JSON.stringify(edit),
      keepalive,
      ...(keepalive ? {} : { signal: AbortSignal.timeout(DEADLINE_MS) }),
    });
  }

  private async sent(edit: Edit, answer: Response, sent: Parts): Promise<void> {
    if (answer.status >= 500 || answer.status === 429) throw new Error("busy");
    if (answer.status === 401) return this.say(t("Log in again in another tab: what you typed is kept"), "bad");
    const body = (await answer.json()) as Told & { ticket?: Told; detail?: string };
    if (answer.status === 412 && body.ticket) return this.meet(edit, this.base, body.ticket);
    if (!answer.ok) return this.say(body.detail ?? t("It cannot be saved like this."), "bad");
    this.tries = 0;
    this.adopt(body, sent);
    void refreshTimeline();
    if (Object.keys(edited(this.base, this.read())).length) this.later(PAUSE_MS);
    else this.settled();
  }

  /** What the house has by now becomes the base; what the person did not touch since `shown` follows it. */
  private adopt(theirs: Told, shown: Parts): void {
    const now = this.read();
    const untouched = NAMES.filter((name) => same(now[name], shown[name]));
    this.base = { ...this.base, ...pick(theirs) };
    this.version = theirs.version;
    const busy = document.activeElement;
    for (const name of untouched) {
      if (same(now[name], theirs[name] ?? "")) continue; // told alike: leave the person's cursor alone
      if (busy instanceof HTMLInputElement && this.contains(busy) && busy.name.startsWith(name.slice(0, 5))) continue;
      this.write({ [name]: pick(theirs)[name] } as Edit);
    }
    const heading = document.querySelector("[data-subject]");
    if (heading) heading.textContent = theirs.subject;
    for (const version of document.querySelectorAll<HTMLInputElement>("input[name=version]"))
      version.value = String(theirs.version);
  }

  private settled(): void {
    localStorage.removeItem(this.key());
    this.say(t("Saved"), "good");
  }

  private say(text: string, tone = ""): void {
    const sign = document.querySelector<HTMLElement>("[data-saved]");
    if (!sign) return;
    sign.dataset.tone = tone;
    if (sign.textContent !== text) sign.textContent = text;
  }

  // Others who write ---------------------------------------------------------------------------------

  /** Somebody changed the ticket. What only one of both touched is kept from each; for the rest the person chooses. */
  private meet(mine: Edit, base: Parts, theirs: Told): void {
    const both = conflicts(base, mine, pick(theirs));
    const shown = { ...base };
    for (const name of NAMES) if (mine[name] === undefined) Object.assign(shown, { [name]: this.read()[name] });
    this.base = pick(theirs);
    this.version = theirs.version;
    for (const name of NAMES) if (mine[name] === undefined) this.write({ [name]: pick(theirs)[name] } as Edit);
    if (!both.length) return this.later(0);
    this.ask(both, mine, pick(theirs));
  }

  private ask(both: Name[], mine: Edit, theirs: Parts): void {
    this.asking = true;
    this.say("");
    const box = document.createElement("div");
    box.className = "notice conflict";
    box.setAttribute("role", "alert");
    box.append(line("b", t("Somebody else has changed the same part of this ticket meanwhile.")));
    for (const name of both) {
      const row = document.createElement("p");
      row.append(line("b", `${PART_NAMES[name]()}: `), this.choice(t("Yours"), mine[name]!, () => done(name, mine)));
      row.append(" ", this.choice(t("Theirs"), theirs[name], () => done(name, theirs)));
      row.dataset.part = name;
      box.append(row);
    }
    const left = new Set(both);
    const done = (name: Name, chosen: Edit): void => {
      this.write({ [name]: chosen[name] } as Edit);
      left.delete(name);
      box.querySelector(`[data-part=${name}]`)?.remove();
      if (left.size) return;
      box.remove();
      this.asking = false;
      this.input(both[0] === "fields" ? "subject" : both[0]!).focus();
      this.keepDraft();
      void this.save();
    };
    this.querySelector(".conflict")?.remove();
    this.prepend(box);
    box.querySelector("button")?.focus();
  }

  private choice(whose: string, value: Parts[Name], take: () => void): HTMLElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.append(line("b", whose), ` ${told(value)}`);
    button.addEventListener("click", take);
    return button;
  }

  /** Back at the page: has somebody changed the ticket meanwhile? */
  private async lookAgain(): Promise<void> {
    if (document.hidden || this.saving || this.asking || Object.keys(edited(this.base, this.read())).length) return;
    try {
      const url = `/api/v1/tickets/${this.dataset.ticket}`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
      if (!answer.ok) return;
      const { ticket } = (await answer.json()) as { ticket: Told };
      if (ticket.version === this.version || this.saving || this.asking) return;
      this.adopt(ticket, this.base);
      await refreshTimeline();
    } catch {
      // The next look will tell.
    }
  }

  // Drafts -------------------------------------------------------------------------------------------

  private key(): string {
    return `presszero:draft:${this.dataset.login}:${this.dataset.ticket}`;
  }

  private keepDraft(): void {
    const mine = edited(this.base, this.read());
    if (!Object.keys(mine).length) return localStorage.removeItem(this.key());
    const draft: Draft = { at: Date.now(), base: this.base, mine };
    localStorage.setItem(this.key(), JSON.stringify(draft));
  }

  /** The page goes: what was typed in this moment is sent along, and kept in case it does not arrive. */
  private lastWord(): void {
    const edit = edited(this.base, this.read());
    if (this.asking || !Object.keys(edit).length || !this.input("subject").value.trim()) return;
    void this.patch(edit, true).catch(() => undefined);
  }

  private offerDraft(): void {
    const draft = readDraft(localStorage.getItem(this.key()));
    const mine = draft ? edited(this.base, { ...this.base, ...draft.mine }) : {};
    if (!draft || !Object.keys(mine).length) return localStorage.removeItem(this.key());
    const box = document.createElement("div");
    box.className = "notice calm draft";
    box.setAttribute("role", "status");
    const when = new Date(draft.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    box.append(line("p", t("You typed something here at %(time)s that was not saved.", { time: when })));
    const list = document.createElement("ul");
    for (const name of NAMES) {
      const value = mine[name];
      if (value !== undefined) list.append(line("li", `${PART_NAMES[name]()}: ${told(value)}`));
    }
    const take = button(t("Take it back"), () => {
      box.remove();
      const both = conflicts(draft.base, mine, this.base);
      this.write(mine);
      if (both.length) this.ask(both, mine, this.base);
      else this.typed();
    });
    const drop = button(t("Throw it away"), () => {
      localStorage.removeItem(this.key());
      box.remove();
    });
    box.append(list, take, " ", drop);
    this.prepend(box);
  }
}

function pick(told: Told): Parts {
  return { subject: told.subject, topic: told.topic ?? "", tags: told.tags, fields: told.fields };
}

function line(tag: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function button(text: string, act: () => void): HTMLElement {
  const element = line("button", text) as HTMLButtonElement;
  element.type = "button";
  element.className = "button";
  element.addEventListener("click", act);
  return element;
}

customElements.define("pz-tags", TagEditor);
customElements.define("pz-ticket", TicketForm);
customElements.define("pz-note", NoteForm);
