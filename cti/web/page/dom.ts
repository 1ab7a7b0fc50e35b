// Small tools for the document. What people or callers wrote goes in as text only, never as markup.

type Child = Node | string | null | undefined | false;
type Props = Record<string, string | number | boolean | ((event: Event) => void) | null | undefined>;

/** An element: `el("button.primary", { type: "button", onclick: press }, "Save")`. */
export function el<K extends keyof HTMLElementTagNameMap>(
  what: K | `${K}.${string}`,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const [tag = "div", ...classes] = what.split(".");
  const node = document.createElement(tag) as HTMLElementTagNameMap[K];
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.replace(/^on/, ""), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child): child is Node | string => child instanceof Node || Boolean(child)));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the house's icons. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${need<HTMLElement>("[data-icons]").dataset.icons ?? ""}#${name}`);
  svg.append(use);
  return svg;
}

/** The one element that the page's template promises. */
export function need<T extends Element = HTMLElement>(selector: string, within: ParentNode = document): T {
  const found = within.querySelector<T>(selector);
  if (!found) throw new Error(`the page lacks ${selector}`);
  return found;
}

const painted = new WeakMap<Element, string>();

/** Fill `node` anew, but only when `data` differs from what it shows; keeps the focus on what has the same `data-key`. */
export function paint(node: Element, data: unknown, draw: () => Child[]): void {
  const wanted = JSON.stringify(data);
  if (painted.get(node) === wanted) return;
  painted.set(node, wanted);
  const active = document.activeElement;
  const key = active instanceof HTMLElement && node.contains(active) ? active.dataset.key : undefined;
  node.replaceChildren(...draw().filter((child): child is Node | string => child instanceof Node || Boolean(child)));
  if (key) node.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

/** Whether somebody is writing there: nothing may take the focus away. */
export function isTyping(target: EventTarget | null = document.activeElement): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["button", "checkbox", "radio", "range", "submit"].includes(target.type);
}

/** Tell a screen reader; `now` interrupts what it says. */
export function announce(text: string, now = false): void {
  need(now ? "[data-say-now]" : "[data-say]").textContent = text;
}

/** A message that goes away by itself. */
export function toast(text: string, tone: "calm" | "bad" = "calm"): void {
  const shelf = need("[data-toasts]");
  const note = el(`p.toast.${tone}` as "p", {}, text);
  shelf.append(note);
  announce(text);
  setTimeout(() => note.remove(), tone === "bad" ? 9000 : 4000);
}

/** "Grace Okafor" → "GO". */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toUpperCase();
}
