"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const field = (id) => document.getElementById(id);
const MODELS = Object.keys(DATA.models);
const [DISCRETE, ...EQUATIONS] = MODELS;
const OF_EQUATIONS = ["gap", "gap_rms", "loss_gap", "wells"];
const NONE = "#b0b0b0";
const MARGIN = {left: 62, right: 14, top: 10, bottom: 46};
const REST = 0.02;  // of the points, at either end of a scale, whose colours are those of the ends
const DECADES = 8;  // of a logarithmic scale, at most
const LOADED = new Map();
const state = {region: null, x: "", y: "", quantity: "gap", model: EQUATIONS[0], at: {}, cursor: null};

/* -- data ---------------------------------------------------------------------------------------------------- */

async function bytes(text) {
  const deflated = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Single-precision numbers whose first bytes come first, then all second ones, and so on. */
async function numbers(text) {
  const planes = await bytes(text);
  const count = planes.length / 4;
  const whole = new Uint8Array(planes.length);
  for (let byte = 0; byte < 4; byte++) {
    for (let i = 0; i < count; i++) whole[4 * i + byte] = planes[byte * count + i];
  }
  return new Float32Array(whole.buffer);
}

/** The columns and curves of a region, unpacked when it is first shown. */
async function loaded(region) {
  if (!LOADED.has(region.name)) {
    const columns = {};
    for (const [name, text] of Object.entries(region.columns)) {
      columns[name] = /_(behaviour|basin)$/.test(name) ? await bytes(text) : await numbers(text);
    }
    for (const model of EQUATIONS) columns[`${model}_wells`] = sameWells(region, columns, model);
    const theta = {};
    for (const model of MODELS) theta[model] = await numbers(region.curves.theta[model]);
    LOADED.set(region.name, {columns, theta, scales: {}});
  }
  return LOADED.get(region.name);
}

/** Whether an equation ends nearest to the minimum of the algorithm: 0 if so, 1 if not. */
function sameWells(region, columns, model) {
  const [one, other] = [columns[`${DISCRETE}_basin`], columns[`${model}_basin`]];
  const solved = [columns[`${DISCRETE}_end`], columns[`${model}_end`]];
  const none = (i) => !region.minima.length || solved.some((end) => Number.isNaN(end[i]));
  return one.map((basin, i) => none(i) ? DATA.nothing : Number(basin !== other[i]));
}

const hasEnd = (data, model, i) => !Number.isNaN(data.columns[`${model}_end`][i]);
/** Whether nothing was solved at a point; a run that leaves the finite numbers has no end, but a behaviour. */
const isLost = (data, model, i) => !hasEnd(data, model, i) && data.columns[`${model}_behaviour`][i] === DATA.nothing;

/* -- where things are ---------------------------------------------------------------------------------------- */

const axisOf = (name) => state.region.axes.find((axis) => axis.name === name);
const indexOf = (values, value) =>
  values.reduce((best, one, i) => Math.abs(one - value) < Math.abs(values[best] - value) ? i : best, 0);
const short = (value) => {
  if (!Number.isFinite(value)) return "none";
  const rounded = Number(value.toPrecision(3));
  const size = Math.abs(rounded);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? rounded.toExponential() : String(rounded);
};
const ofAxis = (axis, i) => `${axis.short} = ${Number(axis.values[i].toPrecision(4))}`;

/** The place in the columns of the point that has these places on the axes. */
function position(places) {
  return state.region.axes.reduce((before, axis) => before * axis.values.length + places[axis.name], 0);
}

const there = (x, y) => ({...state.at, [state.x]: x, [state.y]: y});

/** The nearest point of the sample: its places on the axes, as fractions of neighbours, and the number of its curves. */
function nearestSample(places) {
  const {axes, every, curves} = state.region;
  let number = 0;
  const found = {};
  axes.forEach((axis, i) => {
    const step = axis.range ? curves.every / every : 1;
    const at = Math.min(Math.round(places[axis.name] / step), curves.sizes[i] - 1);
    number = number * curves.sizes[i] + at;
    found[axis.name] = at * step;
  });
  return {number, places: found};
}


/* -- colours ------------------------------------------------------------------------------------------------- */

/** How a number becomes a colour: the same in all planes of a region, and for all models. */
function scaleOf(data, quantity) {
  if (data.scales[quantity]) return data.scales[quantity];
  const kind = DATA.quantities[quantity].scale;
  const all = MODELS.flatMap((model) => data.columns[`${model}_${quantity}`] ? [...data.columns[`${model}_${quantity}`]] : []);
  const known = all.filter((value) => Number.isFinite(value) && (kind !== "logarithmic" || value > 0)).sort((a, b) => a - b);
  const left = Math.floor(REST * known.length);
  let [low, high] = known.length ? [known[left], known[known.length - 1 - left]] : [0.1, 1];
  let place;
  if (kind === "logarithmic") {
    const middle = Math.ceil(Math.log10(known.length ? known[known.length >> 1] : high));
    const last = Math.min(Math.ceil(Math.log10(high)), middle + DECADES / 2);
    const first = Math.min(Math.max(Math.floor(Math.log10(low)), last - DECADES), last - 1);
    place = (value) => value > 0 ? (Math.log10(value) - first) / (last - first) : 0;
    [low, high] = [10 ** first, 10 ** last];
  } else if (kind === "signed") {
    const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
    const bent = (value) => Math.asinh(1000 * value / most) / Math.asinh(1000);
    place = (value) => (1 + bent(value)) / 2;
    [low, high] = [-most, most];
  } else {
    if (high === low) high = low + 1;
    place = (value) => (value - low) / (high - low);
  }
  const shades = kind === "signed" ? DATA.diverging : DATA.sequence;
  const colour = (value) => shades[Math.round(Math.min(Math.max(place(value), 0), 1) * (shades.length - 1))];
  data.scales[quantity] = {kind, low, high, shades, colour};
  return data.scales[quantity];
}

/** The categories of a quantity, as [text, colour], by their numbers; null if it is one of numbers. */
function categories(quantity) {
  const kind = DATA.quantities[quantity].scale;
  if (kind === "behaviours") return Object.entries(DATA.behaviours);
  if (kind === "minima") return state.region.minima.map((minimum, i) => [`θ = ${short(minimum)}`, state.region.wells[i]]);
  if (kind === "wells") return [["the same", DATA.same], ["another", DATA.different]];
  return null;
}

/** What it is that a solved point has no such value, as [text, colour]; null if it has one. */
function absent(data, quantity, model, i) {
  const value = data.columns[`${model}_${quantity}`][i];
  if (categories(quantity) ? value !== DATA.nothing : !Number.isNaN(value)) return null;
  const midway = quantity === "basin" && state.region.minima.length && hasEnd(data, model, i);
  return midway ? ["midway", DATA.midway] : ["none", NONE];
}

function painter(data) {
  const {quantity, model} = state;
  const column = data.columns[`${model}_${quantity}`];
  const named = categories(quantity);
  const scale = named ? null : scaleOf(data, quantity);
  return (i) => {
    if (isLost(data, model, i)) return DATA.missing;
    const none = absent(data, quantity, model, i);
    if (none) return none[1];
    return named ? named[column[i]][1] : scale.colour(column[i]);
  };
}

/* -- the map ------------------------------------------------------------------------------------------------- */

const styled = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** A canvas in the pixels of the screen, empty: its context, width and height in CSS pixels. */
function blank(canvas) {
  const {width, height} = canvas.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = "13px system-ui, sans-serif";
  return {context, width, height};
}

function frame(width, height) {
  return {
    left: MARGIN.left, top: MARGIN.top,
    width: Math.max(width - MARGIN.left - MARGIN.right, 10), height: Math.max(height - MARGIN.top - MARGIN.bottom, 10),
  };
}

/** Lines and texts around a picture; ticks are [share of the axis, text]. */
function decorate(context, box, x, y) {
  context.strokeStyle = styled("border");
  context.fillStyle = styled("text");
  context.lineWidth = 1;
  context.strokeRect(box.left, box.top, box.width, box.height);
  context.textAlign = "center";
  context.textBaseline = "top";
  let free = -Infinity;
  for (const [share, text] of x.ticks) {
    const at = box.left + share * box.width;
    context.fillRect(at - 0.5, box.top + box.height, 1, text ? 6 : 3);
    const half = context.measureText(text).width / 2;
    if (text && at - half > free) {
      context.fillText(text, at, box.top + box.height + 8);
      free = at + half + 6;
    }
  }
  context.fillText(x.text, box.left + box.width / 2, box.top + box.height + 27);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const [share, text] of y.ticks) {
    const at = box.top + (1 - share) * box.height;
    context.fillRect(box.left - (text ? 6 : 3), at - 0.5, text ? 6 : 3, 1);
    context.fillText(text, box.left - 9, at);
  }
  context.save();
  context.translate(11, box.top + box.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(y.text, 0, 0);
  context.restore();
}

let geometry = null;
let still = null;  // the map without its squares, which move

function drawMap(data) {
  const canvas = field("map");
  const {context, width, height} = blank(canvas);
  const box = frame(width, height);
  const [across, upwards] = [axisOf(state.x), axisOf(state.y)];
  const [nx, ny] = [across.values.length, upwards.values.length];
  const picture = new OffscreenCanvas(nx, ny);
  const cells = picture.getContext("2d");
  const colour = painter(data);
  for (let y = 0; y < ny; y++) {
    for (let x = 0; x < nx; x++) {
      cells.fillStyle = colour(position(there(x, y)));
      cells.fillRect(x, ny - 1 - y, 1, 1);
    }
  }
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, box.left, box.top, box.width, box.height);
  const centre = (x, y) => [box.left + (x + 0.5) / nx * box.width, box.top + (1 - (y + 0.5) / ny) * box.height];
  const ticks = (axis) => axis.ticks.map(([place, text]) => [(place + 0.5) / axis.values.length, text]);
  decorate(context, box, {text: across.text, ticks: ticks(across)}, {text: upwards.text, ticks: ticks(upwards)});
  drawMissing(context, data, centre, nx, ny, box);
  for (const point of pointsInPlane()) ring(context, ...centre(point.places[state.x], point.places[state.y]), point.colour);
  geometry = {box, nx, ny, centre};
  still = new OffscreenCanvas(canvas.width, canvas.height);
  still.getContext("2d").drawImage(canvas, 0, 0);
  drawSquares();
}

/** Around the point chosen, and around that pointed at. */
function drawSquares() {
  const {context, width, height} = blank(field("map"));
  context.drawImage(still, 0, 0, width, height);
  drawSquare(context, ...geometry.centre(state.at[state.x], state.at[state.y]), "#ffffff", "#000000");
  if (state.cursor) drawSquare(context, ...geometry.centre(...state.cursor), "#000000", "#ffffff");
}

function drawMissing(context, data, centre, nx, ny, box) {
  const half = Math.min(box.width / nx, box.height / ny, 12) / 3;
  context.strokeStyle = "#595959";
  context.lineWidth = 1;
  context.beginPath();
  for (let y = 0; y < ny; y++) {
    for (let x = 0; x < nx; x++) {
      if (!isLost(data, state.model, position(there(x, y)))) continue;
      const [at, up] = centre(x, y);
      context.moveTo(at - half, up - half);
      context.lineTo(at + half, up + half);
      context.moveTo(at - half, up + half);
      context.lineTo(at + half, up - half);
    }
  }
  context.stroke();
}

/** The paper's points whose other axes are held where the plane is. */
function pointsInPlane() {
  const held = state.region.axes.filter((axis) => ![state.x, state.y, "steps"].includes(axis.name));
  const inside = (point, name) => point.places[name] >= -0.5 && point.places[name] <= axisOf(name).values.length - 0.5;
  return state.region.points.filter((point) =>
    held.every((axis) => Math.abs(point.places[axis.name] - state.at[axis.name]) < 1e-5) &&
    [state.x, state.y].every((name) => name in point.places && inside(point, name)));
}

function ring(context, x, y, colour) {
  for (const [radius, paint] of [[6, "#000000"], [5, "#ffffff"], [2.5, colour]]) {
    context.fillStyle = paint;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawSquare(context, x, y, inner, outer) {
  for (const [paint, width] of [[outer, 4], [inner, 2]]) {
    context.strokeStyle = paint;
    context.lineWidth = width;
    context.strokeRect(x - 7, y - 7, 14, 14);
  }
}

/* -- words --------------------------------------------------------------------------------------------------- */

function spot(colour, text) {
  const whole = document.createElement("span");
  const box = document.createElement("i");
  box.style.background = colour;
  whole.append(box, text);
  return whole;
}

function drawLegend(data) {
  const {quantity, model} = state;
  const named = categories(quantity);
  const parts = [];
  if (named) {
    parts.push(...named.map(([text, colour]) => spot(colour, text)));
  } else {
    const {low, high, shades, kind} = scaleOf(data, quantity);
    const whole = spot("", "");
    whole.firstChild.className = "bar";
    whole.firstChild.style.background = `linear-gradient(to right, ${shades.join(", ")})`;
    const middle = kind === "signed" ? "0" : short(kind === "logarithmic" ? Math.sqrt(low * high) : (low + high) / 2);
    whole.prepend(`${short(low)} `);
    whole.append(` ${short(high)}, in the middle ${middle}`);
    whole.className = "scale";
    parts.push(whole);
  }
  const more = new Map();
  for (let i = 0; i < state.region.count; i++) {
    const none = isLost(data, model, i) ? ["not solved (×)", DATA.missing] : absent(data, quantity, model, i);
    if (none) more.set(...none);
  }
  for (const text of ["midway", "none", "not solved (×)"]) if (more.has(text)) parts.push(spot(more.get(text), text));
  if (pointsInPlane().length) {
    const whole = spot("", "configuration of the paper");
    whole.firstChild.className = "ring";
    parts.push(whole);
  }
  field("legend").replaceChildren(...parts);
}

/** A value of a column in words. */
function told(data, model, quantity, i) {
  const column = data.columns[`${model}_${quantity}`];
  if (!column) return "";
  if (isLost(data, model, i)) return "not solved";
  const none = absent(data, quantity, model, i);
  if (none) return none[0];
  const named = categories(quantity);
  return named ? named[column[i]][0] : short(column[i]);
}

function named(places) {
  return state.region.axes.map((axis) => ofAxis(axis, Math.round(places[axis.name]))).join(", ");
}

function read(data, x, y) {
  const i = position(there(x, y));
  const where = [state.x, state.y].map((name, side) => ofAxis(axisOf(name), [x, y][side])).join(", ");
  const what = DATA.quantities[state.quantity].text;
  field("reading").textContent = `${where}: ${what}: ${told(data, state.model, state.quantity, i)}`;
}

function drawTable(data) {
  const i = position(state.at);
  const cell = (kind, text, scope) => {
    const made = document.createElement(kind);
    made.textContent = text;
    if (scope) made.scope = scope;
    return made;
  };
  const row = (cells) => {
    const made = document.createElement("tr");
    made.append(...cells);
    return made;
  };
  const caption = cell("caption", `${state.region.title}: ${named(state.at)}`);
  const head = document.createElement("thead");
  head.append(row([cell("th", "measured", "col"), ...MODELS.map((model) => cell("th", DATA.models[model], "col"))]));
  const body = document.createElement("tbody");
  for (const [quantity, {text}] of Object.entries(DATA.quantities)) {
    body.append(row([cell("th", text, "row"), ...MODELS.map((model) => cell("td", told(data, model, quantity, i)))]));
  }
  field("measured").replaceChildren(caption, head, body);
}

/* -- the curves ---------------------------------------------------------------------------------------------- */

const LOOKS = {[DISCRETE]: ["discrete", []], [EQUATIONS[0]]: ["converged", []], [EQUATIONS[1]]: ["no_lookahead", [7, 4]]};
const ROUND = [1, 2, 5];

/** Round numbers between two, a handful. */
function rounded(low, high) {
  const power = Math.floor(Math.log10((high - low) || 1));
  const steps = [power - 2, power - 1, power].flatMap((of) => ROUND.map((digit) => digit * 10 ** of));
  const step = steps.find((one) => (high - low) / one <= 7) ?? 1;
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

function curvesOf(data, sample) {
  const {steps} = state.region.curves;
  return MODELS.map((model) => ({
    model, theta: data.theta[model].subarray(sample.number * steps, (sample.number + 1) * steps),
  }));
}

function drawCurves(data) {
  const {context, width, height} = blank(field("curves"));
  const box = frame(width, height);
  const sample = nearestSample(state.at);
  const shown = curvesOf(data, sample);
  const known = shown.flatMap(({theta}) => [...theta]).filter(Number.isFinite);
  let low = known.reduce((least, value) => Math.min(least, value), Infinity);
  let high = known.reduce((most, value) => Math.max(most, value), -Infinity);
  if (!known.length) [low, high] = [0, 1];
  const room = 0.05 * (high - low) || 0.5;
  [low, high] = [low - room, high + room];
  const last = Math.max(state.region.curves.steps - 1, 1);
  const across = (k) => box.left + k / last * box.width;
  const up = (value) => box.top + (1 - (value - low) / (high - low)) * box.height;
  const share = (values, from, to) => values.map((value) => [(value - from) / (to - from), String(value)]);
  context.strokeStyle = styled("grid");
  for (const value of rounded(low, high)) {
    context.beginPath();
    context.moveTo(box.left, up(value));
    context.lineTo(box.left + box.width, up(value));
    context.stroke();
  }
  decorate(context, box, {text: "step k = t/α", ticks: share(rounded(0, last), 0, last)},
    {text: "θ", ticks: share(rounded(low, high), low, high)});
  // the equations below, the markers of the algorithm over them
  for (const {model, theta} of [...shown].reverse()) {
    const [colour, dash] = LOOKS[model];
    context.strokeStyle = styled(colour);
    context.lineWidth = model === DISCRETE ? 1 : 2;
    context.setLineDash(dash);
    if (model === DISCRETE) {
      const every = 2 * Math.floor(last / 120) + 1;
      theta.forEach((value, k) => {
        if (!Number.isFinite(value) || k % every) return;
        context.beginPath();
        context.arc(across(k), up(value), 2.6, 0, 2 * Math.PI);
        context.stroke();
      });
    } else {
      context.beginPath();
      theta.forEach((value, k) => Number.isFinite(value) && context.lineTo(across(k), up(value)));
      context.stroke();
    }
    context.setLineDash([]);
  }
  const step = field("at").value === "" ? null : Math.min(Math.max(Math.round(Number(field("at").value)), 0), last);
  if (step !== null) {
    context.fillStyle = styled("faint");
    context.fillRect(across(step) - 0.5, box.top, 1, box.height);
  }
  field("at").max = last;
  field("values").textContent = step === null ? "" :
    `Step ${step}: ${shown.map(({model, theta}) => `${DATA.models[model]} ${Number.isFinite(theta[step]) ? Number(theta[step].toPrecision(5)) : "none"}`).join("; ")}.`;
  const same = state.region.axes.every((axis) => sample.places[axis.name] === state.at[axis.name]);
  const apart = same ? "the point chosen" : `the nearest point of the sample to ${named(state.at)}`;
  const empty = MODELS.filter((_, i) => !shown[i].theta.some(Number.isFinite)).map((model) => `${DATA.models[model]} was not solved`);
  field("which").textContent = [`θ at ${named(sample.places)}: ${apart}.`, ...empty.map((text) => `${text}.`)].join(" ");
}

function drawLines() {
  const svg = (model) => {
    const [colour, dash] = LOOKS[model];
    const line = model === DISCRETE ? '<circle cx="18" cy="6" r="3"' : `<path d="M1 6H35" stroke-dasharray="${dash.join(" ")}"`;
    return `<svg viewBox="0 0 36 12" aria-hidden="true">${line} fill="none" stroke="var(--${colour})" stroke-width="${model === DISCRETE ? 1.2 : 2}"/></svg>`;
  };
  field("lines").innerHTML = MODELS.map((model) => `<li>${svg(model)}${DATA.models[model]}</li>`).join("");
}

/* -- controls ------------------------------------------------------------------------------------------------ */

function offer(id, values, text, chosen) {
  const select = field(id);
  select.replaceChildren(...values.map((value) => new Option(text(value), value)));
  select.value = chosen;
  select.disabled = values.length < 2;
}

/** The axes that a plane may have: those with several values, and others if these are fewer than two. */
function possible(region) {
  const size = (axis) => -axis.values.length;
  const sorted = [...region.axes].sort((one, other) => size(one) - size(other));
  const several = sorted.filter((axis) => axis.values.length > 1);
  const chosen = several.length > 1 ? several : sorted.slice(0, 2);
  return region.axes.filter((axis) => chosen.includes(axis)).map((axis) => axis.name);
}

function usual(region) {
  const names = possible(region);
  const x = names.includes("learning_rate") ? "learning_rate" : names[0];
  const size = (name) => region.axes.find((axis) => axis.name === name).values.length;
  const others = names.filter((name) => name !== x).sort((one, other) => size(other) - size(one));
  return {x, y: others[0]};
}

/** Where a region is entered: at a point of the paper if there is one on the grid, else in its middle. */
function entered(region) {
  const on = (point) => region.axes.every((axis) => axis.name === "steps" ||
    (Number.isInteger(point.places[axis.name]) && point.places[axis.name] >= 0 && point.places[axis.name] < axis.values.length));
  const start = region.points.find(on);
  const middle = Object.fromEntries(region.axes.map((axis) => [axis.name, axis.values.length >> 1]));
  return start ? {...middle, ...Object.fromEntries(region.axes.filter((axis) => axis.name in start.places)
    .map((axis) => [axis.name, start.places[axis.name]]))} : middle;
}

function drawControls() {
  const {region} = state;
  offer("region", DATA.regions.map((one) => one.name), (name) => DATA.regions.find((one) => one.name === name).title +
    (DATA.regions.filter((one) => one.title === DATA.regions.find((other) => other.name === name).title).length > 1 ? ` (${name})` : ""), region.name);
  for (const side of ["x", "y"]) offer(side, possible(region), (name) => axisOf(name).text, state[side]);
  offer("quantity", Object.keys(DATA.quantities), (name) => DATA.quantities[name].text, state.quantity);
  const models = OF_EQUATIONS.includes(state.quantity) ? EQUATIONS : MODELS;
  if (!models.includes(state.model)) state.model = models[0];
  offer("model", models, (name) => DATA.models[name], state.model);
  const held = region.axes.filter((axis) => ![state.x, state.y].includes(axis.name) && axis.values.length > 1);
  const there = [...field("held").children].map((label) => label.dataset.axis);
  if (there.join() !== held.map((axis) => axis.name).join()) {
    field("held").replaceChildren(...held.map((axis) => {
      const label = document.createElement("label");
      const slider = Object.assign(document.createElement("input"), {type: "range", min: 0, max: axis.values.length - 1, id: `held-${axis.name}`});
      slider.addEventListener("input", () => { state.at[axis.name] = Number(slider.value); show(); });
      label.dataset.axis = axis.name;
      label.append(document.createElement("span"), slider);
      return label;
    }));
  }
  held.forEach((axis, i) => {
    const [text, slider] = field("held").children[i].children;
    slider.max = axis.values.length - 1;
    slider.value = state.at[axis.name];
    text.textContent = `${axis.text}: ${Number(axis.values[state.at[axis.name]].toPrecision(4))}`;
    slider.setAttribute("aria-valuetext", ofAxis(axis, state.at[axis.name]));
  });
  field("map-title").textContent = `${region.title}: ${DATA.quantities[state.quantity].text}, ${DATA.models[state.model]}`;
  field("map").setAttribute("aria-label", `Map of ${DATA.quantities[state.quantity].text} over ${axisOf(state.x).text} and ${axisOf(state.y).text}`);
  const thinned = region.every > 1 ? `, and of those every ${region.every}th of each range` : "";
  field("kept").textContent = `This page has ${region.count.toLocaleString("en")} points of this region` +
    (region.refine > 1 ? `, those of the grid that is not refined: every ${region.refine}th of each range${thinned}.` : `${thinned}.`);
}

function enter(region) {
  Object.assign(state, {region, ...usual(region), at: entered(region), cursor: null});
}

/* -- the address --------------------------------------------------------------------------------------------- */

function address() {
  const parts = new URLSearchParams({region: state.region.name, x: state.x, y: state.y, show: state.quantity, model: state.model});
  for (const axis of state.region.axes) parts.set(`at.${axis.name}`, axis.values[state.at[axis.name]]);
  return `#${parts}`;
}

/** Take what the address says and there is; the rest is as on entering. */
function follow() {
  const parts = new URLSearchParams(location.hash.slice(1));
  enter(DATA.regions.find((one) => one.name === parts.get("region")) ?? DATA.regions[0]);
  const names = possible(state.region);
  const [x, y] = [parts.get("x"), parts.get("y")];
  if (names.includes(x) && names.includes(y) && x !== y) Object.assign(state, {x, y});
  if (Object.hasOwn(DATA.quantities, parts.get("show"))) state.quantity = parts.get("show");
  if (MODELS.includes(parts.get("model"))) state.model = parts.get("model");
  for (const axis of state.region.axes) {
    const value = Number(parts.get(`at.${axis.name}`) ?? NaN);
    if (Number.isFinite(value)) state.at[axis.name] = indexOf(axis.values, value);
  }
}

/* -- all together -------------------------------------------------------------------------------------------- */

let turn = 0;

async function show() {
  const mine = ++turn;
  delete document.body.dataset.shown;
  drawControls();
  const data = await loaded(state.region);
  if (mine !== turn) return;  // something else was chosen meanwhile
  drawMap(data);
  drawLegend(data);
  drawCurves(data);
  drawTable(data);
  read(data, ...(state.cursor ?? [state.at[state.x], state.at[state.y]]));
  history.replaceState(null, "", address());
  document.body.dataset.shown = address();
}

function pointed(event) {
  if (!geometry) return null;
  const {box, nx, ny} = geometry;
  const {left, top} = field("map").getBoundingClientRect();
  const x = Math.floor((event.clientX - left - box.left) / box.width * nx);
  const y = ny - 1 - Math.floor((event.clientY - top - box.top) / box.height * ny);
  return x >= 0 && x < nx && y >= 0 && y < ny ? [x, y] : null;
}

async function point(places) {
  state.cursor = places;
  const data = await loaded(state.region);
  if (still) drawSquares();
  read(data, ...(places ?? [state.at[state.x], state.at[state.y]]));
}

function choose(places) {
  [state.at[state.x], state.at[state.y]] = places;
  state.cursor = null;
  show();
}

const STEPS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};

function pressed(event) {
  const from = state.cursor ?? [state.at[state.x], state.at[state.y]];
  if (event.key === "Enter" || event.key === " ") {
    choose(from);
  } else if (event.key === "Escape") {
    point(null);
  } else if (event.key in STEPS) {
    const far = event.shiftKey ? 10 : 1;
    const most = [axisOf(state.x).values.length - 1, axisOf(state.y).values.length - 1];
    point(from.map((at, i) => Math.min(Math.max(at + far * STEPS[event.key][i], 0), most[i])));
  } else {
    return;
  }
  event.preventDefault();
}

field("region").addEventListener("change", (event) => { enter(DATA.regions.find((one) => one.name === event.target.value)); show(); });
for (const [side, other] of [["x", "y"], ["y", "x"]]) {
  field(side).addEventListener("change", (event) => {
    if (state[other] === event.target.value) state[other] = state[side];
    state[side] = event.target.value;
    state.cursor = null;
    show();
  });
}
for (const id of ["quantity", "model"]) field(id).addEventListener("change", (event) => { state[id] = event.target.value; show(); });
field("at").addEventListener("change", show);
field("map").addEventListener("pointermove", (event) => point(pointed(event)));
field("map").addEventListener("pointerleave", () => point(null));
field("map").addEventListener("click", (event) => { const places = pointed(event); if (places) choose(places); });
field("map").addEventListener("keydown", pressed);
field("controls").addEventListener("submit", (event) => event.preventDefault());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
window.addEventListener("hashchange", () => { follow(); show(); });
new ResizeObserver(show).observe(field("map"));
drawLines();
follow();
