// Large charts that answer the pointer: drawn by uPlot from the table below each, which is the truth with and without script.
(() => {
  "use strict";
  const here = document.currentScript.src;
  const from = (name) => new URL(`vendor/${name}`, here).href;
  const HEIGHT = 100;  // that of the picture whose place it takes: nothing below it moves

  const read = (figure) => {
    const rows = [...figure.querySelectorAll("tbody tr")].reverse();
    const number = (cell) => (cell.dataset.value === "" ? null : Number(cell.dataset.value));
    return [rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000), rows.map((row) => number(row.cells[1]))];
  };

  const options = (figure, width, step) => {
    const style = (name) => getComputedStyle(figure.querySelector(name));
    const tone = style("svg").color, ink = style(".y").color, line = style(".grid").stroke;
    const columns = figure.dataset.kind === "columns";
    const zone = document.documentElement.dataset.zone;
    const reading = figure.previousElementSibling?.querySelector(".reading");
    const axis = { stroke: ink, font: `12px ${getComputedStyle(document.body).fontFamily}`, ticks: { show: false } };
    const day = "{MM}/{DD}", clock = "{HH}:{mm}", none = [null, null, null, null, null, null, 1];
    const when = window.uPlot.fmtDate(`${day} ${clock}`), at = (seconds) => window.uPlot.tzDate(new Date(seconds * 1e3), zone);
    return {
      width, height: HEIGHT, legend: { show: false }, padding: [6, 0, 0, 0], tzDate: at,
      cursor: {
        y: false, sync: { key: "board" }, points: { show: !columns }, drag: { x: false, y: false },
        dataIdx: (plot, series, nearest, x) => (nearest && plot.data[0][nearest] > x ? nearest - 1 : nearest),  // a step is told of from its beginning on
      },
      scales: { x: { time: true, range: (plot, least, most) => [least, most + step] }, y: { range: (plot, least, most) => [0, Math.max(1, most * 1.1)] } },
      axes: [
        { ...axis, size: 22, gap: 5, space: 64, grid: { show: false }, values: [[86400, day, ...none], [60, clock, ...none]] },
        { ...axis, size: 28, gap: 6, space: 28, grid: { stroke: line, width: 1 } },
      ],
      series: [{}, {
        stroke: columns ? undefined : tone, fill: columns ? tone : tone.replace("rgb(", "rgba(").replace(")", ", .14)"), width: columns ? 0 : 1.5,
        paths: columns ? window.uPlot.paths.bars({ size: [0.78, 60], align: 1 }) : window.uPlot.paths.linear(), points: { show: false },
      }],
      hooks: { setCursor: [(plot) => {
        const place = plot.cursor.idx, value = place === null || place === undefined ? undefined : plot.data[1][place];
        if (reading) reading.textContent = place === null || place === undefined ? "" : `${when(at(plot.data[0][place]))} · ${value === null ? "–" : Math.round(value * 10) / 10}`;
      }] },
    };
  };

  const draw = (figure) => {
    const mount = figure.querySelector(".mount");
    let plot = null;
    const again = () => {
      const width = Math.floor(figure.clientWidth);
      if (!width) return;
      plot?.destroy();
      const data = read(figure);
      if (data[0].length < 2) return;
      plot = new window.uPlot(options(figure, width, data[0][1] - data[0][0]), data, mount);
      plot.root.setAttribute("aria-hidden", "true");  // the table says the same
    };
    again();
    new ResizeObserver(() => { if (plot && Math.abs(plot.width - figure.clientWidth) > 1) plot.setSize({ width: Math.floor(figure.clientWidth), height: HEIGHT }); }).observe(figure);
    new MutationObserver(() => plot?.setData(read(figure))).observe(figure.querySelector("tbody"), { subtree: true, childList: true, attributes: true });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  };

  const css = document.createElement("link");
  css.rel = "stylesheet";
  css.href = from("uPlot.min.css");
  const script = document.createElement("script");
  script.src = from("uPlot.iife.min.js");
  script.onload = () => document.querySelectorAll("[data-plot] .plotted").forEach(draw);
  document.head.append(css, script);
})();
