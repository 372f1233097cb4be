// A table of keyed rows that is drawn from values: sorted by any column, narrowed by a filter, and only changed where
// something changed. A column: { label, text, sort?, kind?, title?, tone?, hint?, click? }; each gets (row). One of kind
// chart has `draw`, which gets (node, row), in place of `text`.
import { count, duration, element, setAttribute, setText } from "./format.js";

const MOST_ROWS = 500; // a browser lays out and paints each row, visible or not
const STEP = 100; // so many rows are there at first, and so many more where somebody scrolls to their end
const AHEAD = 400; // pixels above and below what is visible in which clocks tick
const { compare } = new Intl.Collator(undefined, { numeric: true }); // ten times as fast as localeCompare

export class Table {
  constructor(section, { heading, empty, columns, order, store, stale = () => null, doubt = () => "" }) {
    Object.assign(this, { section, columns, order, store, stale, doubt });
    this.sight = [0, 40];
    this.most = STEP;
    this.lines = new Map(); // key -> {line, cells, row}
    this.sorting = null; // {column, descending}
    const title = element("h2", "", heading);
    title.id = `${section.id}-heading`;
    this.count = title.appendChild(element("span", "count"));
    section.prepend(title);
    section.setAttribute("aria-labelledby", title.id);
    this.empty = section.appendChild(element("p", "empty", empty));
    this.emptyText = empty;
    this.scroll = section.appendChild(element("div", "scroll"));
    this.scroll.tabIndex = 0;
    this.scroll.setAttribute("role", "group"); // the section around it is the landmark
    this.scroll.setAttribute("aria-labelledby", title.id);
    const table = this.scroll.appendChild(element("table"));
    for (const [node, role] of [[table, "table"], [table.createTHead(), "rowgroup"], [table.createTBody(), "rowgroup"]]) {
      node.setAttribute("role", role); // which stacked rows would lose otherwise
    }
    table.setAttribute("aria-labelledby", title.id);
    const widths = element("colgroup"); // widths that no text changes: else a table is measured anew at each tick
    for (const { kind = "text" } of columns) widths.append(element("col", kind.replace(/\b(?!minor|least|detail)(\w+)/g, "is-$1")));
    table.prepend(widths);
    const head = table.tHead.insertRow();
    head.setAttribute("role", "row");
    this.heads = columns.map((column) => {
      const cell = head.appendChild(element("th", column.kind?.replace(/state|link/, "") ?? ""));
      cell.scope = "col";
      cell.setAttribute("role", "columnheader");
      const button = cell.appendChild(element("button", "sort", column.label));
      button.type = "button";
      if (column.hint) button.title = column.hint;
      button.addEventListener("click", () => this.sortBy(column));
      return cell;
    });
    this.body = table.tBodies[0];
  }

  sortBy(column) { // up, descending, and back to the order of the table
    const { sorting } = this;
    if (sorting?.column !== column) this.sorting = { column, descending: Boolean(column.descendingFirst) };
    else if (sorting.descending === Boolean(column.descendingFirst)) sorting.descending = !sorting.descending;
    else this.sorting = null;
    this.columns.forEach((each, index) => {
      const sorted = this.sorting?.column === each;
      setAttribute(this.heads[index], "aria-sort", sorted ? (this.sorting.descending ? "descending" : "ascending") : null);
    });
    this.draw(this.rows);
  }

  compare(a, b) {
    if (this.sorting) {
      const { column, descending } = this.sorting;
      const of = column.sort ?? column.text;
      const [x, y] = [of(a), of(b)];
      if ((x ?? "") !== (y ?? "")) { // what there is not comes last, whichever way
        if (x === null || x === undefined || x === "") return 1;
        if (y === null || y === undefined || y === "") return -1;
        const order = typeof x === "number" ? x - y : compare(String(x), String(y));
        if (order) return descending ? -order : order;
      }
    }
    return this.order(a, b) || (a.key < b.key ? -1 : 1);
  }

  // `touched` has the keys of what has changed since the last time, or is null where anything may have.
  draw(rows, total = rows.length, touched = null) {
    this.rows = rows;
    const second = Math.floor(this.store.now);
    const ticks = second !== this.second;
    this.second = second;
    const [top, bottom] = this.sight;
    const sorted = [...rows].sort((a, b) => this.compare(a, b)).slice(0, this.most);
    const shown = new Set(sorted.map(({ key }) => key));
    for (const [key, { line }] of this.lines) {
      if (shown.has(key)) continue;
      line.remove();
      this.lines.delete(key);
    }
    let place = this.body.firstChild;
    let number = 0;
    for (const row of sorted) {
      const entry = this.lines.get(row.key) ?? this.build(row.key);
      if (!entry.row || !touched || touched.has(row.key) || entry.row !== row) this.fill(entry, row);
      else if (ticks && number >= top && number <= bottom) this.tick(entry, row);
      number += 1;
      if (place && entry.line === place.nextSibling) { // what stood here has moved: one row, and not all the others
        const moved = place;
        place = entry.line;
        moved.remove();
      }
      if (entry.line === place) place = place.nextSibling;
      else this.body.insertBefore(entry.line, place);
    }
    const all = rows.length === total ? count(total) : `${count(rows.length)} of ${count(total)}`;
    const more = rows.length > MOST_ROWS ? `, the first ${MOST_ROWS} shown` : "";
    setText(this.count, total ? all + more : "");
    setText(this.empty, total ? "None of them matches." : this.emptyText);
    this.empty.hidden = rows.length > 0;
    this.scroll.hidden = rows.length === 0;
  }

  look() { // which rows are in sight, about; for all tables before any is drawn, or the browser lays out each time
    const height = this.body.firstChild?.offsetHeight || 30;
    const { scrollTop, clientHeight, scrollHeight } = this.scroll;
    if (scrollTop + clientHeight + AHEAD >= scrollHeight) this.most = Math.min(this.most + STEP, MOST_ROWS);
    else if (scrollTop < AHEAD) this.most = STEP;
    this.sight = [(scrollTop - AHEAD) / height, (scrollTop + clientHeight + AHEAD) / height];
  }

  tick({ cells }, row) { // what changes with time alone
    this.columns.forEach((column, index) => {
      if (column.kind?.includes("age")) setText(cells[index], this.age(column, row));
    });
  }

  age(column, row) { // what is stale does not tick
    const value = column.text(row);
    return value === null ? "" : duration((this.stale(row) ?? this.store.now) - value);
  }

  build(key) {
    const line = element("tr");
    line.setAttribute("role", "row");
    const cells = this.columns.map((column, index) => {
      const cell = line.appendChild(element(index ? "td" : "th", column.kind?.replace(/state|link/, "") ?? ""));
      cell.setAttribute("role", index ? "cell" : "rowheader");
      if (!index) cell.scope = "row";
      cell.dataset.label = column.label;
      const kind = column.kind ?? "";
      const node = kind.includes("state") ? cell.appendChild(element("span", "state"))
        : kind.includes("link") ? cell.appendChild(element("button", "link"))
          : kind.includes("chart") ? cell.appendChild(element("div", "spark")) : cell;
      if (kind.includes("link")) {
        node.type = "button";
        node.addEventListener("click", () => column.click(this.lines.get(key).row));
      }
      return node;
    });
    const entry = { line, cells, row: null };
    this.lines.set(key, entry);
    return entry;
  }

  fill(entry, row) {
    entry.row = row;
    const { line, cells } = entry;
    const doubt = this.doubt(row);
    line.toggleAttribute("data-over", Boolean(row.over));
    line.toggleAttribute("data-stale", Boolean(doubt));
    this.columns.forEach((column, index) => {
      const cell = cells[index];
      const kind = column.kind ?? "";
      if (column.draw) return void column.draw(cell, row);
      const value = column.text(row);
      if (kind.includes("age")) {
        setText(cell, this.age(column, row));
      } else {
        const text = value ?? "";
        setText(cell, kind.includes("state") && doubt ? `${text}, ${doubt}` : text);
      }
      const cellTitle = column.title?.(row) ?? (kind.includes("name") ? value ?? "" : "");
      if (cellTitle || cell.title) setAttribute(cell, "title", cellTitle || null);
      const tone = doubt ? "idle" : column.tone?.(row);
      if (tone !== undefined || cell.dataset.tone) setAttribute(cell, "data-tone", tone || null);
    });
  }
}
