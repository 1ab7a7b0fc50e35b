// Tags as chips over the plain input of the form: the input keeps the tags, by commas; the chips show them.
import { tidyTags } from "./ticket_parts";
import { t } from "./words";

export class TagEditor extends HTMLElement {
  private kept: HTMLInputElement | undefined; // the form's own
  private field!: HTMLInputElement; // what is typed into
  private list!: HTMLUListElement;

  connectedCallback(): void {
    if (this.kept) return;
    const kept = this.querySelector("input");
    if (!kept) return;
    this.kept = kept;
    this.list = document.createElement("ul");
    this.list.className = "tags";
    this.field = kept.cloneNode() as HTMLInputElement;
    this.field.removeAttribute("name");
    this.field.value = "";
    kept.type = "hidden";
    kept.removeAttribute("id");
    this.append(this.list, this.field);
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("input", (event) => {
      event.stopPropagation(); // half a tag is none
      if (this.field.value.includes(",")) this.take();
    });
    this.field.addEventListener("change", (event) => event.stopPropagation());
    this.field.addEventListener("blur", () => this.take());
    this.show();
  }

  private tags(): string[] {
    return tidyTags(this.kept!.value.split(","));
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Enter" && this.field.value.trim()) {
      event.preventDefault();
      this.take();
    } else if (event.key === "Backspace" && !this.field.value) {
      this.put(this.tags().slice(0, -1));
    }
  }

  private take(): void {
    if (!this.field.value.trim()) return;
    const added = this.field.value.split(",");
    this.field.value = "";
    this.put([...this.tags(), ...added]);
  }

  private put(tags: string[]): void {
    this.kept!.value = tidyTags(tags).slice(0, Number(this.dataset.most ?? 20)).join(", ");
    this.show();
    this.kept!.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Draw what the input has. */
  show(): void {
    if (!this.kept) return;
    this.list.replaceChildren(
      ...this.tags().map((tag) => {
        const item = document.createElement("li");
        item.className = "chip plain";
        const away = document.createElement("button");
        away.type = "button";
        away.textContent = "×";
        away.setAttribute("aria-label", t("Take away the tag %(tag)s", { tag }));
        away.addEventListener("click", () => {
          this.put(this.tags().filter((other) => other !== tag));
          this.field.focus();
        });
        item.append(tag, away);
        return item;
      }),
    );
  }
}
