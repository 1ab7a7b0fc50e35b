// Missed calls: one box ticks all, and a button has the house call.
import { t, tn } from "./words";

const DEADLINE_MS = 8000;

const boxes = [...document.querySelectorAll<HTMLInputElement>("table.missed input[type=checkbox]")];
const all = document.querySelector<HTMLInputElement>("input[data-all]");
const said = document.querySelector<HTMLElement>("[data-said]");

function say(text: string, tone = ""): void {
  if (!said) return;
  said.dataset.tone = tone;
  said.textContent = text;
}

function count(): void {
  const ticked = boxes.filter((box) => box.checked).length;
  document.querySelector<HTMLButtonElement>("[data-bulk]")?.toggleAttribute("disabled", !ticked);
  if (all) all.indeterminate = ticked > 0 && ticked < boxes.length;
  if (all) all.checked = ticked > 0 && ticked === boxes.length;
  say(ticked ? tn("%(num)s ticked", "%(num)s ticked", ticked) : "");
}

async function call(button: HTMLButtonElement): Promise<void> {
  button.disabled = true;
  try {
    const answer = await fetch("/api/v1/calls", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ number: button.dataset.call, ticket: button.dataset.ticket }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const problem = answer.ok ? {} : ((await answer.json().catch(() => ({}))) as { detail?: string });
    if (answer.ok) say(t("Your phone rings first."), "good");
    else say(problem.detail ?? t("The call could not be placed."), "bad");
  } catch {
    say(t("The call could not be placed."), "bad");
  } finally {
    button.disabled = false;
  }
}

for (const hidden of document.querySelectorAll<HTMLElement>("[data-all], [data-call]")) hidden.hidden = false;
all?.addEventListener("change", () => {
  for (const box of boxes) box.checked = all.checked;
  count();
});
for (const box of boxes) box.addEventListener("change", count);
for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-call]"))
  button.addEventListener("click", () => void call(button));
count();
