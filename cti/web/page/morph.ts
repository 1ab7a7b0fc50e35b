// Brings what a page shows to what the server drew, changing only what differs: a button that is about to be
// pressed, a selection and the focus stay where they are.

/** Make `shown`'s children the same as `wanted`'s; `wanted` is used up. Children with a `data-key` keep their nodes. */
export function morph(shown: Element, wanted: Element): void {
  const keyed = new Map<string, Element>();
  for (const child of shown.children) {
    const key = child.getAttribute("data-key");
    if (key) keyed.set(key, child);
  }
  let here = shown.firstChild;
  for (const next of [...wanted.childNodes]) {
    const key = next instanceof Element ? next.getAttribute("data-key") : null;
    const known = key ? keyed.get(key) : undefined;
    if (known && known !== here) shown.insertBefore(known, here);
    const old = known ?? here;
    if (old && alike(old, next)) {
      adopt(old, next);
      here = old.nextSibling;
    } else {
      shown.insertBefore(next, here);
    }
  }
  while (here) {
    const after = here.nextSibling;
    here.remove();
    here = after;
  }
}

function alike(old: Node, next: Node): boolean {
  if (old.nodeType !== next.nodeType) return false;
  if (!(old instanceof Element) || !(next instanceof Element)) return true;
  return old.tagName === next.tagName && old.getAttribute("data-key") === next.getAttribute("data-key");
}

function adopt(old: Node, next: Node): void {
  if (!(old instanceof Element) || !(next instanceof Element)) {
    if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (!old.tagName.includes("-")) morph(old, next); // what is in an element of ours is its own affair
}
