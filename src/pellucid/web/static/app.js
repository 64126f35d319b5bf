// The page: one picture with its sliders and mask, and a batch of many.
import { Overview, View, pixels } from "./view.js";

const $ = (id) => document.getElementById(id);
const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const view = new View($("view"));
const map = new Overview($("map"));
let session = null;
let side = 512;
let megabytes = 256;
let now = null; // the picture at hand: key, name, width, height, slice, box, made, job, mask
let asked = 0; // number of the latest request for a part: an older answer is thrown away

// ---- talking to the program

const begin = async () => {
  const answer = await fetch("api/session", { method: "POST" });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  ({ session, side, megabytes } = told);
};

const ask = async (address, options = {}) => {
  const { json, ...rest } = options;
  const body = json === undefined ? rest.body : JSON.stringify(json);
  const headers = { "X-Session": session, ...(rest.headers || {}) };
  const method = rest.method || (json === undefined ? "GET" : "POST");
  let answer;
  try {
    answer = await fetch(`api/${address}`, { ...rest, method, body, headers });
  } catch {
    throw new Error("The program does not answer. Is it still running?");
  }
  if (answer.ok) return answer;
  const words = await answer.json().then((told) => told.error, () => answer.statusText);
  throw new Error(words);
};

const complain = (error) => {
  $("error").textContent = error instanceof Error ? error.message : error;
  $("error").hidden = !error;
};

const guarded = (act) => async (...given) => {
  try {
    return await act(...given);
  } catch (error) {
    complain(error);
    return null;
  }
};

const upload = async (file) => {
  if (file.size > megabytes * 1e6) throw new Error(`${file.name} is larger than ${megabytes} MB. Use the command line for it.`);
  const headers = { "X-Name": encodeURIComponent(file.name), "Content-Type": "application/octet-stream" };
  return (await ask("pictures", { method: "POST", body: file, headers })).json();
};

const followed = async (key, tell) => {
  for (let pause = 100; ; pause = Math.min(1000, pause * 1.3)) {
    const told = await (await ask(`jobs/${key}`)).json();
    tell(told);
    if (!["waiting", "working"].includes(told.state)) return told;
    await wait(pause);
  }
};

const save = (blob, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};

// ---- one picture

const open = guarded(async (file) => {
  if (!file) return;
  complain("");
  $("drop").querySelector("strong").textContent = "Reading …";
  try {
    const told = await upload(file);
    if (now) ask(`pictures/${now.key}`, { method: "DELETE" }).catch(() => {});
    now = { ...told, key: told.picture, slice: 0, made: false, job: null, mask: null };
    const size = (name) => Math.min(side, now[name]);
    now.box = { height: size("height"), width: size("width") };
    now.box.top = Math.floor((now.height - now.box.height) / 2);
    now.box.left = Math.floor((now.width - now.box.width) / 2);
  } finally {
    $("drop").querySelector("strong").textContent = "Drop a noisy picture here";
  }
  $("drop").hidden = true;
  $("work").hidden = false;
  $("name").textContent = now.name;
  $("size").textContent = `${now.width} × ${now.height}, ${now.channels} channel${now.channels > 1 ? "s" : ""}, ${now.type}`;
  $("slice-line").hidden = now.slices === 1;
  $("slice").max = now.slices - 1;
  $("slice").value = 0;
  $("slice-out").textContent = `1/${now.slices}`;
  $("words").textContent = "Looking at the noise …";
  $("outcome").textContent = "";
  $("found").textContent = "";
  $("download").disabled = true;
  view.mask = null;
  view.part = null;
  await looked();
  const own = now;
  const found = await (await ask(`pictures/${own.key}/diagnosis`)).json();
  if (now === own) $("words").textContent = [...found.notes, found.noise, `It would use ${found.method}: ${found.reason}.`].join("\n");
});

const looked = async () => {
  const answer = await ask(`pictures/${now.key}/overview?slice=${now.slice}`);
  map.take(await createImageBitmap(await answer.blob()), now.width, now.height);
  map.draw(now.box, now.mask);
  await refresh();
};

const refresh = guarded(async () => {
  if (!now) return;
  const number = ++asked;
  map.draw(now.box, now.mask);
  await wait(80);
  if (number !== asked) return;
  $("frame").classList.add("busy");
  const json = { ...now.box, slice: now.slice, effort: "quick" };
  try {
    const started = performance.now();
    const what = now.made ? "part" : "preview";
    const told = await (await ask(`pictures/${now.key}/${what}`, { json })).json();
    if (number !== asked) return;
    await view.take(told);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    $("state").textContent = now.made
      ? "The result of the whole picture, at 100 %."
      : `A quick preview of this part at 100 %, ${seconds} s${told.trust ? `; trust ${told.trust.level}` : ""}. Drag to look elsewhere.`;
    $("view").dataset.seconds = seconds;
  } finally {
    if (number === asked) $("frame").classList.remove("busy");
  }
});

const wishes = () => {
  Object.assign(view.wish, {
    strength: Number($("strength").value),
    detail: Number($("detail").value),
    split: Number($("split").value),
    show: chosen("show"),
  });
  $("strength-out").textContent = view.wish.strength.toFixed(2);
  $("detail-out").textContent = view.wish.detail.toFixed(2);
  $("brush-out").textContent = $("brush").value;
  $("right-tag").textContent = view.wish.show === "removed" ? "removed × 4" : "after";
  view.draw();
};

const move = (left, top) => {
  const { box } = now;
  box.left = Math.round(Math.max(0, Math.min(now.width - box.width, left)));
  box.top = Math.round(Math.max(0, Math.min(now.height - box.height, top)));
  refresh();
};

// ---- the mask

const sheet = () => {
  if (!now.mask) {
    now.mask = new OffscreenCanvas(now.width, now.height);
    view.mask = now.mask;
  }
  return now.mask.getContext("2d");
};

const stroke = (from, to) => {
  const pen = sheet();
  pen.globalCompositeOperation = chosen("tool") === "erase" ? "destination-out" : "source-over";
  pen.strokeStyle = pen.fillStyle = "#ff2d2d";
  pen.lineWidth = Number($("brush").value);
  pen.lineCap = "round";
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  pen.lineTo(to.x + 0.01, to.y);
  pen.stroke();
  view.draw();
  map.draw(now.box, now.mask);
};

const taken = async (address) => {
  const drawn = await pixels(address);
  for (let i = 0; i < drawn.data.length; i += 4) drawn.data.set([255, 45, 45, drawn.data[i]], i);
  sheet().putImageData(drawn, 0, 0);
  view.draw();
  map.draw(now.box, now.mask);
};

// White where something is painted, as a PNG in text; null for an empty mask.
const painted = async () => {
  if (!now.mask) return null;
  const data = sheet().getImageData(0, 0, now.width, now.height);
  let any = false;
  for (let i = 0; i < data.data.length; i += 4) {
    const white = data.data[i + 3] > 127 ? 255 : 0;
    any ||= white > 0;
    data.data.set([white, white, white, 255], i);
  }
  if (!any) return null;
  const plain = new OffscreenCanvas(now.width, now.height);
  plain.getContext("2d").putImageData(data, 0, 0);
  const blob = await plain.convertToBlob({ type: "image/png" });
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(blob);
  });
};

const find = guarded(async () => {
  $("found").textContent = "looking …";
  const answer = await ask(`pictures/${now.key}/marks`, { json: { slice: now.slice } });
  $("found").textContent = answer.headers.get("X-Words");
  const address = URL.createObjectURL(await answer.blob());
  await taken(address);
  URL.revokeObjectURL(address);
});

// ---- the whole picture

const run = guarded(async () => {
  complain("");
  const own = now;
  const verb = $("verb").value;
  const json = { verb: verb === "document" ? "restore" : verb };
  if (verb !== "inpaint") json.effort = chosen("effort");
  if (verb === "document") json.document = true;
  if (verb === "restore" || verb === "inpaint") json.mask = await painted();
  if (verb === "inpaint" && !json.mask) throw new Error("Paint over what is to be filled first.");
  if (!json.mask) delete json.mask;
  const { job } = await (await ask(`pictures/${own.key}/run`, { json })).json();
  own.job = job;
  $("run").disabled = $("download").disabled = true;
  $("cancel").hidden = $("progress").hidden = false;
  $("progress").removeAttribute("value");
  $("outcome").textContent = "";
  try {
    const told = await followed(job, (step) => {
      if (step.total && step.iteration) $("progress").value = step.iteration / step.total;
    });
    if (now !== own) return;
    if (told.state === "failed") throw new Error(told.error);
    if (told.state === "cancelled") {
      $("outcome").textContent = "Stopped.";
      return;
    }
    own.made = true;
    const trust = told.trust ? ` Trust ${told.trust.level}.` : "";
    $("outcome").textContent = [`Done in ${told.seconds} s: ${told.reason}.${trust}`, ...told.warnings].join(" ");
    $("download").disabled = false;
    if (told.mask && told.filled && verb === "restore") await taken(told.mask);
    await refresh();
  } finally {
    $("run").disabled = false;
    $("cancel").hidden = $("progress").hidden = true;
  }
});

const fetched = async (key, strength, detail) => {
  const answer = await ask(`pictures/${key}/result?strength=${strength}&detail=${detail}`);
  return [await answer.blob(), decodeURIComponent(answer.headers.get("X-Name"))];
};

// ---- many pictures

let many = [];

const row = (file) => {
  const line = document.createElement("tr");
  line.innerHTML = "<td></td><td>waiting</td><td></td><td></td>";
  line.children[0].textContent = file.name;
  $("rows").append(line);
  return { file, line, done: false };
};

const gathered = (files) => {
  many.push(...[...files].map(row));
  $("start").disabled = many.length === 0;
};

const oneOf = async (one) => {
  const [, state, trust, link] = one.line.children;
  let key = null;
  try {
    state.textContent = "reading";
    key = (await upload(one.file)).picture;
    const json = { verb: "denoise", effort: $("batch-effort").value };
    const { job } = await (await ask(`pictures/${key}/run`, { json })).json();
    const told = await followed(job, (step) => (state.textContent = step.state));
    if (told.state !== "done") throw new Error(told.error || told.state);
    const [blob, name] = await fetched(key, 1, 0);
    one.result = [blob, name];
    state.textContent = `done in ${told.seconds} s (${told.method})`;
    trust.textContent = told.trust ? told.trust.level : "";
    trust.className = trust.textContent;
    trust.title = told.trust ? told.trust.reasons.join("; ") : "";
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(blob);
    anchor.download = anchor.textContent = name;
    link.replaceChildren(anchor);
  } catch (error) {
    state.textContent = error.message;
    state.className = "low";
  } finally {
    one.done = true;
    if (key) await ask(`pictures/${key}`, { method: "DELETE" }).catch(() => {});
  }
};

const start = guarded(async () => {
  $("start").disabled = true;
  for (const one of many.filter((other) => !other.done)) await oneOf(one);
  $("start").disabled = false;
  $("save-all").disabled = !many.some((one) => one.result);
});

// ---- hands

const dropped = (area, act) => {
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    area.addEventListener(name, (event) => {
      event.preventDefault();
      area.classList.toggle("over", name === "dragenter" || name === "dragover");
      if (name === "drop") act(event.dataTransfer.files);
    });
  }
};

const drags = () => {
  let held = null;
  const at = (event) => {
    const area = $("view").getBoundingClientRect();
    return { x: event.clientX - area.left, y: event.clientY - area.top };
  };
  const within = (place) => ({ x: place.x + now.box.left, y: place.y + now.box.top });
  $("view").addEventListener("pointerdown", (event) => {
    $("view").setPointerCapture(event.pointerId);
    const place = at(event);
    const border = view.wish.split * $("view").width;
    const tool = $("painting").hidden ? "move" : chosen("tool");
    const kind = tool !== "move" ? "paint" : Math.abs(place.x - border) < 14 ? "split" : "move";
    held = { kind, place, box: { ...now.box } };
    if (kind === "paint") stroke(within(place), within(place));
  });
  $("view").addEventListener("pointermove", (event) => {
    if (!held) return;
    const place = at(event);
    if (held.kind === "split") {
      $("split").value = place.x / $("view").width;
      wishes();
    } else if (held.kind === "paint") {
      stroke(within(held.place), within(place));
      held.place = place;
    } else {
      move(held.box.left + held.place.x - place.x, held.box.top + held.place.y - place.y);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) $("view").addEventListener(name, () => (held = null));
  $("view").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-64, 0], ArrowRight: [64, 0], ArrowUp: [0, -64], ArrowDown: [0, 64] }[event.key];
    if (!step) return;
    event.preventDefault();
    move(now.box.left + step[0], now.box.top + step[1]);
  });
  let going = false;
  const go = (event) => {
    const place = map.place(event);
    move(place.x - now.box.width / 2, place.y - now.box.height / 2);
  };
  $("map").addEventListener("pointerdown", (event) => {
    $("map").setPointerCapture(event.pointerId);
    going = true;
    go(event);
  });
  $("map").addEventListener("pointermove", (event) => going && go(event));
  for (const name of ["pointerup", "pointercancel"]) $("map").addEventListener(name, () => (going = false));
};

const tab = (name) => {
  for (const other of ["picture", "batch"]) {
    $(other).hidden = other !== name;
    $(`tab-${other}`).setAttribute("aria-selected", String(other === name));
  }
};

const verbChanged = () => {
  const verb = $("verb").value;
  $("painting").hidden = !["restore", "inpaint"].includes(verb);
  $("find").hidden = verb !== "restore";
  $("efforts").hidden = verb === "inpaint";
  for (const id of ["strength", "detail"]) $(id).disabled = verb === "inpaint";
};

const ready = () => {
  dropped($("drop"), (files) => open(files[0]));
  dropped($("frame"), (files) => open(files[0]));
  dropped($("drop-many"), gathered);
  for (const id of ["file", "other"]) {
    $(id).addEventListener("change", (event) => {
      open(event.target.files[0]);
      event.target.value = "";
    });
  }
  $("files").addEventListener("change", (event) => {
    gathered(event.target.files);
    event.target.value = "";
  });
  for (const id of ["strength", "detail", "split", "brush"]) $(id).addEventListener("input", wishes);
  for (const input of document.querySelectorAll("input[name=show]")) input.addEventListener("change", wishes);
  $("slice").addEventListener("input", guarded(async () => {
    now.slice = Number($("slice").value);
    $("slice-out").textContent = `${now.slice + 1}/${now.slices}`;
    await looked();
  }));
  $("verb").addEventListener("change", verbChanged);
  $("find").addEventListener("click", find);
  $("clear").addEventListener("click", () => {
    now.mask = view.mask = null;
    $("found").textContent = "";
    view.draw();
    map.draw(now.box, null);
  });
  $("run").addEventListener("click", run);
  $("cancel").addEventListener("click", guarded(() => ask(`jobs/${now.job}/cancel`, { method: "POST" })));
  $("download").addEventListener("click", guarded(async () => {
    save(...(await fetched(now.key, view.wish.strength, view.wish.detail)));
  }));
  $("start").addEventListener("click", start);
  $("save-all").addEventListener("click", async () => {
    for (const one of many.filter((other) => other.result)) {
      save(...one.result);
      await wait(300);
    }
  });
  $("tab-picture").addEventListener("click", () => tab("picture"));
  $("tab-batch").addEventListener("click", () => tab("batch"));
  window.addEventListener("pagehide", () => navigator.sendBeacon("api/end", session));
  drags();
  verbChanged();
};

ready();
guarded(begin)();
document.body.dataset.ready = "yes";
