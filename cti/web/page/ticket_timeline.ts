// The timeline of a ticket, read anew after something was written.

const DEADLINE_MS = 8000;

export async function refreshTimeline(): Promise<void> {
  const list = document.querySelector<HTMLElement>("[data-timeline]");
  if (!list?.dataset.timeline) return;
  try {
    const answer = await fetch(list.dataset.timeline, { signal: AbortSignal.timeout(DEADLINE_MS) });
    if (!answer.ok || answer.redirected) return;
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    list.replaceChildren(...parsed.childNodes);
  } catch {
    // It is brought up to date with the next change, or the next look at the page.
  }
}
