// What script adds to pages that work without it: keys, dialogs that ask, one sending of each form, menus that close.
(() => {
  "use strict";
  const root = document.documentElement, base = root.dataset.base || "";
  const all = (selector, where = document) => [...where.querySelectorAll(selector)];
  const seen = (element) => element.checkVisibility();

  // ---- the reader's zone: told once to the server, which then writes all clock times in it
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.split("; ").includes(`zone=${encodeURIComponent(zone)}`)) {
    document.cookie = `zone=${encodeURIComponent(zone)}; path=${base || "/"}; max-age=31536000; samesite=lax`;
    const told = document.cookie.includes("zone=");
    if (told && root.dataset.zone !== zone && root.dataset.zone !== "UTC" && root.dataset.method === "GET") location.reload();
  }

  // ---- forms: sent once; what asks first asks in a dialog
  const sent = new WeakSet();
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  const ask = (page, from) => {
    const question = page.querySelector(".ask");
    if (!question) return false;
    const dialog = document.createElement("dialog");
    const title = question.querySelector("h1");
    const heading = document.createElement("h2");
    heading.id = "dialog-title";
    heading.append(...title.childNodes);
    title.replaceWith(heading);
    dialog.setAttribute("aria-labelledby", "dialog-title");
    dialog.append(...question.childNodes);
    document.body.append(dialog);
    const keep = dialog.querySelector("[data-safe]");
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-safe]")) { event.preventDefault(); dialog.close(); }
    });
    dialog.addEventListener("close", () => { dialog.remove(); if (from && from.isConnected) from.focus(); });
    dialog.showModal();
    if (keep) keep.focus();
    return true;
  };

  const askFirst = async (url, options, from, otherwise) => {
    try {
      const answer = await fetch(url, { ...options, headers: { Accept: "text/html" }, redirect: "follow" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.ok && ask(page, from)) return;
      if (answer.redirected) { location.assign(answer.url); return; }
    } catch { /* the network: the plain way shows what is wrong */ }
    otherwise();
  };

  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (event.defaultPrevented || form.method !== "post") return;
    if (sent.has(form)) { event.preventDefault(); return; }
    sent.add(form);
    const asks = form.hasAttribute("data-asks") || (button && button.hasAttribute("data-asks"));
    if (!asks || typeof HTMLDialogElement === "undefined") return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, button));
    askFirst(button && button.hasAttribute("formaction") ? button.formAction : form.action, { method: "POST", body }, button, () => form.submit())
      .finally(() => sent.delete(form));
  });

  // ---- clicks: menus, rows that lead somewhere, links that ask
  document.addEventListener("click", (event) => {
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest("a[data-asks]");
    if (link) { event.preventDefault(); askFirst(link.href, {}, link, () => location.assign(link.href)); return; }
    const row = event.target.closest("[data-href]");
    if (row && !event.target.closest("a, button, input, select, textarea, label, summary, video, [contenteditable]") && !getSelection().toString()) {
      location.assign(row.dataset.href);
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-send]")) event.target.form.requestSubmit();
  });

  // ---- keys
  const places = { o: "/", p: "/projects", b: "/batches", c: "/publishing", w: "/workers" };
  let chord = -Infinity;
  const rows = () => all("main [data-href]").filter(seen);
  const here = () => document.activeElement && document.activeElement.closest("[data-href]");
  const step = (by) => {
    const found = rows(), at = found.indexOf(here());
    const next = found[at < 0 ? (by > 0 ? 0 : found.length - 1) : Math.min(found.length - 1, Math.max(0, at + by))];
    if (!next) return false;
    if (!next.hasAttribute("tabindex")) next.tabIndex = -1;
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  };
  const press = (key) => {
    const within = here() || document.querySelector("main");
    const button = all(`[data-key="${key}"]`, within).find((one) => seen(one) && one.getAttribute("aria-disabled") !== "true");
    if (button) button.click();
    return Boolean(button);
  };
  const help = () => {
    fetch(`${base}/account?part=keys`).then((answer) => answer.text()).then((text) => {
      const dialog = document.createElement("dialog");
      dialog.className = "panel help";
      dialog.append(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
      dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
      dialog.addEventListener("close", () => dialog.remove());
      document.body.append(dialog);
      dialog.showModal();
    });
    return true;
  };
  const acts = {
    "/": () => { const field = all("input[type=search]").find(seen); if (field) { field.focus(); field.select(); } return Boolean(field); },
    j: () => step(1),
    k: () => step(-1),
    Enter: () => { const row = here(); if (row !== document.activeElement || !row) return false; location.assign(row.dataset.href); return true; },
    x: () => { const box = here() && here().querySelector("input[type=checkbox]"); if (box) box.click(); return Boolean(box); },
    r: () => press("r"),
    a: () => press("a"),
    p: () => document.dispatchEvent(new Event("board:hold")),
    "?": help,
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of all("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
      return;
    }
    if (root.dataset.keys === "off" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable], dialog, video")) return;
    const afterG = event.timeStamp - chord < 1500;
    chord = -Infinity;
    if (afterG && places[event.key]) { event.preventDefault(); location.assign(base + places[event.key]); return; }
    if (event.key === "g") { chord = event.timeStamp; return; }
    if (Object.hasOwn(acts, event.key) && acts[event.key]()) event.preventDefault();
  });

  // ---- script that only one picture needs, when it comes near
  const plots = all("[data-plot][data-script]");
  if (plots.length) {
    const near = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const source = entry.target.dataset.script;
        if (!entry.isIntersecting || document.querySelector(`script[src="${CSS.escape(source)}"]`)) continue;
        const script = document.createElement("script");
        script.src = source;
        document.head.append(script);
        near.disconnect();
      }
    }, { rootMargin: "200px" });
    plots.forEach((plot) => near.observe(plot));
  }
})();
