// The page's texts in its language: base.html puts the catalogue into each page as JSON, English text → translation,
// or → its forms by number. `%(name)s` is filled in, `%%` is a per cent sign, as everywhere in the house.

type Values = Record<string, string | number>;
type Catalogue = Record<string, string | string[]>;

let catalogue: Catalogue | undefined;

function words(text: string): string | string[] {
  if (!catalogue) {
    const source = globalThis.document?.getElementById("words")?.textContent;
    catalogue = source ? (JSON.parse(source) as Catalogue) : {};
  }
  return catalogue[text] ?? "";
}

function filled(text: string, values: Values): string {
  return text.replace(/%%|%\((\w+)\)[sd]/g, (whole, name?: string) => (name ? String(values[name] ?? whole) : "%"));
}

/** A text in the page's language. */
export function t(text: string, values: Values = {}): string {
  const found = words(text);
  return filled((Array.isArray(found) ? found[0] : found) || text, values);
}

/** A text with a number, `%(num)s`, in the form that the number asks for. */
export function tn(one: string, many: string, num: number, values: Values = {}): string {
  const found = words(one);
  const forms = Array.isArray(found) && found.every(Boolean) ? found : [one, many];
  const lang = forms === found ? document.documentElement.lang : "en";
  // CLDR's order is gettext's: one, few, many (Russian), one, other (English).
  const order = ["one", "two", "few", "many"].filter((name) => plurals(lang).has(name));
  const at = order.indexOf(new Intl.PluralRules(lang).select(num));
  return filled(forms[at < 0 ? forms.length - 1 : Math.min(at, forms.length - 1)] ?? many, { num, ...values });
}

function plurals(lang: string): Set<string> {
  return new Set(new Intl.PluralRules(lang).resolvedOptions().pluralCategories);
}
