// The grid of a batch: one tab stop, arrows within it; the line below it tells of whichever has the focus.
"use strict";
(() => {
  const line = document.querySelector("[data-line]");
  let at = 0, asked = 0, waiting = 0;
  const cells = () => [...document.querySelectorAll("[data-grid] > a")];
  const wide = (all) => {
    const top = all[0].offsetTop;
    const below = all.findIndex((cell) => cell.offsetTop > top);
    return below < 0 ? all.length : below;
  };
  const rove = () => {
    const all = cells();
    all.forEach((cell, place) => {
      const wanted = place === Math.min(at, all.length - 1) ? 0 : -1;
      if (cell.tabIndex !== wanted) cell.tabIndex = wanted;
    });
  };
  const tell = (cell) => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const turn = ++asked;
      const url = new URL(location.href);
      url.searchParams.set("part", "line");
      url.searchParams.set("item", parseInt(cell.getAttribute("aria-label"), 10));
      try {
        const answer = await fetch(url, { headers: { Accept: "text/html" } });
        if (answer.ok && turn === asked) line.innerHTML = await answer.text();
      } catch { /* the server is away: the line stays as it is, and the page's banner says so */ }
    }, 60);
  };
  const chosen = (cell) => {
    const all = cells();
    at = Math.max(0, all.indexOf(cell));
    all.forEach((one) => one.classList.toggle("on", one === cell));
    rove();
    tell(cell);
  };
  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-grid] > a")) chosen(event.target);
  });
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "mouse" && event.target.matches("[data-grid] > a")) tell(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches("[data-grid] > a") || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = cells(), place = all.indexOf(event.target), row = wide(all);
    const to = { ArrowLeft: place - 1, ArrowRight: place + 1, ArrowUp: place - row, ArrowDown: place + row,
      Home: event.shiftKey ? 0 : place - (place % row), End: event.shiftKey ? all.length - 1 : Math.min(all.length - 1, place - (place % row) + row - 1) }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (all[to]) all[to].focus();
  });
  new MutationObserver(rove).observe(document.querySelector("main"), { childList: true, subtree: true, attributeFilter: ["tabindex"] });
  if (cells().length) rove();
})();
