// The ticket beside the call: saved as it is typed. What the server does not have yet is kept in the browser.
import { ask, Refused } from "./api";
import { el, isTyping, need, paint, toast } from "./dom";
import type { Drafts } from "./drafts";
import { statusLabel, statusTone } from "./labels";
import { changed, merge, type Fields } from "./merge";
import { NoteBox, type Note } from "./note_box";
import { t } from "./words";

const QUIET_MS = 700; // after the last key
const RETRY_MS = [1000, 2000, 5000, 10_000];
const LAST = "presszero.desk.ticket";
const NAMES = ["subject", "topic", "tags"];
const OWN = "field:"; // begins the name of one of the house's own fields

interface Ticket {
  ticket: string;
  status: string;
  subject: string;
  topic: string | null;
  tags: string[];
  fields: Record<string, string>;
}

interface Detail {
  ticket: Ticket;
  notes: Note[];
}

const fieldsOf = (ticket: Ticket): Fields => ({
  subject: ticket.subject,
  topic: ticket.topic ?? "",
  tags: ticket.tags.join(", "),
  ...Object.fromEntries(Object.entries(ticket.fields).map(([name, value]) => [OWN + name, value])),
});

/** What has changed, as the API takes it; of the house's own fields it wants all, from `mine`, but from `theirs` what a
 *  person has to decide first. */
export function asEdit(fields: Fields, mine: Fields, theirs: Fields = {}): Record<string, unknown> {
  const isOwn = ([name, value]: [string, string]): boolean => name.startsWith(OWN) && value.trim() !== "";
  const edit: Record<string, unknown> = Object.fromEntries(Object.entries(fields).filter(([name]) => !name.startsWith(OWN)));
  if (Object.keys(fields).some((name) => name.startsWith(OWN))) {
    edit.fields = Object.fromEntries(Object.entries({ ...mine, ...theirs }).filter(isOwn).map(([name, value]) => [name.slice(OWN.length), value.trim()]));
  }
  if (fields.topic !== undefined) edit.topic = fields.topic.trim() || null;
  if (fields.tags !== undefined) edit.tags = fields.tags.split(",").map((tag) => tag.trim()).filter(Boolean);
  return edit;
}

export class TicketStrip {
  private name: string | null = null;
  private etag: string | null = null;
  private ticket: Ticket | null = null;
  private base: Fields = {};
  private clashes: Fields = {}; // field → what somebody else has put there
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saving = false;
  private old = false; // the server may have another version by now
  private reading: Promise<void> | null = null; // again, because it is old
  private changes = 0; // sent, and kept: what was asked for before one of them is no news
  private failed = 0;
  private readonly root = need("[data-strip]");
  private readonly inputs = new Map(NAMES.map((name) => [name, need<HTMLInputElement>(`[data-field="${name}"]`)]));
  private readonly notes: NoteBox;

  constructor(private readonly drafts: Drafts) {
    for (const input of this.inputs.values()) this.watch(input);
    const added = need<HTMLFormElement>("[data-add-field]");
    added.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = need<HTMLInputElement>("input", added);
      if (this.ticket && name.value.trim()) this.ownField(name.value.trim()).focus();
      name.value = "";
    });
    this.notes = new NoteBox(drafts, () => void this.refresh());
    addEventListener("online", () => void this.save());
  }

  get shown(): string | null {
    return this.name;
  }

  /** Whether everything typed is with the server. */
  get settled(): boolean {
    return !this.saving && !Object.keys(this.unsaved()).length;
  }

  /** The call has gone on, and with it, most likely, its ticket: it is read again before the next change. */
  grewOld(): void {
    this.old = true;
  }

  /** Take the focus away from this ticket, for the next one; whether somebody was writing. */
  leave(): boolean {
    const active = document.activeElement;
    if (!(active instanceof HTMLElement) || !this.root.contains(active)) return false;
    const wrote = isTyping(active);
    active.blur();
    return wrote;
  }

  /** After a reload: the ticket that stood here, with what was typed. */
  openAgain(): void {
    const last = sessionStorage.getItem(LAST);
    if (!this.name && last) void this.open(last);
  }

  /** Show that ticket; the same again changes nothing. */
  async open(name: string): Promise<void> {
    if (name === this.name) return;
    if (this.name) void this.save(true); // a draft keeps what this does not bring through
    this.name = name;
    sessionStorage.setItem(LAST, name);
    this.ticket = this.etag = null;
    this.base = {};
    this.clashes = {};
    this.failed = 0;
    this.root.hidden = false;
    const link = need<HTMLAnchorElement>("[data-strip-link]");
    link.textContent = name;
    link.href = need<HTMLAnchorElement>("[data-strip-more]").href = `/tickets/${name}`;
    for (const [field, input] of this.inputs) {
      input.value = "";
      if (field.startsWith(OWN)) this.inputs.delete(field);
    }
    need("[data-own]").replaceChildren();
    for (const field of this.drafts.fields(name)) if (field.startsWith(OWN)) this.ownField(field.slice(OWN.length));
    this.leave();
    this.notes.open(name);
    this.say("");
    this.draw();
    await this.load(name);
  }

  /** The server has news of this ticket. */
  async refresh(): Promise<void> {
    if (this.name) await this.load(this.name);
  }

  focus(field: "note" | "subject"): void {
    if (this.root.hidden) return;
    if (field === "note") this.notes.focus();
    else this.inputs.get("subject")?.focus();
  }

  async setStatus(status: "open" | "pending" | "closed"): Promise<void> {
    if (!this.name) return;
    const name = this.name;
    if (!(await this.notes.add())) return;
    if (!(await this.save())) return toast(t("Not closed: the ticket is not saved yet."), "bad");
    if (await this.press(name, { status })) toast(status === "closed" ? t("%(ticket)s is closed.", { ticket: name }) : statusLabel(status));
  }

  get isClosed(): boolean {
    return this.ticket?.status === "closed";
  }

  /** Tell the ticket which customer it is about. */
  async setCustomer(customer_id: number): Promise<void> {
    if (this.name) await this.press(this.name, { customer_id });
  }

  /** A button's work: on the ticket as it is at that moment, also when the next one stands here meanwhile. */
  private async press(name: string, edit: Record<string, unknown>): Promise<boolean> {
    if (name === this.name) this.say(t("Saving …"));
    try {
      for (let tries = 1; ; tries += 1) {
        const { etag } = await ask<Detail>("GET", `/api/v1/tickets/${name}`);
        try {
          await ask<Ticket>("PATCH", `/api/v1/tickets/${name}`, edit, { "If-Match": etag ?? "" });
          this.changes += 1;
          break;
        } catch (error) {
          if ((error as Refused).status !== 412 || tries === 3) throw error;
        }
      }
    } catch (error) {
      if (name === this.name) this.say(t("Not saved"), "bad"); // it is kept nowhere: the person presses again
      toast(`${name}: ${(error as Error).message}`, "bad");
      return false;
    }
    if (name === this.name) {
      await this.load(name);
      if (!Object.keys(this.unsaved()).length) this.say(t("Saved"));
    }
    return true;
  }

  private async load(name: string): Promise<void> {
    const { changes } = this;
    try {
      const { body, etag } = await ask<Detail>("GET", `/api/v1/tickets/${name}`);
      if (name !== this.name) return;
      this.notes.show(body.notes);
      if (this.saving || changes !== this.changes) return;
      this.failed = 0;
      this.old = false;
      this.take(body.ticket, etag);
    } catch (error) {
      if (name !== this.name) return;
      this.fault((error as Error).message);
      if ((error as Refused).passing) this.later(() => void this.load(name));
      // A ticket is written a moment after its call begins.
      else if ((error as Refused).status === 404 && this.failed < 5) this.later(() => void this.load(name));
    }
  }

  /** Put the server's ticket under what stands in the fields. */
  private take(ticket: Ticket, etag: string | null): void {
    const theirs = fieldsOf(ticket);
    for (const name of Object.keys(ticket.fields)) this.ownField(name);
    const first = this.ticket === null;
    let base = this.base;
    let mine = this.mine();
    if (first && this.name) {
      // What was typed before a reload, or before the ticket came.
      base = { ...theirs };
      mine = Object.fromEntries(
        [...this.inputs.keys()].map((field) => {
          const draft = this.drafts.get(ticket.ticket, field);
          if (draft) base[field] = draft.base;
          const typed = this.inputs.get(field)?.value ?? "";
          return [field, typed || (draft ? draft.value : (theirs[field] ?? ""))];
        }),
      );
    }
    const merged = merge(base, mine, theirs);
    for (const [field, input] of this.inputs) {
      const value = merged.fields[field] ?? "";
      if (input.value !== value) input.value = value;
    }
    for (const field of merged.clashes) this.clashes[field] = theirs[field] ?? "";
    for (const field of Object.keys(this.clashes)) {
      if (merged.fields[field] === theirs[field]) delete this.clashes[field];
      else this.clashes[field] = theirs[field] ?? "";
    }
    this.ticket = ticket;
    this.etag = etag;
    this.base = theirs;
    this.fault("");
    this.keep();
    this.draw();
    if (Object.keys(this.unsaved()).length) this.soon(QUIET_MS);
  }

  private watch(input: HTMLInputElement): void {
    input.addEventListener("input", () => this.typed());
    input.addEventListener("change", () => void this.save());
  }

  /** The input of one of the house's own fields; new where there was none. */
  private ownField(name: string): HTMLInputElement {
    const known = this.inputs.get(OWN + name);
    if (known) return known;
    const id = `t-own-${this.inputs.size}`;
    const input = el("input", { id, maxlength: 1000, autocomplete: "off" });
    this.watch(input);
    this.inputs.set(OWN + name, input);
    need("[data-own]").append(el("div", {}, el("label", { for: id }, name), input));
    return input;
  }

  private mine(): Fields {
    return Object.fromEntries([...this.inputs].map(([name, input]) => [name, input.value]));
  }

  /** What the server does not have; fields about which two disagree wait for a person's word. */
  private unsaved(): Fields {
    if (!this.ticket) return {};
    const fields = changed(this.base, this.mine());
    for (const field of Object.keys(this.clashes)) delete fields[field];
    if (!fields.subject?.trim()) delete fields.subject; // a ticket needs one
    return fields;
  }

  private typed(): void {
    this.keep();
    this.say(t("Typing …"));
    this.soon(QUIET_MS);
  }

  private keep(): void {
    if (!this.name) return;
    for (const [field, input] of this.inputs) {
      const was = this.base[field] ?? "";
      if (input.value === was) this.drafts.drop(this.name, field);
      else this.drafts.put(this.name, field, input.value, was);
    }
  }

  private soon(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), ms);
  }

  private later(again: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(again, RETRY_MS[Math.min(this.failed, RETRY_MS.length - 1)]);
    this.failed += 1;
  }

  /** True when the server has everything. `parting`: the next ticket comes at this moment. */
  private async save(parting = false): Promise<boolean> {
    clearTimeout(this.timer);
    const name = this.name;
    if (this.old && name && !parting && !this.saving && Object.keys(this.unsaved()).length) {
      this.reading ??= this.load(name).finally(() => (this.reading = null));
      await this.reading;
      if (name !== this.name) return false; // its draft is kept
      clearTimeout(this.timer);
    }
    if (this.saving) {
      this.soon(QUIET_MS);
      return false;
    }
    const fields = this.unsaved();
    if (!Object.keys(fields).length) {
      if (this.ticket) this.say(Object.keys(this.clashes).length ? t("Waits for your decision") : "");
      return this.ticket !== null && !Object.keys(this.clashes).length;
    }
    return this.patch(asEdit(fields, this.mine(), this.clashes), Object.keys(fields));
  }

  /** `fields`: those of the strip that are in it. */
  private async patch(edit: Record<string, unknown>, fields: string[]): Promise<boolean> {
    const name = this.name;
    if (!name || !this.etag) return false;
    this.saving = true;
    this.changes += 1;
    this.say(t("Saving …"));
    const sent = this.mine();
    try {
      const { body, etag } = await ask<Ticket>("PATCH", `/api/v1/tickets/${name}`, edit, { "If-Match": this.etag });
      this.saving = false;
      this.changes += 1;
      if (name !== this.name) return true;
      this.failed = 0;
      const now = fieldsOf(body);
      for (const [field, input] of this.inputs) {
        if (!fields.includes(field)) continue;
        // What was typed meanwhile stays: it differs from what was sent.
        if (input.value === sent[field]) input.value = now[field] ?? "";
        this.base[field] = now[field] ?? "";
      }
      this.take(body, etag ?? this.etag);
      if (!Object.keys(this.unsaved()).length) this.say(t("Saved"));
      return true;
    } catch (error) {
      this.saving = false;
      if (name !== this.name) return false;
      const refused = error as Refused;
      if (refused.status === 412) {
        await this.load(name); // take() merges, and saves again what is only ours
        if (Object.keys(this.clashes).length) this.say(t("Waits for your decision"));
      } else if (refused.passing) {
        this.say(t("Not saved yet: kept in this browser"), "bad");
        this.later(() => void this.save());
      } else {
        this.say(t("Not saved"), "bad");
        this.fault(refused.message);
      }
      return false;
    }
  }

  private draw(): void {
    const status = this.ticket?.status ?? "";
    paint(need("[data-strip-status]"), status, () => (status ? [el(`span.chip.${statusTone(status) || "plain"}` as "span", {}, statusLabel(status))] : []));
    const closed = status === "closed";
    need('[data-do="close"] [data-name]').textContent = closed ? t("Open again") : t("Close ticket");
    need('[data-do="pending"]').hidden = status !== "open";
    paint(need("[data-clashes]"), this.clashes, () => Object.entries(this.clashes).map(([field, value]) => this.clash(field, value)));
  }

  private clash(field: string, value: string): HTMLElement {
    const label = field.startsWith(OWN) ? field.slice(OWN.length) : document.querySelector(`label[for="t-${field}"]`)?.textContent;
    const decide = (mine: boolean): void => {
      delete this.clashes[field];
      const input = this.inputs.get(field);
      if (input && !mine) input.value = value;
      this.keep();
      this.draw();
      void this.save();
    };
    return el(
      "div.clash",
      { role: "alert" },
      el("p", {}, t("Somebody else has changed “%(field)s” meanwhile to:", { field: label ?? field }), " ", el("b", {}, value || t("nothing"))),
      el(
        "div.buttons",
        {},
        el("button.button", { type: "button", "data-key": `mine-${field}`, click: () => decide(true) }, t("Keep mine")),
        el("button.button", { type: "button", "data-key": `theirs-${field}`, click: () => decide(false) }, t("Take theirs")),
      ),
    );
  }

  private say(text: string, tone = ""): void {
    const sign = need("[data-saved]");
    if (sign.textContent !== text) sign.textContent = text;
    sign.dataset.tone = tone;
  }

  private fault(text: string): void {
    const notice = need("[data-strip-fault]");
    notice.textContent = text;
    notice.hidden = !text;
  }
}
