"use strict";
// Draws the charts, which the page holds as Vega-Lite; it also holds Vega itself, compressed.
const OPTIONS = {
  actions: false,
  defaultStyle: false,
  mode: "vega-lite",
  renderer: "svg",
  // text in it is shown as text; its look is the page's
  tooltip: { disableDefaultStyle: true },
};

async function unpack(id) {
  const packed = bytes(document.getElementById(id).textContent);
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).text();
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

// Buttons that do what the mouse does, for keys and fingers: which part of the range to show next.
const STEPS = { closer: [0.25, 0.75], wider: [-0.5, 1.5], earlier: [-0.5, 0.5], later: [0.5, 1.5] };

function zoom(view, all, button) {
  const [from, to] = view.scale("x").domain().map(Number);
  const range = (STEPS[button.value] || []).map((part) => from + part * (to - from));
  const [low, high] = range.length ? range : all;
  const within = [Math.max(low, all[0]), Math.min(high, all[1])];
  if (within[0] < within[1]) view.signal("zoom_from", within).run();
}

async function draw(chart) {
  const drawing = chart.firstElementChild;
  const spec = JSON.parse(document.getElementById(drawing.id + "-spec").textContent);
  const { view } = await vegaEmbed(drawing, spec, OPTIONS);
  chart.dataset.drawn = "yes";
  const buttons = chart.parentElement.querySelector(".zoom");
  if (!buttons) return;
  const all = view.scale("x").domain().map(Number);
  buttons.hidden = false;
  buttons.addEventListener("click", ({ target }) => target.value && zoom(view, all, target));
}

unpack("vega").then((script) => {
  new Function(script)();
  document.querySelectorAll(".chart").forEach(draw);
});
