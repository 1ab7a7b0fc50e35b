// <pz-room>: the supervisor's room. Its parts are drawn by the server and kept fresh by <pz-live>; here are the
// buttons with which a supervisor steps into a talk. Their own phone rings; what they hear comes over it.
import { ask, Refused } from "./api";
import { t } from "./words";

class Room extends HTMLElement {
  connectedCallback(): void {
    this.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-command]") : null;
      if (button) void this.stepIn(button.dataset.call ?? "", button.dataset.command ?? "");
    });
  }

  private async stepIn(call: string, command: string): Promise<void> {
    const phone = this.dataset.phone;
    if (!phone) {
      this.say(t("Your account has no extension: ask an administrator for one, then your phone can ring."), true);
      return;
    }
    if (command === "take_over" && !confirm(t("Take the caller over? The operator's part of the call ends."))) return;
    this.say(t("Your phone %(phone)s rings: answer it.", { phone }));
    try {
      await ask("POST", `/api/v1/calls/${encodeURIComponent(call)}/commands`, { command });
    } catch (error) {
      this.say(error instanceof Refused ? error.message : String(error), true);
    }
  }

  private say(text: string, bad = false): void {
    const line = this.querySelector<HTMLElement>("[data-said]");
    if (!line) return;
    line.classList.toggle("bad", bad);
    line.textContent = text;
  }
}

customElements.define("pz-room", Room);
