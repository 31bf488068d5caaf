// The tables of accounts: sort, filter and page through the columns embedded in the page. Text is only ever set as text.
"use strict";

const PAGE = 25;
const SHOWN = 3; // of what an account shares; the rest is folded
const number = new Intl.NumberFormat("en-GB");

function make(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function accounts(root) {
  const data = JSON.parse(document.getElementById(root.dataset.source).textContent);
  const shares = data.ties.map((ties, row) => {
    const words = ties.map((index) => data.phrases[index]);
    if (data.more[row]) words.push(`${number.format(data.more[row])} rarer`);
    return words;
  });
  const searched = data.id.map((id, row) => `${id}\n${shares[row].join("; ")}`.toLowerCase());
  const state = { key: "score", down: true, page: 0, wanted: "", rows: data.id.map((_, row) => row) };
  const body = root.querySelector("tbody");

  const when = (seconds) => new Date((data.start + seconds) * 1000).toISOString().slice(0, 16).replace("T", " ");
  const cell = (text) => make("td", text, { class: "n" });

  function line(row) {
    const tr = document.createElement("tr");
    const head = make("th", "", { scope: "row" });
    head.append(make("bdi", data.id[row], { class: "raw" }));
    const last = document.createElement("td");
    last.append(make("bdi", shares[row].slice(0, SHOWN).join("; ")));
    const rest = shares[row].slice(SHOWN);
    if (rest.length) {
      const fold = document.createElement("details");
      const count = rest.length + Math.max(0, data.more[row] - 1); // the last of them may stand for several
      fold.append(make("summary", `${number.format(count)} more`), make("bdi", rest.join("; ")));
      fold.open = state.wanted !== "";
      last.append(fold);
    }
    tr.append(head, cell(data.score[row].toFixed(3)));
    for (const key of ["requests", "total", "tokens"]) tr.append(cell(number.format(data[key][row])));
    tr.append(make("td", when(data.first[row])), make("td", when(data.last[row])), last);
    return tr;
  }

  const bar = make("div", "", { class: "pager" });
  const label = make("label", "Find an account or what it shares ");
  const filter = make("input", "", { type: "search", spellcheck: "false", autocomplete: "off" });
  label.append(filter);
  const back = make("button", "Previous", { type: "button" });
  const next = make("button", "Next", { type: "button" });
  const status = make("output", "");
  bar.append(label, status, back, next);
  root.prepend(bar);

  function draw() {
    const pages = Math.max(1, Math.ceil(state.rows.length / PAGE));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const from = state.page * PAGE;
    body.replaceChildren(...state.rows.slice(from, from + PAGE).map(line));
    const to = Math.min(from + PAGE, state.rows.length);
    status.textContent = state.rows.length
      ? `${number.format(from + 1)}–${number.format(to)} of ${number.format(state.rows.length)}`
      : "No account matches";
    back.disabled = state.page === 0;
    next.disabled = state.page === pages - 1;
    for (const head of root.querySelectorAll("th[data-key]")) {
      const sorted = head.dataset.key === state.key;
      head.setAttribute("aria-sort", sorted ? (state.down ? "descending" : "ascending") : "none");
    }
  }

  // Rows are embedded most sure first; a stable sort of that order breaks ties the same way every time.
  function arrange() {
    const wanted = (state.wanted = filter.value.trim().toLowerCase());
    const rows = data.id.map((_, row) => row).filter((row) => searched[row].includes(wanted));
    const column = data[state.key];
    const sign = state.down ? -1 : 1;
    rows.sort((a, b) => (column[a] < column[b] ? -sign : column[a] > column[b] ? sign : a - b));
    state.rows = rows;
    state.page = 0;
    draw();
  }

  for (const head of root.querySelectorAll("th[data-key]")) {
    const button = make("button", head.textContent, { type: "button" });
    head.dataset.name = head.textContent; // a print repeats the heads of a table on every page, but no buttons
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      state.down = state.key === head.dataset.key ? !state.down : head.dataset.key !== "id";
      state.key = head.dataset.key;
      arrange();
    });
  }
  let waiting;
  filter.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(arrange, 120);
  });
  back.addEventListener("click", () => { state.page -= 1; draw(); });
  next.addEventListener("click", () => { state.page += 1; draw(); });
  draw();
}

document.querySelectorAll(".accounts").forEach(accounts);
