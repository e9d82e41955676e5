// What happens when somebody points, clicks and types, and the panel beside the canvas.

const details = byId("selected"), tip = byId("tip");

/** An element with text in it. Text only: no value of a history is ever parsed as markup. */
function make(tag, text, kind) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

function listing(rows) {
  const list = make("dl");
  for (const [name, value, kind] of rows) if (value !== "" && value !== undefined) list.append(make("dt", name), make("dd", value, kind));
  return list;
}

// ---- finding what is under the pointer ------------------------------------------------------

function hit(x, y) {
  if (x < GUTTER) return null;
  if (y >= AXIS && y < AXIS + strips * STRIP) {
    const strip = Math.floor((y - AXIS) / STRIP);
    return data.faults.find(fault => fault.strip === strip && x >= toX(fault.start) - 2 && x <= toX(fault.end) + 2) || null;
  }
  if (y < top() || y > bottom()) return null;
  const lane = lanes[Math.floor((y - top() + state.scroll) / pitch())];
  if (!lane) return null;
  const slack = toTime(x + 3) - toTime(x), time = toTime(x);
  let best = null, bestSpan = Infinity;
  const covers = op => {
    const end = op.drawn, span = end - op.start;
    if (op.start - slack <= time && time <= end + slack && span < bestSpan) { best = op; bestSpan = span; }
  };
  for (let i = firstWhere(lane.reach, reach => reach >= time - slack); i < lane.ops.length && lane.ops[i].start - slack <= time; i++) covers(lane.ops[i]);
  if (best) return best;
  // The tail of an indeterminate operation: the latest that had begun by then.
  for (let i = firstWhere(lane.ops, op => op.start > time) - 1; i >= 0 && lane.tail <= time; i--) if (lane.ops[i].outcome === 1) return lane.ops[i];
  return null;
}

// ---- the panel ------------------------------------------------------------------------------

function select(thing) {
  state.selected = thing;
  details.replaceChildren();
  if (!thing) details.append(make("h2", "Operation"), make("p", "Click a bar to see the whole operation.", "hint"));
  else if (thing.lane === undefined) showFault(thing);
  else showOperation(thing);
  redraw();
}

function showOperation(op) {
  const role = part(op), title = make("h2", op.f + " by process " + op.process + " ");
  title.append(make("span", OUTCOMES[op.outcome], "chip " + OUTCOMES[op.outcome]));
  details.append(title, listing([
    ["role", role ? role.role : ""],
    ["key", op.key >= 0 ? data.keys[op.key] : "", "data"],
    ["called with", op.call, "data"],
    ["answered", op.result, "data"],
    ["error", op.error, "data"],
    ["meaning", ["It took effect.", "Nobody knows whether it took effect; it may still do so.", "It certainly did not take effect."][op.outcome]],
    ["invoked", exact(op.start)],
    ["completed", op.end < 0 ? "never" : exact(op.end)],
    ["took", op.end < 0 ? "" : duration(op.end - op.start)],
    ["worker", data.lanes[op.lane]],
    ["node", op.node],
    ["in the history", "index " + op.index + (op.completion >= 0 ? " to " + op.completion : ", no completion")],
  ]));
}

function showFault(fault) {
  details.append(make("h2", fault.name), listing([
    ["what", fault.what], ["nodes", fault.nodes],
    ["proof", fault.proof], ["from", exact(fault.start)], ["to", fault.open ? "the end: not healed" : exact(fault.end)],
    ["certainly from", exact(fault.inner[0])], ["certainly to", exact(fault.inner[1])],
    ["overlapped by", fault.overlap + " client operations"],
  ]));
}

function operationButton(row, role) {
  const op = ops[row], item = make("li"), button = make("button"), seen = part(op);
  if (seen) button.append(make("span", seen.number, seen.wrong ? "badge wrong" : "badge"));
  button.append(make("span", op.label, "data"));
  if (role) button.append(make("div", role, "role"));
  button.addEventListener("click", () => { reveal(op); select(op); });
  item.append(button);
  return item;
}

function operationList(rows) {
  const list = make("ul", undefined, "ops");
  for (const [row, role] of rows) list.append(operationButton(row, role));
  return list;
}

/** The steps of the argument; a click shows the operation that comes before. */
function argumentList(v) {
  const box = make("div", undefined, "state"), list = make("ol");
  for (const [sentence, row] of v.argument) {
    const step = make("li", sentence);
    if (row >= 0) step.addEventListener("click", () => { reveal(ops[row]); select(ops[row]); });
    list.append(step);
  }
  box.append(list, make("p", v.conclusion));
  return box;
}

function showWhy() {
  const why = byId("why"), v = violation();
  why.replaceChildren();
  if (!v) return;
  why.append(make("h2", "Why this cannot be"));
  if (v.op >= 0) why.append(operationList([[v.op, "could not be placed"]]));
  if (v.related.length) why.append(make("h3", "Operations that matter"), operationList(v.related));
  if (v.argument.length) why.append(make("h3", "A circle"), argumentList(v));
  if (v.states.length) why.append(make("h3", v.states.length === 1 ? "The only possible state before it" : "The possible states before it"));
  for (const possible of v.states) {
    const box = make("div", undefined, "state");
    box.append(make("p", possible.state, "data"), make("p", possible.why));
    if (possible.linearized.length) box.append(make("p", "open operations that had taken effect:", "hint"), operationList(possible.linearized.map(row => [row])));
    if (possible.pending.length) box.append(make("p", "open operations that had not:", "hint"), operationList(possible.pending.map(row => [row])));
    why.append(box);
  }
}

// ---- moving about ---------------------------------------------------------------------------

function showKey(key) {
  state.key = key; state.scroll = 0; byId("key").value = String(key);
  arrange(); redraw();
}

/** Brings an operation into view without changing the zoom more than needed. */
function reveal(op) {
  if (!shown(op)) showKey(op.key);
  const end = op.end < 0 ? op.start : op.end, span = state.to - state.from;
  if (op.start < toTime(GUTTER) || end > state.to) look(op.start - span / 2, op.start + span / 2);
  const lane = laneOf(op), y = laneTop(lane);
  if (y < top() || y + pitch() > bottom()) { state.scroll += y - (top() + bottom()) / 2; look(state.from, state.to); }
}

/** The failing operation and those that explain it; all of them if the failing one stays wide enough to see. */
function goToViolation(at) {
  if (!data.anomalies.length) return;
  state.violation = (at + data.anomalies.length) % data.anomalies.length;
  const v = violation(), wrong = failing();
  byId("which").textContent = "violation " + (state.violation + 1) + " of " + data.anomalies.length;
  byId("sentence").textContent = v.sentence;
  if (wrong) {
    if (state.key >= 0 && !shown(wrong)) showKey(wrong.key);
    const end = wrong.end < 0 ? data.horizon : wrong.end, least = data.clock === "ns" ? 1e5 : 2, span = Math.max(end - wrong.start, least);
    let from = wrong.start, to = end;
    for (const [row] of v.related) {
      const start = Math.min(from, ops[row].start);
      if (to - start <= span * 60) from = start;
    }
    const room = Math.max((to - from) * .2, span * 2.5);
    look(from - room, to + room);
    reveal(wrong);
  }
  showWhy(); select(wrong);
}

function step(by) {
  const current = state.selected && state.selected.lane !== undefined ? state.selected : failing() || ops[0];
  const lane = current && laneOf(current);
  if (!lane) return;
  const next = lane.ops[lane.ops.indexOf(current) + (state.selected ? by : 0)];
  if (next) { reveal(next); select(next); }
}

const KEYS = {
  ArrowLeft: () => pan(-.15), ArrowRight: () => pan(.15),
  ArrowUp: () => zoom(.7, centre()), ArrowDown: () => zoom(1 / .7, centre()),
  "+": () => zoom(.7, centre()), "=": () => zoom(.7, centre()), "-": () => zoom(1 / .7, centre()),
  "0": wholeRun, Home: wholeRun, g: () => goToViolation(state.violation),
  n: () => goToViolation(state.violation + 1), p: () => goToViolation(state.violation - 1),
  "[": () => step(-1), "]": () => step(1), Escape: () => select(null),
};
const centre = () => { const op = state.selected; return op && op.start >= state.from && op.start <= state.to ? op.start : (state.from + state.to) / 2; };

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
});

function place(event) { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; }

canvas.addEventListener("wheel", event => {
  event.preventDefault();
  const [x] = place(event);
  if (x < GUTTER) { state.scroll += event.deltaY; look(state.from, state.to); }
  else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 1000);
  else zoom(Math.exp(Math.max(-120, Math.min(120, event.deltaY)) / 400), toTime(x));
}, { passive: false });

let drag = null;
canvas.addEventListener("pointerdown", event => {
  const [x, y] = place(event);
  drag = { x, y, moved: false, from: state.from, to: state.to, scroll: state.scroll, overview: y > height - OVERVIEW };
  if (drag.overview) jumpOverview(x);
});
canvas.addEventListener("pointermove", event => { if (!drag) hover(...place(event)); });
// A drag goes on outside the canvas, so the window follows it.
window.addEventListener("pointermove", event => {
  const [x, y] = place(event);
  if (!drag) return;
  if (drag.overview) return jumpOverview(x);
  if (!drag.moved && Math.hypot(x - drag.x, y - drag.y) < 4) return;
  drag.moved = true; canvas.classList.add("dragging"); tip.hidden = true;
  const by = (drag.x - x) / (width - GUTTER) * (drag.to - drag.from);
  state.scroll = drag.scroll + drag.y - y;
  look(drag.from + by, drag.to + by);
});
window.addEventListener("pointerup", event => {
  if (!drag) return;
  const [x, y] = place(event), click = !drag.moved && !drag.overview;
  drag = null; canvas.classList.remove("dragging");
  if (click) select(hit(x, y));
});
window.addEventListener("pointercancel", () => { drag = null; });
canvas.addEventListener("pointerleave", () => hover(-1, -1));

function jumpOverview(x) {
  const half = (state.to - state.from) / 2, at = (x - GUTTER) / (width - GUTTER) * data.horizon * 1.02;
  look(at - half, at + half);
}

function hover(x, y) {
  const thing = hit(x, y);
  canvas.classList.toggle("over", !!thing);
  if (thing !== state.hovered) { state.hovered = thing; redraw(); }
  tip.hidden = !thing;
  if (!thing) return;
  const role = thing.lane === undefined ? null : part(thing);
  tip.textContent = thing.lane === undefined ? thing.name + ": " + thing.what + "\n" + thing.proof
    : thing.label + (role ? "\n" + role.role : "") + "\n" + OUTCOMES[thing.outcome] + (thing.end < 0 ? ", never completed" : ", took " + duration(thing.end - thing.start)) + (thing.error ? "\n" + thing.error : "");
  tip.style.left = Math.max(0, Math.min(x + 14, width - tip.offsetWidth - 4)) + "px";
  tip.style.top = Math.max(0, y + 18 + tip.offsetHeight > height ? y - tip.offsetHeight - 10 : y + 18) + "px";
}

// ---- start ----------------------------------------------------------------------------------

function start() {
  byId("verdict").textContent = data.verdict; byId("verdict").className = data.verdict;
  byId("title").textContent = data.title; byId("sentence").textContent = data.sentence;
  if (data.window) { byId("window").textContent = data.window; byId("window").hidden = false; }
  const keys = byId("key");
  keys.append(new Option(data.keys.length ? "all " + data.keys.length + " keys" : "all", "-1"));
  data.keys.forEach((key, i) => keys.append(new Option((data.failing.includes(i) ? "✗ " : "") + key, String(i))));
  keys.addEventListener("change", () => { showKey(Number(keys.value)); look(state.from, state.to); canvas.focus(); });
  byId("goto").hidden = !failing();
  byId("violations").hidden = data.anomalies.length < 2;
  const actions = { goto: KEYS.g, previous: KEYS.p, next: KEYS.n, in: KEYS["+"], out: KEYS["-"], all: wholeRun };
  for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", event => { event.preventDefault(); act(); });
  // Drawn at once: until the next frame the canvas would be seen empty.
  new ResizeObserver(() => { fit(); draw(); }).observe(byId("stage"));
  stackFaults();
  showKey(data.anomalies.length && failing() ? failing().key : -1);
  fit(); wholeRun(); select(null);
  if (data.anomalies.length) goToViolation(0);
  const asked = /^#i(\d+)$/.exec(location.hash), op = asked && ops.find(op => op.index === Number(asked[1]) || op.completion === Number(asked[1]));
  if (op) { reveal(op); select(op); }
}
start();

/** Where a row is drawn, for whoever drives the page from outside (tests, the console). */
window.ordeal = { ops, state, failing, draw, wholeRun, locate(op) {
  const box = canvas.getBoundingClientRect(), from = Math.max(toX(op.start), GUTTER), to = Math.min(toX(op.drawn), width);
  return { x: box.left + (from + to) / 2, y: box.top + laneTop(laneOf(op)) + pitch() / 2 - 2, visible: to >= from && shown(op) };
} };
