// Draws a Plotly figure and redraws it in place: same DOM node, so zoom, hidden lines and hover survive new data.
// Streamlit calls it with {data: {figure, narrow, alt}} whenever any of it changes. Text is only ever set as text.

const NARROW_PX = 640;
// Plotly's own toolbar would offer to upload the chart to its makers; nothing leaves this computer.
const CONFIG = {
  displaylogo: false,
  plotlyServerURL: "",
  showSendToCloud: false,
  modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d"],
  toImageButtonOptions: { filename: "four-dials", scale: 2 },
  modeBarButtonsToAdd: [
    {
      name: "toSvg",
      title: "Save as SVG",
      icon: { width: 24, height: 24, path: "M5 20h14v-2H5v2zM19 9h-4V3H9v6H5l7 7 7-7z" },
      click: (box) => window.Plotly.downloadImage(box, { format: "svg", filename: "four-dials" }),
    },
  ],
};

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

// The page's own colours for ground and text, so that a figure never stands out as a box of another theme.
function themed(layout, box) {
  const css = getComputedStyle(box);
  const text = css.getPropertyValue("--st-text-color").trim() || css.color;
  const ground = css.getPropertyValue("--st-background-color").trim() || "white";
  return {
    ...layout,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { ...layout.font, color: text, family: css.fontFamily },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: css.color, activecolor: text },
    hoverlabel: { ...layout.hoverlabel, bgcolor: ground, font: { color: text, family: css.fontFamily } },
  };
}

// Plotly keeps a zoom only while the figure asks for the same range as before; a growing run asks for new ones.
function zoomed(layout, box) {
  const { zoom } = box.fourdials;
  const old = box._fullLayout;
  if (!old || old.uirevision !== layout.uirevision) zoom.clear();
  for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
    if (!zoom.has(name[0]) || !old[name] || old[name].type !== (layout[name].type || old[name].type)) continue;
    layout[name] = { ...layout[name], range: [...old[name].range], autorange: false };
  }
  return layout;
}

// Remembers in which direction the reader has zoomed; a double click or the reset button forgets it.
function remember(box, change) {
  const { zoom, figure } = box.fourdials;
  for (const key of Object.keys(change)) {
    const [name, what] = key.split(".");
    if (!/^[xy]axis\d*$/.test(name) || !what) continue;
    const asked = (figure.layout[name] || {}).range;
    const now = box._fullLayout[name].range;
    const reset = what === "autorange" || (asked && asked.every((end, i) => Math.abs(end - now[i]) < 1e-9));
    if (reset) zoom.delete(name[0]);
    else if (what.startsWith("range")) zoom.add(name[0]);
  }
}

function draw(box, Plotly) {
  const { figure, narrow } = box.fourdials;
  const small = box.clientWidth < NARROW_PX;
  const layout = zoomed({ ...(small && narrow ? narrow : figure.layout), autosize: true }, box);
  box.style.height = layout.height + "px";
  return Plotly.react(box, figure.data, themed(layout, box), { ...CONFIG, displayModeBar: small ? false : "hover" });
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const box = parentElement.querySelector(".fourdials-chart");
  const fault = parentElement.querySelector(".fourdials-fault");
  const known = box.fourdials;
  box.setAttribute("aria-label", data.alt);
  box.fourdials = {
    ...known,
    send: setTriggerValue,
    figure: known && known.text === data.figure ? known.figure : JSON.parse(data.figure),
    text: data.figure,
    narrow: data.narrow ? JSON.parse(data.narrow) : null,
    zoom: known ? known.zoom : new Set(),
  };
  box.style.height = box.style.height || box.fourdials.figure.layout.height + "px";
  plotly()
    .then((Plotly) => draw(box, Plotly).then(() => Plotly))
    .then((Plotly) => {
      box.setAttribute("data-drawn", String(Number(box.getAttribute("data-drawn") || 0) + 1));
      if (known) return;
      box.on("plotly_click", (event) => {
        const point = event.points.find((each) => each.customdata);
        if (point) box.fourdials.send("point", Array.from(point.customdata));
      });
      box.on("plotly_relayout", (change) => remember(box, change));
      watch(box, Plotly);
    })
    .catch((error) => {
      fault.textContent = "The chart cannot be drawn: " + error.message + ". The table below it holds the same numbers.";
    });
  return () => {
    // Streamlit may call this between two updates as well; only a box that has left the page is taken apart.
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
    if (!box.clientWidth || Math.abs(box.clientWidth - width) < 2) return;
    width = box.clientWidth;
    draw(box, Plotly);
  });
  size.observe(box);
  const timer = setInterval(() => {
    const now = getComputedStyle(box).color;
    if (now !== colour) draw(box, Plotly);
    colour = now;
  }, 700);
  box.fourdials.stop = () => {
    size.disconnect();
    clearInterval(timer);
  };
}
