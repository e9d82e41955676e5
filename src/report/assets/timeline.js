"use strict";
// The timeline: one canvas, redrawn whole. Smoothness comes from drawing little: operations are kept
// a lane, sorted by start, and the first visible one is found by binary search; bars that would fall
// on a pixel already painted in their colour are skipped. The page's elements are touched only for
// the tooltip and the details, and only through textContent, so that no value becomes markup.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const canvas = byId("canvas"), pen = canvas.getContext("2d");

const OUTCOMES = ["ok", "info", "fail"];
const COLOURS = ["#81BFFC", "#FFA400", "#FF1E90"];
const MARKS = ["", "? ", "✕ "];
const GUTTER = 92, AXIS = 26, STRIP = 20, OVERVIEW = 44;
const MONO = '12px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
const SANS = '12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

// Rows of data.ops are sorted by start; see timeline.rs for the order of the fields.
const ops = data.ops.map(([index, lane, process, start, end, outcome, f, key, call, result, error, node, completion]) =>
  ({ index, lane, process, start, end, outcome, f: data.fs[f], key, call, result, error, node: node < 0 ? "" : data.nodes[node], completion }));
// An operation without completion is drawn up to the next one of its lane.
const followers = new Map();
for (let row = ops.length - 1; row >= 0; row--) {
  const op = ops[row];
  op.drawn = op.end >= 0 ? op.end : followers.has(op.lane) ? followers.get(op.lane) : Infinity;
  followers.set(op.lane, op.start);
}
ops.forEach((op, row) => { op.row = row; op.label = MARKS[op.outcome] + op.process + " " + op.f + (op.call ? " " + op.call : "") + (op.result ? " → " + op.result : ""); });

const state = { from: 0, to: Math.max(data.horizon, 1), scroll: 0, key: -1, violation: 0, selected: null, hovered: null };
let lanes = [], strips = 0, width = 0, height = 0, glyph = 7, dirty = false;

// ---- which operations are shown -------------------------------------------------------------

/** First position at which `test` holds, of an array in which it never stops holding. */
function firstWhere(array, test) {
  let low = 0, high = array.length;
  while (low < high) { const mid = (low + high) >> 1; if (test(array[mid])) high = mid; else low = mid + 1; }
  return low;
}

/** Rebuilds the lanes for the key shown. `reach` is the latest end so far: ascending, so it can be searched. */
function arrange() {
  const all = data.lanes.map((name, lane) => ({ name, lane, ops: [], reach: [], tail: Infinity }));
  for (const op of ops) {
    if (state.key >= 0 && op.key !== state.key) continue;
    const lane = all[op.lane];
    lane.reach.push(Math.max(op.drawn, lane.reach.length ? lane.reach[lane.reach.length - 1] : op.drawn));
    lane.ops.push(op);
    if (op.outcome === 1) lane.tail = Math.min(lane.tail, op.drawn);
  }
  lanes = all.filter(lane => lane.ops.length || state.key < 0);
  lanes.forEach((lane, y) => { lane.y = y; });
}

/** Faults that overlap in time get strips of their own above the lanes. */
function stackFaults() {
  const ends = [];
  for (const fault of data.faults) {
    let strip = ends.findIndex(end => end <= fault.start);
    if (strip < 0) strip = ends.length < 4 ? ends.length : 3;
    ends[strip] = fault.end; fault.strip = strip;
  }
  strips = ends.length;
}

const laneOf = op => lanes.find(lane => lane.lane === op.lane);
const shown = op => state.key < 0 || op.key === state.key;

// ---- geometry -------------------------------------------------------------------------------

const top = () => AXIS + strips * STRIP + 6;
const bottom = () => height - OVERVIEW - 8;
const pitch = () => Math.max(18, Math.min(46, (bottom() - top()) / Math.max(1, lanes.length)));
const toX = time => GUTTER + (time - state.from) / (state.to - state.from) * (width - GUTTER);
const toTime = x => state.from + (x - GUTTER) / (width - GUTTER) * (state.to - state.from);
const laneTop = lane => top() + lane.y * pitch() - state.scroll;

/** Makes the canvas as large as its place, which also empties it. */
function fit() {
  const box = canvas.getBoundingClientRect(), scale = window.devicePixelRatio || 1;
  width = Math.max(320, box.width); height = Math.max(200, box.height);
  canvas.width = width * scale; canvas.height = height * scale;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.font = MONO; glyph = pen.measureText("0000000000").width / 10;
}

function look(from, to) {
  const span = Math.max(to - from, data.clock === "ns" ? 1000 : 4), full = Math.max(data.horizon, 1) * 1.04;
  const middle = (from + to) / 2, half = Math.min(span, full * 1.1) / 2;
  const centre = Math.max(-full * .05 + Math.min(half, full * .55), Math.min(middle, full * 1.05 - Math.min(half, full * .55)));
  state.from = centre - half; state.to = centre + half;
  const most = Math.max(0, lanes.length * pitch() - (bottom() - top()));
  state.scroll = Math.max(0, Math.min(state.scroll, most));
  redraw();
}

const wholeRun = () => look(-data.horizon * .01, data.horizon * 1.02);
const zoom = (factor, at) => look(at - (at - state.from) * factor, at + (state.to - at) * factor);
const pan = share => { const by = (state.to - state.from) * share; look(state.from + by, state.to + by); };

function redraw() { if (!dirty) { dirty = true; requestAnimationFrame(() => { dirty = false; draw(); }); } }

// ---- words ----------------------------------------------------------------------------------

/** A time as people read it; `step` is the distance between neighbours, which sets the digits. */
function clock(time, step) {
  if (data.clock !== "ns") return "event " + Math.round(time);
  const seconds = time / 1e9, digits = step >= 1e9 ? 0 : Math.min(9, Math.ceil(-Math.log10(step / 1e9) - 1e-9));
  return seconds.toFixed(digits) + " s";
}
const exact = time => time < 0 ? "never" : data.clock === "ns" ? (time / 1e9).toFixed(6) + " s" : "event " + time;
function duration(ns) {
  if (data.clock !== "ns") return ns + (ns === 1 ? " event" : " events");
  return ns < 1e3 ? ns + " ns" : ns < 1e6 ? (ns / 1e3).toFixed(1) + " µs" : ns < 1e9 ? (ns / 1e6).toFixed(2) + " ms" : (ns / 1e9).toFixed(3) + " s";
}

// ---- drawing --------------------------------------------------------------------------------

function hatch(colour, light, rising) {
  const tile = document.createElement("canvas"); tile.width = tile.height = 8;
  const brush = tile.getContext("2d");
  brush.fillStyle = colour; brush.fillRect(0, 0, 8, 8);
  brush.strokeStyle = light; brush.lineWidth = 2;
  for (const shift of [-8, 0, 8]) {
    brush.beginPath();
    brush.moveTo(shift, rising ? 8 : 0); brush.lineTo(shift + 8, rising ? 0 : 8); brush.stroke();
  }
  return pen.createPattern(tile, "repeat");
}
const FILLS = [COLOURS[0], hatch(COLOURS[1], "#ffc766", true), hatch(COLOURS[2], "#ff7cbe", false)];
const TAIL = hatch("#ffedcc", "#FFA400", true);

const violation = () => data.anomalies[state.violation];
const failing = () => { const v = violation(); return v && v.op >= 0 ? ops[v.op] : null; };

/** What part an operation plays in the violation shown: its number among the related, and the role. */
function part(op) {
  const v = violation();
  if (!v) return null;
  if (op.row === v.op) return { number: "!", role: "could not be placed", wrong: true };
  const at = v.related.findIndex(([row]) => row === op.row);
  return at < 0 ? null : { number: String(at + 1), role: v.related[at][1], wrong: false };
}

function draw() {
  pen.fillStyle = "#fff"; pen.fillRect(0, 0, width, height);
  drawFaultTints(); drawLanes(); drawParts(); drawAxis(); drawFaultStrips(); drawGutter(); drawOverview();
}

function clipped(x, y, w, h, paint) {
  pen.save(); pen.beginPath(); pen.rect(x, y, w, h); pen.clip(); paint(); pen.restore();
}

function drawFaultTints() {
  for (const fault of data.faults) {
    const x = Math.max(GUTTER, toX(fault.start)), end = Math.min(width, toX(fault.end));
    if (end < GUTTER || x > width) continue;
    pen.globalAlpha = .22; pen.fillStyle = fault.colour; pen.fillRect(x, AXIS, Math.max(1, end - x), bottom() - AXIS);
    const inner = Math.max(GUTTER, toX(fault.inner[0])), innerEnd = Math.min(width, toX(fault.inner[1]));
    if (innerEnd > inner) { pen.globalAlpha = .38; pen.fillRect(inner, AXIS, innerEnd - inner, bottom() - AXIS); }
    pen.globalAlpha = 1;
  }
}

function drawLanes() {
  const step = pitch();
  clipped(GUTTER, top(), width - GUTTER, bottom() - top(), () => {
    for (const lane of lanes) {
      const y = laneTop(lane);
      if (y + step < top() || y > bottom()) continue;
      pen.fillStyle = "#e6ebf0"; pen.fillRect(GUTTER, y + step - 1, width - GUTTER, 1);
      if (lane.tail < state.to) {
        const x = Math.max(GUTTER, toX(lane.tail));
        pen.fillStyle = TAIL; pen.fillRect(x, y + step - 7, width - x, 5);
      }
      drawBars(lane, y, step);
    }
  });
}

function drawBars(lane, y, step) {
  const painted = [-1, -1, -1];
  const begin = firstWhere(lane.reach, reach => reach >= state.from);
  for (let i = begin; i < lane.ops.length && lane.ops[i].start <= state.to; i++) {
    const op = lane.ops[i], x = toX(op.start), w = Math.max(1.5, Math.min(width + 9, toX(op.drawn)) - x);
    if (w < 3) { const pixel = Math.floor(x); if (painted[op.outcome] === pixel) continue; painted[op.outcome] = pixel; }
    const next = lane.ops[i + 1];
    bar(op, x, y, w, step, next ? toX(next.start) : width);
  }
}

/** A bar, and its words: inside if they fit, else running on into the empty space before `next`. */
function bar(op, x, y, w, step, next) {
  const left = Math.max(x, GUTTER - 4), right = Math.min(x + w, width + 4);
  if (right < left) return;
  pen.fillStyle = FILLS[op.outcome]; pen.fillRect(left, y + 3, right - left, step - 10);
  if (w > 6) { pen.strokeStyle = "#16202b66"; pen.lineWidth = 1; pen.strokeRect(left + .5, y + 3.5, right - left - 1, step - 11); }
  const begin = Math.max(left, GUTTER) + 4, room = Math.floor((Math.max(right, Math.min(next, width)) - begin - 4) / glyph);
  if (room < Math.min(op.label.length, 3 + String(op.process).length) || step < 18) return;
  const text = op.label.length <= room ? op.label : op.label.slice(0, Math.max(1, room - 1)) + "…";
  pen.font = MONO; pen.textBaseline = "middle"; pen.textAlign = "left";
  if (op.outcome > 0) { pen.fillStyle = "#ffffffd0"; pen.fillRect(begin - 2, y + 5, text.length * glyph + 4, step - 14); }
  pen.fillStyle = "#10181f"; pen.fillText(text, begin, y + 3 + (step - 10) / 2);
}

/** Outlines and numbered badges, over all bars, so that the important is never hidden. */
function drawParts() {
  clipped(GUTTER, AXIS, width - GUTTER, bottom() - AXIS, () => {
    const v = violation();
    if (v) for (const [row] of v.related) outline(ops[row], "#123f7a", 2);
    if (state.selected && state.selected.lane !== undefined) outline(state.selected, "#000", 2.5);
    const wrong = failing();
    if (wrong && shown(wrong)) {
      pen.strokeStyle = "#a3002f"; pen.lineWidth = 1; pen.setLineDash([4, 3]);
      const x = toX(wrong.end < 0 ? wrong.start : wrong.end);
      pen.beginPath(); pen.moveTo(x, AXIS); pen.lineTo(x, bottom()); pen.stroke(); pen.setLineDash([]);
      outline(wrong, "#a3002f", 3.5);
    }
    if (state.hovered && state.hovered.lane !== undefined) outline(state.hovered, "#16202b", 1.5);
  });
}

function outline(op, colour, thick) {
  if (!shown(op)) return;
  const lane = laneOf(op), step = pitch();
  if (!lane) return;
  const y = laneTop(lane), x = toX(op.start), w = Math.max(4, Math.min(width + 9, toX(op.drawn)) - x);
  if (x > width || (x + w < GUTTER && op.outcome !== 1)) return;
  const left = Math.max(x, GUTTER - 6), right = Math.min(x + w, width + 6);
  if (op.outcome === 1) { pen.fillStyle = colour; pen.fillRect(Math.max(left, right), y + step - 8, width, 2); }
  pen.strokeStyle = colour; pen.lineWidth = thick; pen.strokeRect(left - 1, y + 2, Math.max(4, right - left) + 2, step - 8);
  const role = part(op);
  if (!role) return;
  const cx = Math.max(GUTTER + 10, Math.min(left + 1, width - 10)), cy = Math.max(top() + 2, y + 1);
  pen.fillStyle = role.wrong ? "#a3002f" : "#123f7a";
  pen.beginPath(); pen.arc(cx - (w > 40 ? 0 : 8), cy + 3, 8, 0, 7); pen.fill();
  pen.fillStyle = "#fff"; pen.font = "bold " + SANS; pen.textAlign = "center"; pen.textBaseline = "middle";
  pen.fillText(role.number, cx - (w > 40 ? 0 : 8), cy + 3.5);
}

function drawAxis() {
  pen.fillStyle = "#fff"; pen.fillRect(0, 0, width, AXIS);
  const raw = (state.to - state.from) / Math.max(2, (width - GUTTER) / 120), power = Math.pow(10, Math.floor(Math.log10(raw)));
  let step = [1, 2, 5, 10].map(n => n * power).find(n => n >= raw);
  if (data.clock !== "ns") step = Math.max(1, Math.round(step));
  pen.font = SANS; pen.textAlign = "center"; pen.textBaseline = "middle"; pen.strokeStyle = "#0000001c"; pen.lineWidth = 1;
  for (let n = Math.ceil(Math.max(0, toTime(GUTTER)) / step); n * step <= state.to; n++) {
    const x = Math.round(toX(n * step)) + .5;
    pen.beginPath(); pen.moveTo(x, AXIS - 5); pen.lineTo(x, bottom()); pen.stroke();
    pen.fillStyle = "#51606f"; pen.fillText(clock(n * step, step), Math.min(x, width - 34), AXIS / 2 - 1);
  }
}

function drawFaultStrips() {
  clipped(GUTTER, AXIS, width - GUTTER, strips * STRIP, () => {
    for (const fault of data.faults) {
      const x = toX(fault.start), end = toX(fault.end), y = AXIS + fault.strip * STRIP;
      if (end < GUTTER || x > width) continue;
      pen.fillStyle = fault.colour; pen.fillRect(x, y + 1, Math.max(2, end - x), STRIP - 3);
      pen.strokeStyle = fault.held === false ? "#a3002f" : "#16202b88"; pen.lineWidth = fault === state.selected ? 2.5 : 1;
      pen.strokeRect(x + .5, y + 1.5, Math.max(2, end - x) - 1, STRIP - 4);
      const from = Math.max(x, GUTTER), room = Math.floor((Math.min(end, width) - from - 8) / glyph);
      if (room < 3) continue;
      const text = (fault.held === false ? "NOT PROVED: " : "") + fault.name + (fault.what ? ": " + fault.what : "");
      pen.font = MONO; pen.textAlign = "left"; pen.textBaseline = "middle"; pen.fillStyle = "#10181f";
      pen.fillText(text.length <= room ? text : text.slice(0, room - 1) + "…", from + 4, y + STRIP / 2);
    }
  });
}

function drawGutter() {
  pen.fillStyle = "#fff"; pen.fillRect(0, 0, GUTTER - 1, height);
  pen.fillStyle = "#b4bfca"; pen.fillRect(GUTTER - 1, 0, 1, bottom());
  pen.font = SANS; pen.textAlign = "right"; pen.textBaseline = "middle"; pen.fillStyle = "#51606f";
  if (strips) pen.fillText("faults", GUTTER - 8, AXIS + STRIP / 2);
  clipped(0, top(), GUTTER, bottom() - top(), () => {
    pen.fillStyle = "#16202b";
    for (const lane of lanes) {
      const name = lane.name.length > 13 ? lane.name.slice(0, 12) + "…" : lane.name;
      pen.fillText(name, GUTTER - 8, laneTop(lane) + pitch() / 2 - 2);
    }
  });
}

/** The whole run in one strip: where operations are dense, where faults were, what is in view. */
function drawOverview() {
  const y = height - OVERVIEW, span = Math.max(1, data.horizon) * 1.02, at = time => GUTTER + time / span * (width - GUTTER);
  pen.fillStyle = "#f4f6f8"; pen.fillRect(0, y, width, OVERVIEW);
  for (const fault of data.faults) { pen.fillStyle = fault.colour; pen.fillRect(at(fault.start), y, Math.max(1, at(fault.end) - at(fault.start)), OVERVIEW); }
  const buckets = density(Math.floor((width - GUTTER) / 3));
  buckets.counts.forEach((count, i) => {
    if (!count) return;
    const h = Math.max(1, count / buckets.most * (OVERVIEW - 12));
    pen.fillStyle = "#5b7f9f"; pen.fillRect(GUTTER + i * 3, y + OVERVIEW - h, 2, h);
  });
  const wrong = failing();
  if (wrong) { pen.fillStyle = "#a3002f"; pen.fillRect(at(wrong.start) - 1.5, y, 3, OVERVIEW); }
  const x = Math.max(GUTTER, at(state.from)), end = Math.min(width, at(state.to));
  pen.strokeStyle = "#16202b"; pen.lineWidth = 1.5; pen.strokeRect(x, y + 1, Math.max(3, end - x - 1), OVERVIEW - 2);
  pen.font = SANS; pen.textAlign = "right"; pen.textBaseline = "middle"; pen.fillStyle = "#51606f"; pen.fillText("whole run", GUTTER - 8, y + OVERVIEW / 2);
}

let counted = null;
function density(size) {
  if (counted && counted.size === size && counted.key === state.key) return counted;
  const counts = new Array(size).fill(0), span = Math.max(1, data.horizon) * 1.02;
  for (const lane of lanes) for (const op of lane.ops) counts[Math.min(size - 1, Math.floor(op.start / span * size))]++;
  return counted = { size, key: state.key, counts, most: Math.max(1, ...counts) };
}
