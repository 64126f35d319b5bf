"use strict";
(function () {
  const root = document.documentElement;
  root.classList.replace("static", "live");
  const viewer = document.querySelector(".viewer");
  const stage = viewer.querySelector(".stage");
  const range = viewer.querySelector(".divider input");
  const note = viewer.querySelector(".note");
  const keys = ["before", "after", "removed"];
  const pictures = Object.fromEntries(keys.map((k) => [k, viewer.querySelector("." + k + " img")]));
  const views = JSON.parse(viewer.querySelector(".views").textContent);
  for (const k of keys) views[0][k] = pictures[k].src;

  // The same place stays in the middle when the zoom changes: it is kept as a fraction of the picture.
  const state = { view: views[0], zoom: "fit", x: 0.5, y: 0.5, at: 50 };

  function fitScale() {
    const { width, height } = state.view;
    const room = Math.min(stage.clientWidth / width, (0.72 * window.innerHeight) / height);
    // A small picture may grow: twice for a thumbnail, more for one of a few pixels.
    return Math.min(room, Math.max(2, Math.min(64, 240 / Math.max(width, height))));
  }

  function draw() {
    const { width, height } = state.view;
    const fit = fitScale();
    const scale = state.zoom === "fit" ? fit : Number(state.zoom);
    // The window stays as high as the fitted picture, so that the page does not jump; tiny ones get some room.
    const high = Math.max(Math.round(height * fit), Math.min(240, Math.round(height * scale)));
    stage.style.height = high + "px";
    const wide = stage.clientWidth;
    const place = (size, room, share) => {
      if (size <= room) return (room - size) / 2;
      return Math.min(0, Math.max(room - size, room / 2 - share * size));
    };
    const left = place(width * scale, wide, state.x);
    const top = place(height * scale, high, state.y);
    for (const k of keys) {
      pictures[k].style.width = width + "px";
      pictures[k].style.height = height + "px";
      pictures[k].style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
    }
    const roomy = width * scale > wide + 1 || height * scale > high + 1;
    stage.classList.toggle("roomy", roomy);
    stage.classList.toggle("sharp", scale >= 1.99);
    stage.style.setProperty("--at", state.at + "%");
    return { scale, roomy, wide, high };
  }

  function press(buttons, chosen) {
    for (const b of buttons) b.setAttribute("aria-pressed", String(b === chosen));
  }

  function wire(name, act) {
    const buttons = [...viewer.querySelectorAll("[data-" + name + "]")].filter((b) => b.tagName === "BUTTON");
    for (const b of buttons) {
      b.addEventListener("click", () => { press(buttons, b); act(b.dataset[name]); draw(); });
    }
  }
  stage.dataset.mode = "slide";
  wire("mode", (mode) => {
    stage.dataset.mode = mode;
    viewer.querySelector(".divider").style.visibility = mode === "slide" ? "visible" : "hidden";
  });
  wire("zoom", (zoom) => { state.zoom = zoom; });

  function move(at) {
    state.at = Math.max(0, Math.min(100, at));
    range.value = state.at;
    stage.style.setProperty("--at", state.at + "%");
  }
  range.addEventListener("input", () => move(Number(range.value)));

  function pan(dx, dy) {
    const { scale, wide, high } = draw();
    const { width, height } = state.view;
    const shift = (share, delta, size, room) => {
      if (size <= room) return 0.5;
      const half = room / 2 / size;
      return Math.max(half, Math.min(1 - half, share - delta / size));
    };
    state.x = shift(state.x, dx, width * scale, wide);
    state.y = shift(state.y, dy, height * scale, high);
    draw();
  }

  // One pointer: the handle moves the divider; the picture moves when it is larger than its window, else the
  // divider follows here too.
  let drag = null;
  stage.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    const slides = stage.dataset.mode === "slide";
    const grip = e.target.closest(".handle") !== null;
    const roomy = stage.classList.contains("roomy");
    drag = slides && (grip || !roomy) ? "divider" : roomy ? "picture" : null;
    if (drag === null) return;
    stage.setPointerCapture(e.pointerId);
    drag = { what: drag, x: e.clientX, y: e.clientY };
    if (drag.what === "divider") slide(e);
  });
  function slide(e) {
    const box = stage.getBoundingClientRect();
    move((100 * (e.clientX - box.left)) / box.width);
  }
  stage.addEventListener("pointermove", (e) => {
    if (drag === null) return;
    if (drag.what === "divider") slide(e);
    else pan(e.clientX - drag.x, e.clientY - drag.y);
    drag.x = e.clientX;
    drag.y = e.clientY;
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => { drag = null; });
  stage.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[e.key];
    if (!step) return;
    if (stage.classList.contains("roomy")) pan(step[0], step[1]);
    else if (step[0]) move(state.at - step[0] / 30);
    else return;
    e.preventDefault();
  });

  // Changing slice, channel or region keeps zoom, place and divider.
  const selects = [...viewer.querySelectorAll("select")];
  for (const s of selects) {
    s.addEventListener("change", () => {
      const found = views.find((v) => selects.every((t) => v[t.dataset.key] === t.value));
      if (!found) return;
      state.view = found;
      for (const k of keys) pictures[k].src = found[k];
      note.textContent = found.note;
      draw();
    });
  }
  window.addEventListener("resize", draw);
  draw();
})();
