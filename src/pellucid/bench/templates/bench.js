"use strict";
(function () {
  document.documentElement.classList.replace("static", "live");

  // Tables: a heading becomes a button; a second press turns the order around. Unknown values stay last.
  const value = (row, column) => {
    const cell = row.children[column];
    if (cell.dataset.value === undefined) return cell.textContent.trim().toLowerCase();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };
  function sort(table, column, up) {
    const body = table.tBodies[0];
    const order = (a, b) => {
      const [x, y] = [value(a, column), value(b, column)];
      if (x === null || y === null) return (x === null) - (y === null);
      const sign = up ? 1 : -1;
      return typeof x === "string" ? sign * x.localeCompare(y, undefined, { numeric: true }) : sign * (x - y);
    };
    for (const row of [...body.rows].sort(order)) body.append(row);
    [...table.tHead.rows[0].cells].forEach((cell, place) => {
      if (place === column) cell.setAttribute("aria-sort", up ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
  }
  function falls(table, column) {
    const known = [...table.tBodies[0].rows].map((row) => value(row, column)).filter((v) => v !== null);
    return known.length > 1 && known.every((v, i) => i === 0 || v <= known[i - 1]);
  }
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = cell.textContent;
      cell.replaceChildren(button);
      if (column === 1 && falls(table, column)) cell.setAttribute("aria-sort", "descending");
      // More is better for the scores; less for time and memory; names from A.
      const first = /PSNR|SSIM/.test(cell.title + cell.textContent) ? "descending" : "ascending";
      button.addEventListener("click", () => {
        const now = cell.getAttribute("aria-sort");
        const up = now === null ? first === "ascending" : now === "descending";
        sort(table, column, up);
      });
    });
  }

  // Pictures: one image at a time, in one view, at one zoom; zoom and view hold for all sets.
  const grids = [...document.querySelectorAll(".gallery")];
  function press(grid, name, chosen) {
    const buttons = [...grid.querySelectorAll(".tools button")].filter((b) => name in b.dataset);
    const found = buttons.some((b) => b.dataset[name] === chosen);
    if (found) for (const b of buttons) b.setAttribute("aria-pressed", String(b.dataset[name] === chosen));
    return found;
  }
  function view(chosen) {
    for (const grid of grids) if (press(grid, "view", chosen)) grid.dataset.view = chosen;
  }
  function zoom(chosen) {
    for (const grid of grids) {
      press(grid, "zoom", chosen);
      for (const tiles of grid.querySelectorAll(".tiles")) tiles.style.setProperty("--zoom", chosen);
    }
  }
  for (const grid of grids) {
    const select = grid.querySelector("select");
    const show = () => {
      for (const s of grid.querySelectorAll(".shown")) s.classList.toggle("chosen", s.dataset.index === select.value);
    };
    select.addEventListener("change", show);
    show();
    for (const b of grid.querySelectorAll("[data-zoom]")) b.addEventListener("click", () => zoom(b.dataset.zoom));
    for (const b of grid.querySelectorAll(".tools [data-view]")) {
      b.addEventListener("click", () => view(b.dataset.view));
    }
  }

  // Curves: against iterations or seconds, for all charts at once.
  const sets = [...document.querySelectorAll(".curves")];
  for (const b of document.querySelectorAll(".curves button[data-axis]")) {
    b.addEventListener("click", () => {
      for (const set of sets) {
        press(set, "axis", b.dataset.axis);
        set.dataset.axis = b.dataset.axis;
      }
    });
  }
  if (window.matchMedia("(max-width: 560px)").matches) zoom("2");
})();
