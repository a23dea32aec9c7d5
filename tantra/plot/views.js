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

  const KINDS = { look, steps };
  document.querySelectorAll("div[data-tantra-view]").forEach((root) => {
    const { kind, alt, ...data } = JSON.parse(root.dataset.tantraView);
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
