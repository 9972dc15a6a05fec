// The grid of a batch: one tab stop, arrows within it; the line below it tells of whichever was chosen.
(() => {
  "use strict";
  const line = document.querySelector("[data-line]"), isCell = "[data-grid] > a";
  const cells = () => [...document.querySelectorAll(isCell)];
  const placeOf = (cell) => parseInt(cell.getAttribute("aria-label"), 10);
  let at = 0, picked = 0, asked = 0, waiting = 0;

  const rowOf = (all) => { // how many stand beside each other
    const below = all.findIndex((cell) => cell.offsetTop > all[0].offsetTop);
    return below < 0 ? all.length : below;
  };

  const rove = () => {
    const all = cells(), stop = Math.min(at, all.length - 1);
    all.forEach((cell, index) => {
      const wanted = index === stop ? 0 : -1;
      if (cell.tabIndex !== wanted) cell.tabIndex = wanted;
    });
  };

  const tell = (place) => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const turn = ++asked, url = new URL(location.href);
      url.searchParams.set("part", "line");
      url.searchParams.set("item", place);
      try {
        const answer = await fetch(url, { headers: { Accept: "text/html" } });
        if (answer.ok && !answer.redirected && turn === asked) line.innerHTML = await answer.text();
      } catch { /* the server is away: the line stays as it is, and the page's banner says so */ }
    }, 60);
  };

  document.addEventListener("focusin", (event) => {
    if (!event.target.matches(isCell)) return;
    at = Math.max(0, cells().indexOf(event.target));
    rove();
    tell(placeOf(event.target));
  });

  document.addEventListener("board:part", (event) => { // the grid went on: so does what is told of one of its cells
    const place = line.querySelector("[data-place]")?.dataset.place;
    if (event.detail.dataset.part === "board" && place) tell(place);
  });

  document.addEventListener("click", (event) => { // by hand the first click chooses, as the arrows do, and the second opens
    const cell = event.target;
    if (!cell.matches(isCell) || !event.detail || event.ctrlKey || event.metaKey || event.shiftKey || picked === placeOf(cell)) return;
    event.preventDefault();
    picked = placeOf(cell);
    cell.focus();
  });

  document.addEventListener("keydown", (event) => {
    if (!event.target.matches(isCell) || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = cells(), place = all.indexOf(event.target), row = rowOf(all), first = place - (place % row);
    const to = {
      ArrowLeft: place - 1, ArrowRight: place + 1, ArrowUp: place - row, ArrowDown: place + row,
      Home: event.shiftKey ? 0 : first, End: event.shiftKey ? all.length - 1 : Math.min(all.length, first + row) - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (all[to]) all[to].focus();
  });

  new MutationObserver(rove).observe(document.querySelector("main"), { childList: true, subtree: true, attributeFilter: ["tabindex"] });
  if (cells().length) rove();
})();
