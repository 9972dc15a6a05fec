// The list of projects: what is chosen, and what acting on it takes, said before the click.  Without it the form asks on a page of its own.
(() => {
  "use strict";
  document.querySelectorAll("[data-now]").forEach(pick => pick.addEventListener("change", () => pick.form.requestSubmit()));
  document.querySelectorAll("[data-without-script]").forEach(button => { button.hidden = true; });
  const form = document.querySelector("form[data-bulk]");
  if (!form) return;
  const all = form.querySelector("[data-all]"), said = form.querySelector("[data-chosen]"), price = form.querySelector("[data-price]");
  const before = price.textContent, buttons = [...form.querySelectorAll("button[name=act]")];
  const boxes = () => [...form.querySelectorAll("input[name=id]")];
  let asking = null;
  all.hidden = false;
  form.querySelector(".with").hidden = true;
  const show = () => {
    const chosen = boxes().filter(box => box.checked);
    all.checked = chosen.length > 0 && chosen.length === boxes().length;
    all.indeterminate = chosen.length > 0 && !all.checked;
    said.hidden = false;
    said.textContent = said.dataset.says.replace("{n}", chosen.length);
    buttons.forEach(button => { button.disabled = chosen.length === 0; });
    asking?.abort();
    if (buttons.length === 0) return;
    price.textContent = chosen.length ? "…" : before;
    if (chosen.length) ask(chosen.map(box => box.value));
  };
  const ask = async ids => {
    asking = new AbortController();
    try {
      const answer = await fetch(`${form.dataset.bulk}?ids=${ids.join(",")}`, { signal: asking.signal, headers: { accept: "text/html" } });
      if (answer.ok) price.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
      else price.textContent = before;
    } catch (error) {
      if (error.name !== "AbortError") price.textContent = before;
    }
  };
  // What was said of one act does not speak for another.
  form.addEventListener("submit", event => {
    const act = event.submitter?.value;
    price.querySelectorAll("input[name=seen]").forEach(seen => { seen.disabled = seen.dataset.for !== act; });
    form.toggleAttribute("data-asks", !price.querySelector("input[name=seen]:enabled"));  // a dialog asks what was not said yet
  });
  // `r` and `a` act on the row that has the focus, and ask first.
  document.addEventListener("keydown", event => {
    const row = event.target.closest?.("tr[data-project]"), key = { r: "retry", a: "approve" }[event.key];
    const button = buttons.find(one => one.value === key);
    if (!row || !button || event.ctrlKey || event.metaKey || event.altKey || document.documentElement.dataset.keys === "off") return;
    boxes().forEach(box => { box.checked = row.contains(box); });
    asking?.abort();
    price.textContent = before;
    button.disabled = false;
    form.requestSubmit(button);
    show();
  });
  form.addEventListener("change", event => {
    if (event.target === all) boxes().forEach(box => { box.checked = all.checked; });
    if (event.target === all || event.target.name === "id") show();
  });
  show();
})();
