// What moves on an open page.  Figures by the events of one stream (`data-project`, `data-batch`, `data-field`), lists of events
// (`data-events`), and parts that are asked for again and laid over the old ones (`data-part`).  One paint a frame; none while the page
// is hidden or held.  Never moved: order and height of rows, focus, scroll, what is open.
(() => {
"use strict";
const words = document.getElementById("live");
if (!words) return;
const set = words.dataset, inside = words.content;
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const madeAt = Date.parse(set.now);
let ahead = madeAt - Date.now();  // of our clock, in ms: the server's is the one that counts
let held = false, frame = 0, cursor = set.cursor;
const now = () => Date.now() + ahead;

// How things are written.
const span = (seconds) => {
  const whole = Math.max(0, Math.round(seconds)), two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
};
const clocks = {};
const clock = (at, seconds) => (clocks[seconds] ??= new Intl.DateTimeFormat("en-GB", {
  timeZone: set.zone, hour: "2-digit", minute: "2-digit", ...(seconds && {second: "2-digit"}), hourCycle: "h23",
})).format(at);
const text = (element, value) => { if (element.textContent !== value) element.textContent = value; };
const mark = (element, name, value) => { if (element.getAttribute(name) !== value) element.setAttribute(name, value); };
// A stage that ended is told by a project that is on its way to the next.
const lookOf = (event) => event.progress >= 100 && /^(running|queued)$/.test(event.status) ? "completed" : event.status;
const pillOf = (status) => inside.querySelector(`[data-pill="${CSS.escape(status)}"]`);
const stages = all("[data-stage]", inside);
const wordOf = (event) => (stages[placeOf(event)] ?? stages.find((one) => one.dataset.stage === event.error?.stage))?.textContent;
const placeOf = (event) => stages.findIndex((one) => one.dataset.event === event.stage);

const write = (field, event) => {
  const name = field.dataset.field;
  switch (name) {
    case "overall": case "progress":
      if (field.tagName === "PROGRESS") field.value = event[name];
      else if (field.tagName === "rect") mark(field, "width", `${event[name]}%`);
      else text(field, String(event[name]));
      break;
    case "status": {
      const pill = pillOf(event.status)?.firstElementChild;
      if (pill && field.querySelector("[data-status]")?.dataset.status !== event.status) field.replaceChildren(pill.cloneNode(true));
      break;
    }
    case "strip": {
      const here = placeOf(event), mine = stages.findIndex((one) => one.dataset.stage === field.dataset.stage);
      if (here < 0) break;
      mark(field, "width", `${mine < here ? 100 : mine > here ? 0 : event.progress}%`);
      mark(field, "data-state", mine < here || (mine === here && event.progress >= 100) ? "done" : mine > here ? "wait" : "run");
      break;
    }
    case "stage": if (wordOf(event)) text(field, wordOf(event)); break;
    case "message":
      text(field, event.message);
      if (set.spoken !== document.documentElement.lang) field.lang = set.spoken;
      break;
    case "eta": text(field, event.eta_s == null ? "–" : span(event.eta_s)); break;
    case "ready": text(field, event.eta_s == null ? "–" : clock(now() + 1000 * event.eta_s)); break;
    case "time":
      text(field, clock(Date.parse(event.timestamp), true));
      if (field.tagName === "TIME") { field.dateTime = event.timestamp; field.title = event.timestamp; }
      break;
    case "seq": text(field, String(event.seq)); break;
    case "project":
      text(field, `#${event.project_id ?? event.batch_id}`);
      if (field.tagName === "A") field.href = field.getAttribute("href").replace(/\/*$/, `/${event.project_id ?? event.batch_id}`);
      break;
  }
};

// Figures: the newest of each topic waits for the next frame.
const newest = new Map(), voiced = new Map();  // and which status of it was said last: once is enough
const topicOf = (event) => event.project_id ? `[data-project="${event.project_id}"]` : `[data-batch="${event.batch_id}"]`;
const named = "[data-project],[data-batch]";
const shown = (selector) => all(selector).filter((row) => !row.closest("[data-events]"));
const said = document.getElementById("live-said");
const say = (row, status) => {
  const word = pillOf(status)?.textContent.trim();
  if (!word || !row.dataset.title) return false;
  const line = document.createElement("p");
  line.textContent = set.said.replace("{status}", () => word).replace("{title}", () => row.dataset.title);
  said.append(line);
  while (said.children.length > 5) said.firstChild.remove();
  return true;
};
const show = (event, topic) => {
  let isSaid = voiced.get(topic) === event.status;
  for (const row of shown(topic)) {
    const was = row.dataset.status;
    row.dataset.at = new Date(now()).toISOString();
    if (was !== undefined && was !== event.status) {
      row.dataset.status = event.status;
      if (!isSaid) isSaid = say(row, event.status);
      voiced.set(topic, event.status);
      isOver ||= row.dataset.whole !== undefined;
    }
    for (const field of all("[data-field]", row)) if (field.closest(named) === row) write(field, event);
  }
};

// Lists of events.
const waiting = new Map();
const frozen = (list) => held || list.matches(":hover") || list.contains(document.activeElement);
const told = new WeakMap();
const plain = (message) => message.replace(/\d+/g, "");
// Where only figures moved the line that is there moves: a list of what happened, not of every percent.
const isMore = (list, was, event) => was && event.progress && !event.error && was.stage === event.stage && was.status === event.status
  && (event.progress >= 100) === (was.progress >= 100) && (list.dataset.events === "all" || plain(was.message) === plain(event.message));
const add = (list, event) => {
  const last = list.querySelector(`:scope > ${topicOf(event)}`), was = last && told.get(last);
  if (!event.seq || (was?.epoch === event.epoch && was.seq >= event.seq)) return;  // 0: an end as the disk has it, no event
  const line = isMore(list, was, event) ? last : list.querySelector("template")?.content.firstElementChild?.cloneNode(true);
  if (!line) return;
  told.set(line, event);
  for (const field of [line, ...all("*", line)]) if (field.dataset?.field && !(line === last && field.dataset.field === "project")) write(field, event);
  if (line === last) return;
  const look = lookOf(event), use = line.querySelector("use");
  line.dataset[event.project_id ? "project" : "batch"] = event.project_id ?? event.batch_id;
  line.dataset.state = pillOf(look)?.dataset.look ?? "mute";
  if (use) use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${look}`));
  list.querySelector("template").after(line);
  const lines = [...list.children].filter((one) => one.tagName !== "TEMPLATE");
  lines.slice(Number(list.dataset.most) || 40).forEach((one) => one.remove());
};
const wants = (list, event) => [
  "all", String(event.project_id ?? ""), event.batch_id ? `batch:${event.batch_id}` : "",
].includes(list.dataset.events);

const paint = () => {
  frame = 0;
  if (document.hidden) return;
  if (!held) {
    newest.forEach(show);
    newest.clear();
  }
  for (const [list, events] of waiting) {
    const count = (list.closest("section, [data-part]") ?? list.parentElement).querySelector("[data-waiting]");
    if (!list.isConnected) waiting.delete(list);
    else if (!frozen(list)) { events.forEach((event) => add(list, event)); waiting.delete(list); }
    if (count) { count.hidden = !waiting.has(list); text(count, set.waiting.replace("{n}", events.length)); }
  }
};
const soon = () => { frame ||= requestAnimationFrame(paint); };
const hear = (events) => {
  for (const event of events) {
    const topic = topicOf(event), rows = shown(topic), at = Date.parse(event.timestamp);
    if (at < heard.get(topic)?.at) continue;  // a Redis that came back with less memory tells what was once more
    heard.set(topic, {at, event, came: Date.now()});
    newest.set(topic, event);
    for (const list of all("[data-events]")) if (wants(list, event)) {
      const lines = waiting.get(list) ?? [];
      waiting.set(list, [...lines.slice(-199), event]);
    }
    if (rows.length) due("event");
    if (!states.has(topic) || states.get(topic) !== event.status) { due("state"); newsAt = Date.now(); }
    states.set(topic, event.status);
  }
  soon();
};
const states = new Map(), heard = new Map();
let newsAt = 0, isOutrun = false;  // when a status changed; whether the last answer was overtaken by one
// It would take back what was shown, and is asked for again: never twice in a row, or a busy page would stand still.
const outruns = (began) => (isOutrun = newsAt >= began && !isOutrun);
// The figures that came while an answer was on its way are newer than it.
const showAgain = (began) => heard.forEach(({event, came}, topic) => { if (came >= began) show(event, topic); });

// Parts.
const parts = new WeakMap();
const standing = (part) => parts.get(part) ?? parts.set(part, {at: Date.now(), due: false}).get(part);
const due = (what) => all("[data-part]").forEach((part) => {
  if (what === "all" || part.dataset.on?.split(" ").includes(what)) standing(part).due = true;
});
let asking = false, isGone = false, isOver = false;  // gone: what the page is about was deleted meanwhile; over: what the page is about stands elsewhere now, and with it buttons and panels
const isDue = (part) => {
  const known = standing(part), {on, every} = part.dataset, past = Date.now() - known.at;
  if (known.due === "now" || past >= 1000 * Number(part.dataset.atLeast || Infinity)) return true;
  return (known.due || (every && (!on || on === "link"))) && past >= 1000 * (known.due && on === "link" ? 0 : Number(every) || 1);
};
const ask = async () => {
  if (asking || held || isGone || document.hidden) return;
  if (isOver) {
    asking = true;
    try { await renewPage(); } catch { /* asked again in a second */ } finally { asking = false; }
    return;
  }
  const wanted = all("[data-part]").filter((part) => !part.parentElement.closest("[data-part]") || !isDue(part.parentElement.closest("[data-part]"))).filter(isDue);
  if (!wanted.length) return;
  asking = true;
  for (const part of wanted) Object.assign(standing(part), {due: false, at: Date.now()});
  try { await renew(wanted); } catch { wanted.forEach((part) => { standing(part).due ||= true; }); } finally { asking = false; }  // they stay as they are, and their age is shown
};
const asked = async (url) => {
  const answer = await fetch(url, {headers: {Accept: "text/html"}, redirect: "error", signal: AbortSignal.timeout(10000)});
  isGone = answer.status === 404 && !!document.querySelector("[data-whole]");
  if (isGone) document.getElementById("page-gone").hidden = false;  // what was typed, and what is read, stays
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.text();
};
const renewPage = async () => {
  const began = Date.now();
  const fresh = new DOMParser().parseFromString(await asked(location.href), "text/html").querySelector("main");
  if (!fresh || held || document.hidden || outruns(began)) return;
  isOver = newsAt >= began;
  lay(document.querySelector("main"), fresh);
  showAgain(began);
};
const renew = async (wanted) => {
  const url = new URL(location.href);
  url.hash = "";
  url.searchParams.delete("part");
  for (const part of wanted) {
    url.searchParams.append("part", part.dataset.part);
    new URLSearchParams(part.dataset.ask ?? "").forEach((value, name) => url.searchParams.set(name, value));
  }
  const made = document.createElement("template"), began = Date.now();
  made.innerHTML = await asked(url);
  if (!made.content.hasChildNodes()) return;
  if (outruns(began)) { wanted.forEach((part) => { standing(part).due = "now"; }); return; }
  if (held || document.hidden) { wanted.forEach((part) => { standing(part).due = true; }); return; }
  for (const part of wanted) {
    const found = wanted.length === 1 ? made : [...made.content.children].find((one) => one.dataset.part === part.dataset.part);
    if (!found || !part.isConnected) continue;
    lay(part, found.content);
    part.dataset.at = new Date(now()).toISOString();
    document.dispatchEvent(new CustomEvent("board:part", {detail: part}));
  }
  showAgain(began);
};

// Laying over: what is the same stays the same element.
const keyOf = (node) => {
  if (node.nodeType !== 1) return "";
  const {key, project, batch} = node.dataset;
  return node.id ? `#${node.id}` : key ? `k${key}` : project ? `p${project}` : batch ? `b${batch}` : "";
};
const lay = (old, fresh, whole) => {
  if (!whole && old.dataset?.rows !== undefined && old.children.length && !isLeftAlone(old)) { layRows(old, fresh); return; }
  const wanted = [...fresh.childNodes], keys = new Set(wanted.map(keyOf));
  const byKey = new Map([...old.childNodes].map((node) => [keyOf(node), node]));
  let at = old.firstChild;
  for (const one of wanted) {
    const key = keyOf(one);
    while (at && keyOf(at) && !keys.has(keyOf(at))) { const next = at.nextSibling; at.remove(); at = next; }
    let found = key ? byKey.get(key) : at && !keyOf(at) ? at : null;
    if (found && found.nodeName !== one.nodeName) found = null;
    if (!found) { old.insertBefore(one, at); continue; }
    if (found === at) at = at.nextSibling; else old.insertBefore(found, at);
    patch(found, one);
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
};
const mine = new Set(["open", "data-at", "data-gone", "aria-pressed", "tabindex"]);  // what a reader, or this script, did to an element
const patch = (old, fresh) => {
  if (old.nodeType !== 1) { if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue; return; }
  if (old.matches("[data-keep],[data-events],[data-new],[data-waiting]") || old.isEqualNode(fresh)) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(old.tagName) && (old === document.activeElement || old.type === "checkbox")) return;
  for (const {name, value} of [...fresh.attributes]) if (!mine.has(name)) mark(old, name, value);
  for (const {name} of [...old.attributes]) if (!mine.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  lay(old, fresh);
};
// Where nobody touched the page for a minute nobody loses a place in it: a screen on a wall shows new rows by itself.
let touchedAt = Date.now();
for (const name of ["pointermove", "pointerdown", "keydown", "wheel"]) addEventListener(name, () => { touchedAt = Date.now(); }, {passive: true});
const isLeftAlone = (list) => Date.now() - touchedAt > 60000 && !frozen(list);
const later = new Map();
const linkOf = (list) => document.querySelector(`[data-new="${CSS.escape(list.dataset.rows)}"]`);
const layRows = (old, fresh) => {
  const there = new Map([...old.children].map((row) => [keyOf(row), row]));
  let more = 0;
  const whole = fresh.cloneNode(true);
  for (const row of [...fresh.children]) {
    const known = there.get(keyOf(row));
    if (!known) { more += 1; continue; }
    there.delete(keyOf(row));
    known.removeAttribute("data-gone");
    patch(known, row);
  }
  there.forEach((row) => row.setAttribute("data-gone", ""));
  later.set(old.dataset.rows, [old, whole]);
  const link = linkOf(old);
  if (link) { link.hidden = !more; text(link, set.new.replace("{n}", more)); }
};

// The stream.
const isAsked = document.documentElement.dataset.method === "GET";  // what a form's answer shows can't be asked for again
let stream = null, topics = "", heardAt = Date.now(), lostAt = 0, redis = set.redis || null, closing = 0;
const wanted = () => {
  const names = new Set(all("[data-events]").map((list) => list.dataset.events));
  for (const row of shown(named)) names.add(row.dataset.project || `batch:${row.dataset.batch}`);
  names.delete("batch:undefined");
  return names.has("all") || names.size > 100 ? "all" : [...names].sort().join(",");
};
const close = () => { stream?.close(); stream = null; };
const open = () => {
  if (document.hidden) return;
  close();
  topics = wanted();
  heardAt = Date.now();
  stream = new EventSource(`${set.url}?topics=${topics}&after=${cursor}`);
  const on = (name, act) => stream.addEventListener(name, (event) => {
    heardAt = Date.now();
    if (event.lastEventId) cursor = event.lastEventId;
    act(JSON.parse(event.data));
  });
  stream.onerror = () => { lostAt ||= Date.now(); };
  on("progress", hear);
  on("snapshot", () => due("all"));
  on("changed", ({what}) => what.forEach(due));
  on("beat", (beat) => {
    if (lostAt) { lostAt = 0; lost.hidden = true; }
    ahead = Date.parse(beat.now) - Date.now();
    if (beat.redis !== redis) due(beat.redis ? "link" : "all");
    if (!beat.redis !== !redis && isAsked) { isOver = true; newsAt = Date.now(); }  // what needs the queue goes off, or on, wherever it stands
    redis = beat.redis;
    vital();
    if (beat.ping_ms !== null) all('[data-live="ping"]').forEach((one) => text(one, `${beat.ping_ms.toFixed(1)} ms`));
  });
};
const lost = document.getElementById("link-lost");
const vital = () => {
  const state = lostAt ? "quota" : redis ? "bad" : "ok";
  all('[data-live="link"]').forEach((one) => mark(one, "data-state", state));
};

// Each second.
const tick = () => {
  if (document.hidden) return;
  const quiet = Date.now() - heardAt > 12000;  // a beat comes every five seconds
  if (quiet) lostAt ||= heardAt;
  if (lostAt && lost.hidden && Date.now() - lostAt > 2000) {
    text(lost.querySelector("span"), set.asOf.replace("{at}", clock(heardAt + ahead, true)));
    lost.hidden = false;
    vital();
  }
  if (!stream || stream.readyState === 2 || quiet || (topics !== "all" && wanted() !== topics)) open();
  if (!lostAt) all('[data-live="clock"]').forEach((one) => text(one, clock(now(), true)));
  all("[data-since]").forEach((one) => text(one, span((now() - Date.parse(one.dataset.since)) / 1000)));
  for (const field of all('[data-field="age"]')) {
    const row = field.closest(named), part = field.closest("[data-part]"), of = row ?? part;
    const at = Math.max(madeAt, ...[row, part].map((one) => Date.parse(one?.dataset.at) || 0));
    const old = (now() - at) / 1000;
    field.hidden = !of || old <= 10 || (row && row.dataset.status !== "running");
    if (!field.hidden) text(field, set.age.replace("{span}", span(old)));
  }
  if (waiting.size) soon();
  ask();
};

const hold = () => {
  held = !held;
  all("[data-hold]").forEach((one) => mark(one, "aria-pressed", String(held)));
  document.getElementById("live-held").hidden = !held;
  if (!held) { soon(); ask(); }
};
document.addEventListener("board:hold", hold);
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-hold]")) hold();
  const link = event.target.closest?.("[data-new]"), found = link && later.get(link.dataset.new);
  if (!found) return;
  event.preventDefault();
  link.hidden = true;
  lay(...found, true);
  later.delete(link.dataset.new);
});
document.addEventListener("visibilitychange", () => {
  clearTimeout(closing);
  if (document.hidden) { closing = setTimeout(close, 5000); return; }
  all("[data-part]").forEach((part) => { standing(part).due = "now"; });
  soon();
  tick();
});
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => { if (event.persisted) tick(); });
all("[data-hold]").forEach((one) => { one.hidden = false; mark(one, "aria-pressed", "false"); });
for (const row of shown(named)) if (row.dataset.status) states.set(topicOf({project_id: row.dataset.project, batch_id: row.dataset.batch}), row.dataset.status);
setInterval(tick, 1000);
tick();
})();
