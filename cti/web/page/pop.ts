// The screen-pop: who is calling, why, and what there is to know before the first word.
import { el, icon, initials, need, paint } from "./dom";
import { handOverLabel, identityLabel, languageLabel, lookupLabel, statusLabel, statusTone } from "./labels";
import type { Customer, HeardLine, Learnt, Orders, PastTicket, Pop } from "./snapshot";
import { moment } from "./ticker";
import { t, tn } from "./words";

export interface PopActions {
  choose: (customer: number) => void; // who it is, of several
  create: (name: string, number: string | null) => Promise<void>;
  call: (number: string) => void;
}

/** One line for whoever cannot see the pop. */
export function popInWords(call: Pop): string {
  const who = call.customer?.name ?? t("Unknown caller");
  const parts = [
    call.state === "ringing" ? t("Incoming call: %(who)s", { who }) : who,
    call.vip_level ? t("VIP %(level)s", { level: call.vip_level }) : "",
    call.number_shown,
    call.queue ? t("queue %(queue)s", { queue: call.queue }) : "",
    call.hand_over ? handOverLabel(call.hand_over) : "",
    call.history.length ? tn("%(num)s earlier ticket", "%(num)s earlier tickets", call.history.length) : "",
  ];
  return `${parts.filter(Boolean).join(", ")}.`;
}

export class PopView {
  private readonly root = need("[data-pop]");
  private readonly head = el("div.pop-head");
  private readonly who = el("div.pop-who");
  private readonly before = el("section.card.before");
  private readonly customer = el("section.card.customer");
  private readonly orders = el("section.card.orders");
  private readonly history = el("section.card.history");
  private readonly columns = el("div.pop-columns", {}, this.before, this.customer, this.orders, this.history);
  private shown: string | null = null;

  constructor(private readonly actions: PopActions) {}

  show(call: Pop): void {
    if (this.shown !== call.call_id) {
      this.shown = call.call_id;
      this.root.replaceChildren(this.head, this.who, this.columns);
      paint(this.who, null, () => []);
    }
    this.root.dataset.state = call.state;
    const { customer, number_shown, vip_level, language, hand_over, line, queue, number } = call;
    paint(this.head, [customer?.name, number_shown, vip_level, language, hand_over, line, queue], () => head(call));
    paint(this.who, [call.call_id, customer?.id, call.candidates, number, call.ticket !== null], () => this.choice(call));
    paint(this.before, [call.path, call.heard, call.learnt, hand_over], () => beforeYou(call));
    paint(this.customer, customer, () => (customer ? customerCard(customer) : []));
    this.customer.hidden = !customer;
    paint(this.orders, call.orders, () => ordersCard(call.orders));
    paint(this.history, call.history, () => historyCard(call.history));
    this.history.hidden = !customer && !call.history.length;
  }

  /** The place is wanted for something else. */
  leave(): HTMLElement {
    if (this.shown !== null) paint(this.root, null, () => []);
    this.shown = null;
    delete this.root.dataset.state;
    return this.root;
  }

  private choice(call: Pop): (HTMLElement | null)[] {
    if (call.customer) return [];
    return [call.candidates.length ? this.candidates(call) : null, this.newCustomer(call)];
  }

  private candidates(call: Pop): HTMLElement {
    return el(
      "section.card.who-card",
      { "aria-labelledby": "who-is-it" },
      el("header", {}, el("h2", { id: "who-is-it" }, icon("people"), t("Several people use this number. Who is it?"))),
      el(
        "div.body.choices",
        {},
        ...call.candidates.map((one) =>
          el(
            "button.button.choice",
            { type: "button", disabled: !call.ticket, "data-key": `candidate-${one.id}`, click: () => this.actions.choose(one.id) },
            el("span.avatar.tiny", { "aria-hidden": "true" }, initials(one.name)),
            one.name,
          ),
        ),
      ),
    );
  }

  private newCustomer(call: Pop): HTMLElement {
    const name = el("input", { id: "new-name", maxlength: 200, autocomplete: "off", required: true, "data-key": "new-name" });
    const button = el("button.button.primary", { "data-key": "new-save" }, t("Save customer"));
    const form = el(
      "form.body.new-customer",
      {
        submit: (event) => {
          event.preventDefault();
          if (!name.value.trim()) return;
          button.disabled = true;
          void this.actions.create(name.value.trim(), call.number).finally(() => (button.disabled = false));
        },
      },
      el("div.grow", {}, el("label", { for: "new-name" }, t("Name")), name),
      el("div", {}, el("span.label", {}, t("Number")), el("span.fixed", {}, call.number_shown)),
      button,
    );
    const title = call.candidates.length ? t("Somebody else") : t("New customer");
    return el("section.card", { "aria-labelledby": "new-customer" }, el("header", {}, el("h2", { id: "new-customer" }, icon("plus"), title)), form);
  }
}

function head(call: Pop): HTMLElement[] {
  const { customer } = call;
  const vip = call.vip_level || customer?.vip_level || 0;
  const name = customer?.name ?? (call.candidates.length ? t("One of several") : t("Unknown caller"));
  return [
    el(customer ? "span.avatar.huge" : "span.avatar.huge.nobody", { "aria-hidden": "true" }, customer ? initials(name) : "?"),
    el(
      "div.grow",
      {},
      el(
        "div.pop-name",
        {},
        el("h2", {}, customer ? el("a", { href: `/customers/${customer.id}`, target: "_blank" }, name) : name),
        vip > 0 && el("span.chip.vip", {}, vip > 1 ? t("VIP %(level)s", { level: vip }) : t("VIP")),
      ),
      el(
        "div.pop-facts",
        {},
        el("b", {}, call.number_shown),
        call.language && el("span", {}, icon("globe"), languageLabel(call.language)),
        call.queue && el("span", {}, icon("clock"), call.queue),
        el("span", { title: t("The number that was called") }, icon("phone"), call.line),
      ),
    ),
    el("div.pop-why", {}, el("span.label", {}, t("Why a person")), el("strong", {}, call.hand_over ? handOverLabel(call.hand_over) : t("Came straight to the queue"))),
  ].filter((node): node is HTMLElement => Boolean(node));
}

function title(name: string, text: string): HTMLElement {
  return el("header", {}, el("h2", {}, icon(name), text));
}

function beforeYou(call: Pop): HTMLElement[] {
  const steps = call.path.map((step) => el("span.chip.plain", {}, step));
  const nothing = !steps.length && !call.heard.length;
  return [
    title("bot", t("Before you")),
    learntLines(call.learnt),
    steps.length ? el("div.body.path", {}, el("span.small.muted", {}, t("In the menu")), ...steps) : el("div"),
    el("div.dialogue", { tabindex: 0, role: "log", "aria-label": t("What was said to the bot") }, ...call.heard.map(line)),
    nothing ? el("p.empty.slim", {}, call.hand_over ? handOverLabel(call.hand_over) : t("Neither menu nor bot: straight to you.")) : el("div"),
  ];
}

/** "Check a ticket", its number, and why the bot could not answer: what nobody need ask again. */
function learntLines(learnt: Learnt): HTMLElement {
  const { wanted, facts, lookup, identity } = learnt;
  if (!wanted) return el("div");
  const told = facts.flatMap(({ title, value, sure }) => [
    el("dt", {}, fieldName(title)),
    el("dd", {}, el("b", {}, value), !sure && el("span.small.muted", {}, ` ${t("not confirmed")}`)),
  ]);
  return el(
    "div.body.learnt",
    {},
    el("dl.facts", {}, el("dt", {}, t("Wanted")), el("dd", {}, el("b", {}, wanted)), ...told),
    ...[lookupLabel(lookup), identityLabel(identity)].filter(Boolean).map((text) => el("p.small", {}, text)),
  );
}

function line(heard: HeardLine): HTMLElement {
  const bot = heard.speaker === "bot";
  return el(
    bot ? "div.bubble.bot" : "div.bubble.caller",
    {},
    el("div.by", {}, el("b", {}, bot ? t("Bot") : t("Caller")), moment(heard.at)),
    heard.text,
  );
}

function customerCard(customer: Customer): HTMLElement[] {
  const facts = Object.entries(customer.fields).flatMap(([name, value]) => [el("dt", {}, fieldName(name)), el("dd", {}, value)]);
  const numbers = customer.numbers.length ? [el("dt", {}, t("Numbers")), el("dd", {}, ...customer.numbers.map((number) => el("div.nowrap", {}, number)))] : [];
  return [title("people", t("Customer")), el("dl.facts.body", {}, ...numbers, ...facts)];
}

/** "favourite_shop" → "Favourite shop": the company's own word, made readable. */
function fieldName(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function ordersCard(orders: Orders): HTMLElement[] {
  const words = {
    none: t("No orders."),
    loading: t("Asking the company's system …"),
    not_available: t("Not available: the company's system does not answer."),
    here: "",
  }[orders.state];
  const rows = orders.items.map((order) =>
    el(
      "li",
      {},
      el("span.grow.clip", { title: order.title }, safeLink(order.link) ? el("a", { href: order.link, target: "_blank", rel: "noreferrer" }, order.title) : order.title),
      el("span.chip.plain", {}, order.status),
    ),
  );
  return [
    title("cart", t("Orders")),
    words ? el(orders.state === "not_available" ? "p.empty.slim.warn" : "p.empty.slim", {}, words) : el("ul.rows", {}, ...rows),
  ];
}

/** Only addresses of the web: a company system's word is not ours. */
export function safeLink(link: string | null): boolean {
  return link !== null && /^https?:\/\//i.test(link);
}

function historyCard(history: PastTicket[]): HTMLElement[] {
  const rows = history.map((past) =>
    el(
      "li",
      {},
      el("a.nowrap", { href: `/tickets/${past.ticket}`, target: "_blank", "data-key": past.ticket }, past.ticket),
      el("span.grow.clip", { title: past.subject }, past.subject),
      past.recording && el("a.hear", { href: `/tickets/${past.ticket}#recording`, target: "_blank", title: t("Listen"), "aria-label": t("Listen to %(ticket)s", { ticket: past.ticket }) }, icon("wave")),
      el(`span.chip.${statusTone(past.status) || "plain"}` as "span", {}, statusLabel(past.status)),
      el("span.small.muted.nowrap", {}, moment(past.created_at)),
    ),
  );
  return [title("ticket", t("Earlier")), rows.length ? el("ul.rows", {}, ...rows) : el("p.empty.slim", {}, t("The first contact."))];
}
