"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const MARKERS = 60;  // of the discrete curve in view; all of them show when zoomed in
// those that need no network: by default plotly.js offers to upload the chart
const BUTTONS = [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]];
const field = (id) => document.getElementById(id);
const named = (value) => DATA.names[value] ?? String(value);
const shown = (scheme) => field(`show-${scheme}`).checked;

function decode(text, kind) {
  return new kind(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer);
}

/** Offer some values in a select, keeping what was chosen if it is among them: the value chosen. */
function offer(id, values) {
  const select = field(id);
  const before = select.value;
  select.replaceChildren(...values.map((value) => new Option(named(value), String(value))));
  if (values.some((value) => String(value) === before)) select.value = before;
  select.disabled = values.length < 2;
  return values.find((value) => String(value) === select.value);
}

/** Each choice limits what the next control offers: the configuration chosen. */
function chosen() {
  let lanes = DATA.lanes;
  for (const key of DATA.key) {
    const value = offer(key, [...new Set(lanes.map((lane) => lane[key]))]);
    lanes = lanes.filter((lane) => lane[key] === value);
  }
  return lanes[0];
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

/** The curves above and the gaps below, as plotly.js takes them. */
function curves(lane, quantity, colour) {
  const steps = Array.from(decode(lane.k, Int32Array));
  const values = Object.fromEntries(
    DATA.schemes.map((scheme) => [scheme, Array.from(decode(lane.values[quantity][scheme], Float64Array))]));
  const gaps = {};
  for (const scheme of DATA.schemes.slice(1)) {
    gaps[scheme] = steps.map((_, i) => Math.abs(values.discrete[i] - values[scheme][i]));
  }
  // what a logarithmic axis cannot show is left out: plotly.js would draw it at the lower edge
  const visible = (value, logarithmic) => Number.isNaN(value) || (logarithmic && value <= 0) ? null : value;
  const line = (scheme) => ({
    color: colour(scheme),
    width: {discrete: 0.7, published: 1.6, converged: 2.8}[scheme],
    dash: {discrete: "dot", published: "dash", converged: "solid"}[scheme],
  });
  // the dashes of the published solution over the solid line of the converged one, the markers over both
  const above = [...DATA.schemes].reverse().map((scheme) => ({
    x: steps, y: values[scheme].map((value) => visible(value, field("log-y").checked)),
    name: named(scheme), line: line(scheme), mode: scheme === "discrete" ? "lines+markers" : "lines",
    visible: shown(scheme),
    marker: {symbol: "circle-open", size: 6, color: colour(scheme), maxdisplayed: MARKERS},
    hovertemplate: "%{y:.6g}",
  }));
  const below = DATA.schemes.slice(1).reverse().map((scheme) => ({
    x: steps, y: gaps[scheme].map((value) => visible(value, field("log-gap").checked)),
    name: `gap to ${scheme}`, line: line(scheme), mode: "lines", yaxis: "y2", showlegend: false,
    hovertemplate: "%{y:.3g}", visible: shown(scheme),
  }));
  return {traces: [...above, ...below], steps, values, gaps};
}

/** The place of the step to read values at, or of the nearest in this page; null if there is none to read at. */
function reading(steps) {
  if (field("at").value === "") return null;
  const at = Math.min(field("at").value, steps.at(-1));  // from a number that is large enough all are as far
  return steps.reduce((best, step, i) => Math.abs(step - at) < Math.abs(steps[best] - at) ? i : best, 0);
}

function axis(title, logarithmic, colour) {
  return {
    title: {text: title, standoff: 8}, type: logarithmic ? "log" : "linear", automargin: true,
    gridcolor: colour("grid"), linecolor: colour("border"), zeroline: false, exponentformat: "power",
  };
}

function layout(lane, quantity, colour, step) {
  const x = axis("step k = t/α", field("log-x").checked, colour);
  const ends = ["from", "to"].map((id) => field(id).value).map((text) => text === "" ? null : Number(text));
  if (ends.some((end) => end !== null)) {
    const limits = [ends[0] ?? (x.type === "log" ? 1 : 0), ends[1] ?? lane.steps - 1].sort((a, b) => a - b);
    x.range = x.type === "log" ? limits.map((end) => Math.log10(Math.max(end, 1))) : limits;
  }
  return {
    paper_bgcolor: colour("ground"), plot_bgcolor: colour("ground"),
    font: {color: colour("text"), family: "system-ui, sans-serif", size: 13},
    margin: {l: 10, r: 10, t: 36, b: 10},
    hovermode: "x unified", hoversubplots: "axis",
    hoverlabel: {bgcolor: colour("field"), bordercolor: colour("border"), font: {color: colour("text")}},
    modebar: {bgcolor: "rgba(0,0,0,0)", color: colour("faint"), activecolor: colour("text")},
    // what a click on it would do, the check boxes do, and from the keyboard
    legend: {orientation: "h", y: 0, yref: "container", yanchor: "bottom", x: 0, itemclick: false, itemdoubleclick: false},
    shapes: step === null || (x.type === "log" && step < 1) ? [] :
      [{type: "line", x0: step, x1: step, yref: "paper", y0: 0, y1: 1, line: {color: colour("faint"), width: 1}}],
    xaxis: {...x, anchor: "y2"},
    yaxis: {...axis(named(quantity), field("log-y").checked, colour), domain: [0.39, 1]},
    yaxis2: {...axis("gap", field("log-gap").checked, colour), domain: [0, 0.31], nticks: 4},
  };
}

const short = (number) =>
  number !== 0 && Math.abs(number) < 1e-3 ? number.toExponential(2) : Number(number.toPrecision(3)).toString();

function largest(steps, gap) {
  let place = -1;
  gap.forEach((value, i) => { if (!Number.isNaN(value) && !(value <= gap[place])) place = i; });
  return place < 0 ? "none" : `${short(gap[place])} at step ${steps[place]}`;
}

function describe(lane, quantity, steps, gaps) {
  const parts = DATA.schemes.slice(1).map((scheme) => {
    const report = lane.reports[scheme];
    const verdict = report.converged ? "converged" : "did not converge";
    return `${named(scheme).replace(/^./, (first) => first.toUpperCase())}: largest gap ${largest(steps, gaps[scheme])}; the solver ${verdict} in ` +
      `${report.iterations} iteration${report.iterations === 1 ? "" : "s"}, residual ${short(report.residual)}.`;
  });
  const kept = steps.length < lane.steps ? `${steps.length} of ${lane.steps} steps are in this page.` : "";
  field("summary").textContent = [...parts, kept].join(" ");
  field("plot-title").textContent =
    `${named(quantity)} of ${named(lane.optimizer)} on the ${named(lane.objective)} against the step`;
}

/** All digits of every curve at a place of `steps`. */
function tell(place, steps, values, gaps) {
  if (place === null) return "";
  const written = (value) => Number.isNaN(value) ? "none" : String(value);
  const parts = [
    ...DATA.schemes.map((scheme) => `${named(scheme)} ${written(values[scheme][place])}`),
    ...DATA.schemes.slice(1).map((scheme) => `gap to ${scheme} ${written(gaps[scheme][place])}`),
  ];
  return `Step ${steps[place]}: ${parts.join("; ")}.`;
}

function draw() {
  const lane = chosen();
  const quantity = offer("quantity", Object.keys(lane.values));
  const colour = colours();
  field("experiment").parentElement.hidden = field("experiment").options.length < 2;
  for (const id of ["from", "to", "at"]) field(id).max = lane.steps - 1;
  const {traces, steps, values, gaps} = curves(lane, quantity, colour);
  const place = reading(steps);
  describe(lane, quantity, steps, gaps);
  field("values").textContent = tell(place, steps, values, gaps);
  return Plotly.react("plot", traces, layout(lane, quantity, colour, place === null ? null : steps[place]),
    {responsive: true, displaylogo: false, modeBarButtons: BUTTONS});
}

function everything() {
  field("from").value = field("to").value = "";
}

for (const key of DATA.key) field(key).addEventListener("change", () => { everything(); draw(); });
const views = ["quantity", "from", "to", "at", "log-x", "log-y", "log-gap", ...DATA.schemes.map((scheme) => `show-${scheme}`)];
for (const id of views) field(id).addEventListener("change", draw);
field("whole").addEventListener("click", () => { everything(); draw(); });
field("controls").addEventListener("submit", (event) => event.preventDefault());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
