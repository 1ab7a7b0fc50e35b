// Search and dial: find a customer, a ticket or words of a call; ring a number.
import { ask } from "./api";
import { el, icon, need, toast } from "./dom";
import { t } from "./words";

const QUIET_MS = 200;
const SHORTEST = 2;
const MOST = 12;

interface Found {
  title: string;
  detail: string;
  symbol: string;
  href: string;
  number: string | null; // to call, instead of opening something
}

export class Finder {
  private readonly form = need<HTMLFormElement>("[data-finder]");
  private readonly input = need<HTMLInputElement>("#find");
  private readonly list = need("#found");
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;
  private at = -1;

  constructor(private readonly call: (number: string) => void) {
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.find(), QUIET_MS);
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.input.addEventListener("focus", () => this.list.childElementCount && this.input.value && this.open());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const option = this.options()[this.at];
      if (option) option.click();
      else if (this.input.value.trim()) location.assign(`/search?q=${encodeURIComponent(this.input.value.trim())}`);
    });
  }

  focus(): void {
    this.input.focus();
    this.input.select();
  }

  private async find(): Promise<void> {
    const words = this.input.value.trim();
    const turn = ++this.asked;
    if (words.length < SHORTEST) return this.close();
    try {
      const { body } = await ask<unknown>("GET", `/api/v1/search?q=${encodeURIComponent(words)}`);
      if (turn === this.asked) this.show(foundIn(body).slice(0, MOST));
    } catch (error) {
      if (turn === this.asked) this.tell((error as Error).message);
    }
  }

  private show(found: Found[]): void {
    this.at = -1;
    if (!found.length) return this.tell(t("Nothing found."));
    this.list.replaceChildren(
      ...found.map((one, index) =>
        el(
          "div.option",
          { role: "option", id: `found-${index}`, "aria-selected": "false", click: () => this.take(one), mousedown: (event) => event.preventDefault() },
          icon(one.symbol),
          el("span.grow.clip", {}, el("b", {}, one.title), one.detail && el("span.muted", {}, ` ${one.detail}`)),
        ),
      ),
    );
    this.open();
  }

  private take(one: Found): void {
    this.close();
    if (one.number) this.call(one.number);
    else window.open(one.href, "_blank");
  }

  private tell(text: string): void {
    this.list.replaceChildren(el("p.empty.slim", { role: "option", "aria-disabled": "true" }, text));
    this.open();
  }

  private key(event: KeyboardEvent): void {
    const options = this.options();
    if (event.key === "Escape") {
      this.close();
      this.input.blur();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!options.length) return;
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length;
      options.forEach((option, index) => option.setAttribute("aria-selected", String(index === this.at)));
      options[this.at]?.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", options[this.at]?.id ?? "");
    }
  }

  private options(): HTMLElement[] {
    return this.list.hidden ? [] : [...this.list.querySelectorAll<HTMLElement>(".option")];
  }

  private open(): void {
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  private close(): void {
    this.list.hidden = true;
    this.at = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

interface Answer {
  customers?: { id: number; name: string; numbers?: string[] }[];
  tickets?: { ticket: string; subject: string; customer_name?: string | null }[];
  notes?: { ticket: string; text: string | null }[];
  transcripts?: { ticket: string; text: string | null }[];
}

function foundIn(body: unknown): Found[] {
  const { customers = [], tickets = [], notes = [], transcripts = [] } = body as Answer;
  const page = (symbol: string, href: string, title: string, detail: string | null): Found => ({ title, detail: detail ?? "", symbol, href, number: null });
  const people = customers.flatMap(({ id, name, numbers = [] }) => [
    page("people", `/customers/${id}`, name, ""),
    ...numbers.slice(0, 2).map((number) => ({ title: t("Call %(number)s", { number }), detail: name, symbol: "phone", href: "", number })),
  ]);
  const cards = tickets.map((one) => page("ticket", `/tickets/${one.ticket}`, one.ticket, [one.subject, one.customer_name].filter(Boolean).join(" · ")));
  const words = (symbol: string, finds: { ticket: string; text: string | null }[]): Found[] =>
    finds.map((one) => page(symbol, `/tickets/${one.ticket}`, one.ticket, one.text));
  return [...people, ...cards, ...words("note", notes), ...words("text", transcripts)];
}

/** Ring somebody: the operator's own phone first, then theirs. */
export async function callOut(number: string, ticket: string | null, expect: () => void): Promise<void> {
  try {
    expect();
    await ask("POST", "/api/v1/calls", ticket ? { number, ticket } : { number });
    toast(t("Calling %(number)s. Your phone rings first.", { number }));
  } catch (error) {
    toast((error as Error).message, "bad");
  }
}
