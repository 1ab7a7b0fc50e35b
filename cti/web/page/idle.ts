// What stands in the place of the pop while nobody rings: the calls that nobody took.
import { ask } from "./api";
import { el, icon, paint } from "./dom";
import { moment } from "./ticker";
import { t } from "./words";
import type { Snapshot } from "./snapshot";

const MOST = 8;

interface Missed {
  ticket: string;
  customer_name: string | null;
  caller: string | null; // E.164
  received_at: string;
}

export class Idle {
  private missed: Missed[] = [];
  private counted = -1;
  private reading = false;

  constructor(
    private readonly call: (number: string, ticket: string) => void,
    private readonly again: () => void, // there is something new to show
  ) {}

  show(root: HTMLElement, snapshot: Snapshot): void {
    if (snapshot.missed !== this.counted && !this.reading) void this.read(snapshot.missed);
    const { presence } = snapshot.me;
    paint(root, ["idle", presence, this.missed, snapshot.missed], () => [welcome(presence), this.missed.length ? this.list(snapshot.missed) : null]);
  }

  private async read(count: number): Promise<void> {
    this.reading = true;
    this.counted = count;
    try {
      this.missed = count ? (await ask<{ items: Missed[] }>("GET", `/api/v1/missed?limit=${MOST}`)).body.items : [];
      this.again();
    } catch {
      this.missed = []; // the number beside says that there are some
    } finally {
      this.reading = false;
    }
  }

  private list(count: number): HTMLElement {
    return el(
      "section.card",
      { "aria-labelledby": "to-call" },
      el("header", {}, el("h2", { id: "to-call" }, icon("back-call"), t("Missed calls")), el("span.grow"), el("a.small", { href: "/missed" }, t("All %(num)s", { num: count }))),
      el("ul.rows", {}, ...this.missed.map((one) => this.row(one))),
    );
  }

  private row(one: Missed): HTMLElement {
    const number = one.caller;
    return el(
      "li",
      {},
      el("a.nowrap", { href: `/tickets/${one.ticket}`, "data-key": one.ticket }, one.ticket),
      el("span.grow.clip", {}, el("b", {}, one.customer_name ?? number ?? t("Number withheld")), one.customer_name && number ? el("span.muted", {}, ` ${number}`) : ""),
      el("span.small.muted.nowrap", {}, moment(one.received_at)),
      number && el("button.button.slim", { type: "button", "data-key": `call-${one.ticket}`, click: () => this.call(number, one.ticket) }, icon("phone"), t("Call")),
      el("button.button.slim", { type: "button", "data-key": `done-${one.ticket}`, "aria-label": t("Done: %(ticket)s", { ticket: one.ticket }), click: () => void this.done(one.ticket) }, icon("check"), t("Done")),
    );
  }

  private async done(ticket: string): Promise<void> {
    await ask("POST", "/api/v1/missed/done", { tickets: [ticket] }).catch(() => undefined);
    this.missed = this.missed.filter((one) => one.ticket !== ticket);
    this.again();
  }
}

function welcome(presence: string): HTMLElement {
  const [symbol, title, text] =
    presence === "ready"
      ? ["phone", t("Ready for the next call"), t("Who is calling appears here as soon as your phone rings.")]
      : presence === "wrap_up"
        ? ["note", t("Time to write up"), t("Finish the ticket; the next call comes when you are ready.")]
        : ["coffee", t("You are not taking calls"), t("Press Ready when you are back.")];
  return el("div.card.welcome", {}, icon(symbol), el("strong", {}, title), el("span.muted", {}, text));
}
