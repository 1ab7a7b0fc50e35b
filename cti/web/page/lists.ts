// <pz-filters>: the filters above a list are an address. A choice shows its list at once, and what is not
// chosen is not in the address. Without scripts the form's button does the same.

class Filters extends HTMLElement {
  connectedCallback(): void {
    const form = this.querySelector("form");
    if (!form) return;
    form.addEventListener("change", (event) => {
      if (event.target instanceof HTMLSelectElement) form.requestSubmit();
    });
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
    });
  }
}

customElements.define("pz-filters", Filters);
