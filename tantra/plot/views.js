// Views that answer a touch. Python computed every number that look and steps show; sampling and
// rotation work out theirs, and tools/views_numbers.py holds them to the library's functions.
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
    const fill = table(root, "the numbers of this query", ["key", ...columns]);
    const say = make("p", root, { class: "tv-say", role: "status" });
    function draw(query) {
      const named = rows[query].map((cells, s) => [shown(keys[s]), ...cells]);
      const lines = fill([...named, ["sum", ...sums[query]]]);
      rows[query].forEach((cells, s) => {
        lines[s][1].style.background = `rgba(43, 143, 214, ${0.55 * Number(cells[1])})`;
      });
      lines.at(-1)[0].parentNode.className = "tv-sum";
      const weights = rows[query].map((cells) => Number(cells[1]));
      const most = weights.indexOf(Math.max(...weights));
      say.textContent = `${shown(queries[query])} gives its largest weight, ${rows[query][most][1]}, `
        + `to ${shown(keys[most])}; its average is ${sums[query].at(-1)}.`;
    }
    root.querySelector("button").click();
  }

  // A slider from 0 to most, told by words. Returns a function that puts it at a place.
  function slider(parent, label, most, word, choose) {
    const line = make("label", parent, { class: "tv-slider" }, label);
    const input = make("input", line, { type: "range", min: 0, max: most, "aria-label": label });
    const value = make("span", line, { "aria-hidden": "true" });
    input.oninput = () => choose(Number(input.value));
    return (place, last = most) => {
      input.max = last;
      input.value = place;
      value.textContent = word(place);
      input.setAttribute("aria-valuetext", word(place));
    };
  }

  const SLIDERS = `
.tantra-view .tv-slider { display: grid; grid-template-columns: 6.5em minmax(100px, 220px) auto;
  align-items: center; justify-content: start; gap: 8px; margin: 2px 0; font-size: 14px; }
.tantra-view .tv-slider input { width: 100%; height: 28px; margin: 0; accent-color: #D55E00; }
.tantra-view .tv-slider span { font-family: monospace; }
.tantra-view td.tv-bar { min-width: 104px; }
.tantra-view .tv-face { position: relative; width: 230px; height: 230px; margin: 6px 0; }
.tantra-view .tv-face * { position: absolute; box-sizing: border-box; }
.tantra-view .tv-ring { inset: 35px; border: 1px solid rgba(128, 128, 128, .7); border-radius: 50%; }
.tantra-view .tv-arrow { left: 50%; top: calc(50% - 1.5px); height: 3px; transform-origin: 0 50%; }
.tantra-view .tv-arrow::after { content: ""; position: absolute; right: -1px; top: -5px;
  border: 6.5px solid transparent; border-right-width: 0; border-left: 12px solid var(--tv-colour); }
.tantra-view .tv-name { transform: translate(-50%, -50%); font: bold 14px/1 monospace; }`;
  const two = (x) => x.toFixed(2).replace(/^-(0\.00)$/, "$1");
  const percent = (p) => `${(100 * p).toFixed(1)} %`;
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

  // What may be drawn. logits fall; as in the library, temperature first, then top-k, then top-p.
  function drawable(logits, temperature, k, p) {
    const soft = (most) => {
      const powers = logits.map((x, i) => (i < most ? Math.exp((x - logits[0]) / (temperature || 1)) : 0));
      const whole = sum(powers);
      return powers.map((power) => power / whole);
    };
    let kept = temperature === 0 ? 1 : k;
    if (p < 1) {
      const given = soft(kept);
      let reached = given[0], count = 1;
      while (count < kept && reached < p) reached += given[count++];
      kept = count;
    }
    return { kept, after: soft(kept) };
  }

  // Temperature, top-k and top-p on one row of logits, the largest first.
  function sampling(root, { tokens, logits, rows, temperatures, thresholds }) {
    make("style", root, {}, SLIDERS);
    const V = logits.length;
    let t = temperatures.indexOf(1), k = V, p = thresholds.length - 1;
    const words = { t: (i) => `${temperatures[i]}`, k: (i) => (i + 1 < V ? `${i + 1}` : `${V}, all`),
      p: (i) => (thresholds[i] < 1 ? `${thresholds[i]}` : "1, all") };
    const heat = slider(root, "Temperature", temperatures.length - 1, words.t, (i) => { t = i; draw(); });
    const most = slider(root, "Top-k", V - 1, words.k, (i) => { k = i + 1; draw(); });
    const least = slider(root, "Top-p", thresholds.length - 1, words.p, (i) => { p = i; draw(); });
    const fill = table(root, "the probabilities before and after", ["token", "before", "after"]);
    const say = make("p", root, { class: "tv-say", role: "status" });
    const before = drawable(logits, 1, V, 1).after;
    const entropy = (given) => two(sum(given.map((x) => (x ? -x * Math.log(x) : 0))));
    function draw() {
      heat(t); most(k - 1); least(p);
      const { kept, after } = drawable(logits, temperatures[t], k, thresholds[p]);
      const line = (name, from, to) => [name, ...[before, after].map((x) => sum(x.slice(from, to)))]
        .map((x, i) => (i === 0 ? x : i === 2 && kept <= from ? "cut" : percent(x)));
      const lines = tokens.slice(0, rows).map((name, i) => line(shown(name), i, i + 1));
      if (V > rows) lines.push(line(`${V - rows} others`, rows, V));
      fill(lines).flat().forEach((cell) => {
        cell.className = "tv-bar";
        const width = parseFloat(cell.textContent) || 0;
        cell.style.background = `linear-gradient(to right, rgba(43, 143, 214, .55) ${width}%, transparent 0)`;
      });
      say.textContent = `${kept} of ${V} tokens may be drawn, ${shown(tokens[0])} with `
        + `${percent(after[0])}. Entropy ${entropy(after)} nats, before ${entropy(before)}.`;
    }
    draw();
  }

  // A query's arrow and a key's, of one pair of features, each rotated by the angle of its position.
  function rotation(root, { query, key, angles, pairs, start }) {
    make("style", root, {}, SLIDERS);
    const last = angles.length - 1, apart = () => Math.abs(places[0] - places[1]);
    let pair = 0, places = [...start];
    const choice = row(root, "Pair of features, and its angle a step", pairs, (i) => { pair = i; draw(); });
    const go = (q, k) => { places = [q, k]; draw(); };
    const moves = [
      slider(root, "Query at", last, String, (i) => go(i, places[1])),
      slider(root, "Key at", last, String, (i) => go(places[0], i)),
    ];
    const both = slider(root, "Both", last, () => places.join(" and "), (i) => {
      const first = Math.min(...places);
      go(...places.map((place) => place - first + i));
    });
    const face = make("div", root, { class: "tv-face", "aria-hidden": "true" });
    const fill = table(root, "the numbers of both arrows", ["arrow", "position", "rotated by", "its numbers"]);
    const say = make("p", root, { class: "tv-say", role: "status" });
    const rotated = ([a, b], angle) => [a * Math.cos(angle) - b * Math.sin(angle),
      a * Math.sin(angle) + b * Math.cos(angle)];
    const arrows = (i) => [query, key].map((whole, n) => rotated(whole[i], angles[places[n]][i]));
    const product = ([q, k]) => q[0] * k[0] + q[1] * k[1];
    const degrees = (radians) => (180 / Math.PI) * radians;
    function paint(drawn) {
      face.textContent = "";
      const ways = drawn.map(([a, b]) => degrees(Math.atan2(b, a)));
      const between = ((ways[1] - ways[0] + 540) % 360) - 180;
      const ring = make("div", face, { class: "tv-ring" });
      ring.style.background = `conic-gradient(from ${90 - ways[0] - Math.max(between, 0)}deg, `
        + `rgba(128, 128, 128, .35) ${Math.abs(between)}deg, transparent 0)`;
      const longest = Math.max(...drawn.map(([a, b]) => Math.hypot(a, b))) || 1;
      drawn.forEach(([a, b], n) => {
        const arrow = make("div", face, { class: "tv-arrow" });
        const colour = ["#2B8FD6", "#D55E00"][n], turn = (Math.PI / 180) * ways[n];
        arrow.style.cssText = `width: ${(80 * Math.hypot(a, b)) / longest}px; --tv-colour: ${colour};`
          + ` background: ${colour}; transform: rotate(${-ways[n]}deg)`;
        const name = make("div", face, { class: "tv-name" }, "qk"[n]), far = [90, 106][n];
        name.style.cssText = `left: ${115 + far * Math.cos(turn)}px; top: ${115 - far * Math.sin(turn)}px`;
      });
      return Math.abs(between);
    }
    function draw() {
      moves.forEach((move, n) => move(places[n]));
      both(Math.min(...places), last - apart());
      const now = arrows(pair), between = paint(now);
      fill(now.map((arrow, n) => [["query", "key"][n], `${places[n]}`,
        `${degrees(angles[places[n]][pair]).toFixed(1)}°`, arrow.map(two).join(" ")]));
      const products = query.map((_, i) => product(arrows(i)));
      say.textContent = `Query at ${places[0]}, key at ${places[1]}: the arrows of pair ${pair} are `
        + `${between.toFixed(1)}° apart, their product is ${two(products[pair])}; `
        + `the sum over all pairs is ${two(sum(products))}.`;
    }
    choice.pick(0);
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

  const KINDS = { look, steps, sampling, rotation, lens, roofline };
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
