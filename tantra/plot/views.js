// Views that answer a touch. Python computed every number; this only shows them.
(() => {
  const STYLE = `
.tantra-view { font-size: 14px; line-height: 1.5; max-width: 100%; }
.tantra-view .tv-row { display: flex; flex-wrap: wrap; gap: 2px; margin: 2px 0 8px; }
.tantra-view .tv-label { margin: 6px 0 0; font-size: 13px; }
.tantra-view button { font: 14px/1.3 monospace; color: inherit; background: transparent;
  border: 2px solid transparent; border-radius: 4px; min-width: 26px; min-height: 28px;
  padding: 2px 6px; margin: 0; cursor: pointer; }
.tantra-view .tv-grid button { border-color: rgba(128, 128, 128, .5); }
.tantra-view button[aria-pressed=true] { border-color: #D55E00; font-weight: bold; }
.tantra-view :focus-visible { outline: 2px solid currentColor; outline-offset: 1px; }
.tantra-view table { border-collapse: collapse; margin: 4px 0; font: 14px/1.5 monospace;
  color: inherit; background: transparent; }
.tantra-view th, .tantra-view td { padding: 2px 8px; text-align: right; white-space: nowrap; color: inherit;
  background: transparent; border: 0; }
.tantra-view tr.tv-sum > * { border-top: 1px solid currentColor; font-weight: bold; }
.tantra-view .tv-wide { overflow-x: auto; }
.tantra-view .tv-map { display: flex; max-width: 100%; font: 14px/28px monospace; }
.tantra-view .tv-map .tv-wide { padding: 0 3px; }
.tantra-view .tv-map .tv-row { display: grid; margin: 0; text-align: center; }
.tantra-view .tv-map button { min-width: 0; padding: 2px 0; }
.tantra-view .tv-side { margin-right: 4px; text-align: right; }
.tantra-view .tv-side div { height: 28px; white-space: nowrap; }
.tantra-view .tv-side div ~ div { margin-bottom: 2px; }
.tantra-view svg { display: block; width: 100%; max-width: 460px; font-size: 12px; fill: currentColor;
  stroke: currentColor; }
.tantra-view p.tv-say { margin: 6px 0; min-height: 1.5em; }`;

  const make = (tag, parent, attributes = {}, text = "") => {
    const node = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    node.textContent = text;
    parent.append(node);
    return node;
  };
  const shown = (word) => ({ "\n": "⏎", " ": "␣", "": "∅" })[word] ?? word;

  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  // A row (or a grid, columns wide) of buttons of which one is chosen: one stop for the Tab key,
  // arrows move inside it. Returns a function that chooses.
  function row(parent, label, names, choose, { columns = 0, hover = false, short = shown } = {}) {
    if (label) make("p", parent, { class: "tv-label", "aria-hidden": "true" }, label);
    const box = make("div", parent, { role: "group", "aria-label": label, class: "tv-row" });
    if (columns) {
      box.classList.add("tv-grid");
      box.style.cssText = `display: grid; grid-template-columns: repeat(${columns}, max-content)`;
    }
    let chosen = 0;
    const pick = (place) => {
      chosen = place;
      buttons.forEach((button, i) => {
        button.setAttribute("aria-pressed", i === place);
        button.tabIndex = i === place ? 0 : -1;
      });
      choose(place);
    };
    const buttons = names.map((name, place) => {
      const button = make("button", box, { type: "button" }, short(name));
      if (short !== shown) button.setAttribute("aria-label", name);
      button.onclick = () => pick(place);
      if (hover) button.onmouseenter = () => pick(place);
      return button;
    });
    box.onkeydown = (event) => {
      const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns || 1, ArrowUp: -columns || -1,
        Home: -chosen, End: names.length - 1 - chosen };
      if (!(event.key in steps)) return;
      event.preventDefault();
      const to = buttons[chosen + steps[event.key]];
      if (to) { pick(buttons.indexOf(to)); to.focus(); }
    };
    return { pick, buttons };
  }

  function colour(button, percent) {
    button.style.background = `rgba(43, 143, 214, ${(0.55 * percent) / 100})`;
  }

  // A place for a table that may be wide. Returns a function that fills it, a name and its cells to a
  // row, and gives the cells back.
  function table(parent, label, head) {
    const frame = make("div", parent, { class: "tv-wide", tabindex: "0", role: "region",
      "aria-label": label });
    return (rows) => {
      frame.textContent = "";
      const grid = make("table", frame), first = make("tr", grid);
      head.forEach((name) => make("th", first, { scope: "col" }, name));
      return rows.map(([name, ...cells]) => {
        const tr = make("tr", grid);
        make("th", tr, { scope: "row" }, name);
        return cells.map((cell) => make("td", tr, {}, cell));
      });
    };
  }

  // Who looks at whom: weights[head][query][key] in percent.
  function look(root, { weights, heads, columns, queries, keys }) {
    let head = 0, asks = queries.length - 1, ready = false;
    const others = keys ?? queries;
    const several = heads.length > columns;
    const heading = heads.length > 1 ? (several ? "Heads (block.head)" : "Heads") : "";
    const short = several ? (name) => name.match(/\d+/g).join(".") : shown;
    const choice = heading
      && row(root, heading, heads, (i) => { head = i; draw(); }, { columns, short });
    const first = row(root, keys ? "Queries (they ask)" : "One asks, the others are coloured",
      queries, (i) => { asks = i; draw(); }, { hover: true });
    const second = keys ? row(root, "Keys (they answer)", keys, () => {}) : first;
    const say = make("p", root, { class: "tv-say", role: "status" });
    if (keys) second.buttons.forEach((button) => { button.disabled = true; });
    function draw() {
      if (!ready) return;
      const given = weights[head][asks];
      const most = given.indexOf(Math.max(...given));
      second.buttons.forEach((button, i) => {
        colour(button, given[i]);
        button.title = `${given[i]} %`;
        if (keys) button.removeAttribute("aria-pressed");
      });
      const name = (words, i) => `${shown(words[i])} (position ${i})`;
      say.textContent = `${heading && capital(heads[head]) + ": "}${name(queries, asks)} looks most at `
        + `${name(others, most)}, ${given[most]} %.`;
    }
    if (choice) choice.pick(0);
    first.pick(asks);
    ready = true;
    draw();
  }

  // One query at a time: a table with a row for each key; its words are made in Python.
  function steps(root, { queries, keys, columns, rows, sums }) {
    row(root, "Query", queries, (i) => draw(i), { hover: true });
    const frame = make("div", root, { class: "tv-wide", tabindex: "0", role: "region",
      "aria-label": "the numbers of this query" });
    const say = make("p", root, { class: "tv-say", role: "status" });
    function draw(query) {
      frame.textContent = "";
      const table = make("table", frame);
      const line = (first, cells, name) => {
        const tr = make("tr", table, name ? { class: name } : {});
        make("th", tr, { scope: "row" }, shown(first));
        cells.forEach((cell) => make("td", tr, {}, cell));
        return tr;
      };
      const head = make("tr", table);
      ["key", ...columns].forEach((name) => make("th", head, { scope: "col" }, name));
      rows[query].forEach((cells, s) => {
        const weight = line(keys[s], cells).children[2];
        weight.style.background = `rgba(43, 143, 214, ${0.55 * Number(cells[1])})`;
      });
      line("sum", sums[query], "tv-sum");
      const weights = rows[query].map((cells) => Number(cells[1]));
      const most = weights.indexOf(Math.max(...weights));
      say.textContent = `${shown(queries[query])} gives its largest weight, ${rows[query][most][1]}, `
        + `to ${shown(keys[most])}; its average is ${sums[query].at(-1)}.`;
    }
    root.querySelector("button").click();
  }

  // What the stream after each layer is read as: cells[reading][layer][position] holds the likeliest
  // tokens with their percents, and the percent and the place of the answer.
  function lens(root, { names, layers, tokens, vocabulary, answers, cells }) {
    const T = tokens.length;
    let reading = 0, at = answers.findIndex((token) => token >= 0), ready = false;
    const choice = row(root, "Read by", names, (i) => { reading = i; draw(); });
    make("p", root, { class: "tv-label" }, "The likeliest next token, underlined where it is "
      + "right; the stronger the colour, the more the right one gets");
    const map = make("div", root, { class: "tv-map" });
    const side = make("div", map, { class: "tv-side", "aria-hidden": "true" });
    ["", ...layers].forEach((name) => make("div", side, {}, name));
    const wide = make("div", map, { class: "tv-wide" });
    const head = make("div", wide, { class: "tv-row", "aria-hidden": "true" });
    tokens.forEach((token) => make("span", head, {}, shown(token)));
    const places = layers.flatMap((name) => tokens.map((token, t) => `${name}, at ${shown(token)} `
      + `(position ${t})`));
    const grid = row(wide, "", places, (i) => { at = i; draw(); }, { columns: T, hover: true, short: () => "" });
    const box = grid.buttons[0].parentNode;
    box.setAttribute("aria-label", "layers and positions");
    const longest = Math.max(...[...tokens, ...vocabulary].map((word) => shown(word).length));
    [head, box].forEach((one) => {
      one.style.gridTemplateColumns = `repeat(${T}, ${Math.max(28, 9 * longest + 8)}px)`;
    });
    const fill = table(root, "the five likeliest tokens", ["", ...names]);
    const say = make("p", root, { class: "tv-say", role: "status" });
    const word = (token) => shown(vocabulary[token]);
    const share = (percent) => (percent ? `${percent} %` : "<1 %");
    function draw() {
      if (!ready) return;
      const t = at % T, n = (at - t) / T, answer = answers[t], known = answer >= 0;
      grid.buttons.forEach((button, i) => {
        const [best, [percent]] = cells[reading][(i - (i % T)) / T][i % T];
        button.textContent = word(best[0][0]);
        button.setAttribute("aria-label", `${button.textContent}: ${places[i]}`);
        button.style.textDecoration = best[0][0] === answers[i % T] ? "underline" : "";
        colour(button, percent);
      });
      const here = cells.map((of) => of[n][t]);
      const lines = here[0][0].map((_, i) => [`${i + 1}`, ...here.map(([best]) =>
        `${word(best[i][0])} ${share(best[i][1])}`)]);
      if (known) {
        lines.push([`answer ${word(answer)}`, ...here.map(([, [percent, place]]) =>
          `${share(percent)}, no. ${place}`)]);
      }
      const cellsOf = fill(lines);
      if (known) cellsOf.at(-1)[0].parentNode.className = "tv-sum";
      const [best, [percent]] = here[reading];
      const others = names.map((name, i) => `${name} ${share(here[i][1][0])}`);
      others.splice(reading, 1);
      say.textContent = `${capital(names[reading])}, ${places[at]}: ${word(best[0][0])} comes first, `
        + `${share(best[0][1])}. ` + (known ? `The answer, ${word(answer)}, gets ${share(percent)}`
        + (others.length ? `; by ${others.join(", by ")}.` : ".") : "No answer is known here.");
    }
    choice.pick(0);
    grid.pick(Math.max(at, 0));
    ready = true;
    draw();
  }

  // Measured points under two ceilings. Places in the drawing run from 0 to 1, upwards.
  function roofline(root, { names, points, roof, ceilings, ticks }) {
    const choice = row(root, "Measured", names, (i) => draw(i), { hover: true });
    const page = new DOMParser().parseFromString("<svg></svg>", "text/html");
    const svg = root.appendChild(page.querySelector("svg"));
    svg.setAttribute("viewBox", "0 0 400 262");
    svg.setAttribute("aria-hidden", "true");
    const shape = (tag, attributes, text = "") => {
      const node = svg.appendChild(document.createElementNS(svg.namespaceURI, tag));
      Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
      node.textContent = text;
      return node;
    };
    const X = (x) => 46 + 346 * x, Y = (y) => 218 - 210 * y;
    const words = (text, x, y, anchor = "middle") =>
      shape("text", { x, y, "text-anchor": anchor, stroke: "none" }, text);
    const line = (ends, more) => shape("polyline", { points: ends.map(([x, y]) => `${X(x)},${Y(y)}`).join(" "),
      fill: "none", ...more });
    ticks[0].forEach(([x, name]) => { line([[x, 0], [x, 1]], { opacity: 0.2 }); words(name, X(x), 234); });
    ticks[1].forEach(([y, name]) => { line([[0, y], [1, y]], { opacity: 0.2 }); words(name, 40, Y(y) + 4, "end"); });
    words("FLOP/byte", 219, 254);
    words("GFLOP/s", 50, 16, "start");
    line(roof, { "stroke-width": 2 });
    line([roof[1], [roof[1][0], 0]], { "stroke-dasharray": "2 4" });
    const gap = line([], { "stroke-width": 3, stroke: "#D55E00" });
    const dots = points.map(([x, y], i) => {
      const dot = shape("circle", { cx: X(x), cy: Y(y), r: 5, fill: "#2B8FD6", stroke: "none" });
      dot.onclick = () => choice.pick(i);
      return dot;
    });
    const say = make("p", root, { class: "tv-say", role: "status" });
    const three = (number) => `${Number(number.toPrecision(3))}`;
    function draw(i) {
      const [x, y, top, intensity, speed, most, memory] = points[i];
      gap.setAttribute("points", `${X(x)},${Y(y)} ${X(x)},${Y(top)}`);
      dots.forEach((dot, n) => dot.setAttribute("stroke", n === i ? "#D55E00" : "none"));
      dots.forEach((dot, n) => dot.setAttribute("stroke-width", n === i ? 3 : 0));
      say.textContent = `${capital(names[i])}: ${three(intensity)} FLOP/byte, `
        + `${memory ? "below" : "not below"} the ridge of ${three(ceilings[2])}, so the `
        + `${memory ? `bandwidth binds: ${three(ceilings[1])} GB/s allow` : "peak binds:"} at most `
        + `${three(most)} GFLOP/s. Reached: ${three(speed)}, ${Math.round((100 * speed) / most)} % of that.`;
    }
    choice.pick(0);
  }

  // What a picture carries by the name of "numbers", in a chunk of its file: length, tEXt, name, text.
  function inside(picture) {
    const file = atob(picture.src.split(",")[1]), name = "tEXtnumbers\0", at = file.indexOf(name);
    const length = [4, 3, 2, 1].reduce((n, back) => 256 * n + file.charCodeAt(at - back), 0);
    return JSON.parse(file.slice(at + name.length, at + 4 + length));
  }

  const KINDS = { look, steps, lens, roofline };
  document.querySelectorAll("div[data-tantra-view]").forEach((root) => {
    const { kind, alt, ...beside } = JSON.parse(root.dataset.tantraView);
    const data = Object.keys(beside).length ? beside : inside(root.querySelector("img"));
    delete root.dataset.tantraView;
    root.textContent = "";
    root.className = "tantra-view";
    Object.entries({ role: "group", "aria-label": alt, "data-lm-suppress-shortcuts": "true" })
      .forEach(([name, value]) => root.setAttribute(name, value));
    root.onkeydown = (event) => {  // a notebook's own keys stay outside
      if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
    };
    make("style", root, {}, STYLE);
    KINDS[kind](root, data);
  });
})();
