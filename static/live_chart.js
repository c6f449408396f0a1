// Draws a Plotly figure and redraws it in place: same DOM node, so zoom, hidden traces and hover survive new data.
// Called by Streamlit with {data: {figure, height, alt, stacked}} whenever any of it changes; text is only ever set as text.

const NARROW_PX = 640;

function plotly() {
  if (!window.fourdialsPlotly) {
    window.fourdialsPlotly = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("app/static/plotly.min.js", document.baseURI).href;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("app/static/plotly.min.js could not be loaded"));
      document.head.appendChild(script);
    });
  }
  return window.fourdialsPlotly;
}

// Colours of the page's theme, whatever the figure says: a figure does not know whether the page is light or dark.
function themed(layout, box) {
  const css = getComputedStyle(box);
  const text = css.getPropertyValue("--st-text-color").trim() || css.color;
  const back = css.getPropertyValue("--st-background-color").trim() || "white";
  const grid = css.getPropertyValue("--st-border-color").trim() || "rgba(128,128,128,0.25)";
  const out = { ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
  out.font = { ...layout.font, color: text, family: css.fontFamily };
  out.hoverlabel = { ...layout.hoverlabel, bgcolor: back, bordercolor: grid, font: { color: text } };
  out.legend = { ...layout.legend, bgcolor: "rgba(0,0,0,0)" };
  for (const key of Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))) {
    out[key] = { ...layout[key], gridcolor: grid, linecolor: grid, zerolinecolor: grid };
  }
  return out;
}

function draw(box, Plotly) {
  const { figure, height, stacked } = box.fourdials;
  const narrow = box.clientWidth < NARROW_PX;
  const change = narrow && stacked ? stacked : {};
  let layout = { ...figure.layout, height, autosize: true };
  for (const [key, value] of Object.entries(change)) {
    layout[key] = Array.isArray(value) || typeof value !== "object" ? value : { ...layout[key], ...value };
  }
  box.style.height = layout.height + "px";
  layout.uirevision = layout.uirevision || "kept";
  if (narrow) layout.margin = { ...layout.margin, l: 48, r: 8 };
  const config = { displaylogo: false, responsive: false, displayModeBar: narrow ? false : "hover" };
  return Plotly.react(box, figure.data, themed(layout, box), config);
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const box = parentElement.querySelector(".fourdials-chart");
  const fault = parentElement.querySelector(".fourdials-fault");
  box.setAttribute("aria-label", data.alt);
  const known = box.fourdials;
  box.fourdials = {
    ...known,
    send: setTriggerValue,
    figure: known && known.text === data.figure ? known.figure : JSON.parse(data.figure),
    text: data.figure,
    height: data.height,
    stacked: data.stacked,
  };
  box.style.minHeight = box.style.minHeight || data.height + "px";
  plotly()
    .then((Plotly) => draw(box, Plotly).then(() => Plotly))
    .then((Plotly) => {
      box.style.minHeight = "0";
      box.setAttribute("data-drawn", String(Number(box.getAttribute("data-drawn") || 0) + 1));
      if (known) return;
      box.on("plotly_click", (event) => {
        const point = event.points.find((each) => each.customdata);
        if (point) box.fourdials.send("point", Array.from(point.customdata));
      });
      watch(box, Plotly);
    })
    .catch((error) => {
      fault.textContent = "The chart cannot be drawn: " + error.message + ". The table below holds the same numbers.";
    });
  return () => {
    // Streamlit may call this between two updates too; only a box that has left the page is taken apart.
    setTimeout(() => {
      if (box.isConnected || !box.fourdials) return;
      if (box.fourdials.stop) box.fourdials.stop();
      if (window.Plotly) window.Plotly.purge(box);
      delete box.fourdials;
    }, 1000);
  };
}

// Redraws when the width or the page's theme changes.
function watch(box, Plotly) {
  let width = box.clientWidth;
  let colour = getComputedStyle(box).color;
  const size = new ResizeObserver(() => {
    if (Math.abs(box.clientWidth - width) < 2) return;
    width = box.clientWidth;
    if (width) draw(box, Plotly);
  });
  size.observe(box);
  const timer = setInterval(() => {
    const now = getComputedStyle(box).color;
    if (now === colour) return;
    colour = now;
    draw(box, Plotly);
  }, 700);
  box.fourdials.stop = () => {
    size.disconnect();
    clearInterval(timer);
  };
}
