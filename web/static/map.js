// The map: markers drawn from the list beside it and as live as that; places given by click, drag or the device itself.
"use strict";
(async () => {
  const ground = document.querySelector("#map");
  const rows = document.querySelector("#rows");
  const panel = document.querySelector("#panel");
  const echoes = document.querySelector("#echoes");
  const said = document.querySelector("#opened");
  const showEchoes = document.querySelector("#show-echoes");
  if (!ground || !window.L) return;
  const L = window.L;
  const given = ground.dataset;
  // Where signs overlap, trouble lies on top.
  const RISING = ["online", "new", "on_air", "late", "offline", "fault"];
  const border = given.outline
    ? await fetch(given.outline).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null)
    : null;
  ground.hidden = false;
  showEchoes.hidden = false;

  const map = L.map(ground, { zoomControl: false, attributionControl: false, minZoom: 5, maxZoom: 19 });
  L.control.zoom({ zoomInTitle: given.in, zoomOutTitle: given.out }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);

  // 1. The ground: pictures where there is a server for them, and the commune's border.
  if (given.tiles) {
    // Leaflet gives up a picture by a data: address, which our content policy rightly refuses.
    const Pictures = L.TileLayer.extend({
      _abortLoading() {
        for (const key of Object.keys(this._tiles)) {
          const { coords, el } = this._tiles[key];
          if (coords.z === this._tileZoom || el.complete) continue;
          el.onload = el.onerror = L.Util.falseFn;
          el.remove();
          delete this._tiles[key];
        }
      },
      _removeTile(key) { return L.GridLayer.prototype._removeTile.call(this, key); },
    });
    new Pictures(given.tiles, { maxZoom: 19, referrerPolicy: "origin" }).addTo(map);
    if (given.attribution) {
      const words = document.createElement("span");
      words.textContent = given.attribution;
      L.control.attribution({ prefix: false }).addAttribution(words.innerHTML).addTo(map);
    }
  }
  const drawn = border && L.geoJSON(border, { interactive: false, style: { className: "border" } });
  const lines = L.layerGroup();
  const markers = new Map();
  let chosen = "";
  let dragged = null;

  const listed = () => [...rows.querySelectorAll("[data-receiver]")];
  const place = (row) => L.latLng(Number(row.dataset.latitude), Number(row.dataset.longitude));
  const placed = () => listed().filter((row) => row.dataset.latitude);
  const row = (id) => listed().find((one) => one.dataset.receiver === id);

  // 2. What is seen first: the receiver that is opened, else all, else the border, else the country.
  function look() {
    const opened = panel.querySelector("[data-chosen]");
    const at = opened && row(opened.dataset.chosen);
    const all = L.latLngBounds(placed().map(place));
    if (drawn) all.extend(drawn.getBounds());
    if (at && at.dataset.latitude) map.setView(place(at), 16);
    else if (all.isValid()) map.fitBounds(all, { padding: [32, 32], maxZoom: 16 });
    else map.setView([16.2, 106.3], 5);
  }
  look();
  if (drawn) drawn.addTo(map);
  lines.addTo(map);

  // 3. The markers follow the list. A marker is dressed anew, never made anew: whoever stands on it by keyboard stays.
  function marker(id) {
    const face = document.createElement("div");
    const name = document.createElement("span");
    name.className = "name";
    face.innerHTML = '<svg class="sign" aria-hidden="true"><use/></svg>';
    face.append(name);
    const icon = L.divIcon({ html: face, className: "pin state", iconSize: [44, 44] });
    const made = L.marker([0, 0], { icon, riseOnHover: true });
    const open = () => { const at = row(id); if (at) at.querySelector("a").click(); };
    made.on("click", open);
    made.on("keydown", ({ originalEvent: pressed }) => {
      if (pressed.key !== "Enter" && pressed.key !== " ") return;
      pressed.preventDefault();
      open();
    });
    made.on("dragstart", () => { dragged = made; });
    // After the click that ends a drag: it would open the receiver anew, without the way back.
    made.on("dragend", () => setTimeout(() => { dragged = null; give(made.getLatLng()); }));
    return made;
  }

  function dress(made, from) {
    const { name, state, word, receiver } = from.dataset;
    const at = made.getElement();
    at.className = at.className.replace(/\bis-\w+/g, "").trim() + ` is-${state}`;
    at.classList.toggle("chosen", receiver === chosen);
    made.setZIndexOffset(receiver === chosen ? 9000 : 1000 * RISING.indexOf(state));
    const label = `${name}: ${word}`;
    if (at.getAttribute("aria-label") === label) return;
    at.setAttribute("aria-label", label);
    at.title = label;
    at.querySelector("use").setAttribute("href", `${given.signs}#${state}`);
    at.querySelector(".name").textContent = name;
  }

  function follow() {
    const there = new Set();
    for (const one of placed()) {
      const id = one.dataset.receiver;
      there.add(id);
      const made = markers.get(id) || marker(id);
      if (made !== dragged) made.setLatLng(place(one));
      if (!markers.has(id)) { markers.set(id, made); made.addTo(map); }
      dress(made, one);
    }
    for (const [id, made] of markers) if (!there.has(id)) { made.remove(); markers.delete(id); }
    name();
  }

  // Names stand at the markers where there is room for them; where there is little, the signs are smaller.
  function name() {
    const shown = [...markers.values()].filter((made) => map.getBounds().contains(made.getLatLng())).length;
    ground.classList.toggle("named", shown <= 40 && map.getZoom() >= 12);
    ground.classList.toggle("crowded", shown > 80);
  }
  map.on("moveend", name);

  // 4. Horns heard as two: a line each; its figure where there are few, or one end is opened.
  function connect() {
    lines.clearLayers();
    if (!showEchoes.querySelector("input").checked) return;
    const listed = [...echoes.querySelectorAll("[data-one]")];
    listed.push(...panel.querySelectorAll("[data-one]"));
    const pairs = new Map(listed.map((pair) => [`${pair.dataset.one} ${pair.dataset.other}`, pair]));
    const own = [...pairs.values()].filter(({ dataset: { one, other } }) => chosen === one || chosen === other);
    for (const pair of pairs.values()) {
      const ends = [markers.get(pair.dataset.one), markers.get(pair.dataset.other)];
      if (!ends[0] || !ends[1]) continue;
      const mine = own.includes(pair);
      const [a, b] = ends.map((made) => made.getLatLng());
      L.polyline([a, b], { interactive: false, className: mine ? "echo mine" : "echo" }).addTo(lines);
      if ((mine ? own.length : pairs.size) > 12) continue;
      const figure = document.createElement("span");
      figure.textContent = `${pair.dataset.ms} ms`;
      const icon = L.divIcon({ html: figure, className: "echo-ms", iconSize: [64, 24] });
      L.marker([(a.lat + b.lat) / 2, (a.lng + b.lng) / 2], { icon, interactive: false, keyboard: false, zIndexOffset: -1000 }).addTo(lines);
    }
  }
  showEchoes.addEventListener("change", connect);

  // 5. Giving a place. It goes by the form beside the map, which says what became of it.
  const form = () => panel.querySelector("#position");
  let picking = false;

  function write(at) {
    form().elements.latitude.value = at.lat.toFixed(6);
    form().elements.longitude.value = at.lng.toFixed(6);
  }

  function give(at) {
    write(at.wrap());
    stop();
    form().requestSubmit();
  }

  function say(words) { panel.querySelector("#placing").textContent = words; }

  function stop() {
    picking = false;
    ground.classList.remove("picking");
    for (const made of markers.values()) made.dragging.disable();
  }

  map.on("click", (event) => { if (picking && form()) give(event.latlng); });

  function here() {
    const { asking, near, denied, insecure } = form().dataset;
    if (!window.isSecureContext || !navigator.geolocation) { say(insecure); return; }
    const asked = form();
    say(asking);
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      if (form() !== asked) return;
      const at = L.latLng(coords.latitude, coords.longitude);
      write(at);
      say(near.replace("{n}", Math.ceil(coords.accuracy)));
      map.setView(at, 17);
      L.circle(at, { radius: coords.accuracy, interactive: false, className: "here" }).addTo(lines);
    }, () => say(denied), { enableHighAccuracy: true, timeout: 20000 });
  }

  panel.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-pick], [data-centre], [data-here]");
    if (!pressed) return;
    if (pressed.matches("[data-here]")) here();
    else if (pressed.matches("[data-centre]")) give(map.getCenter());
    else {
      picking = true;
      ground.classList.add("picking");
      markers.get(chosen)?.dragging.enable();
      say(form().dataset.click);
      ground.scrollIntoView({ block: "center" });
    }
  });

  let carried = "";
  rows.addEventListener("dragstart", (event) => { carried = event.target.closest("[data-receiver]")?.dataset.receiver || ""; });
  ground.addEventListener("dragover", (event) => { if (carried) event.preventDefault(); });
  ground.addEventListener("drop", (event) => {
    event.preventDefault();
    const at = map.mouseEventToLatLng(event).wrap();
    const values = { latitude: at.lat.toFixed(6), longitude: at.lng.toFixed(6) };
    if (carried) window.htmx.ajax("POST", `/receivers/${carried}/position`, { target: "#panel", values });
    carried = "";
  });

  // 6. Parts of the page that htmx brought anew.
  function opened() {
    const at = panel.querySelector("[data-chosen]");
    const before = chosen;
    chosen = at ? at.dataset.chosen : "";
    const from = row(chosen);
    if (chosen !== before) said.textContent = from ? `${from.dataset.name}: ${from.dataset.word}` : "";
    stop();
    panel.querySelectorAll("[data-script]").forEach((part) => { part.hidden = false; });
    follow();
    connect();
    const made = markers.get(chosen);
    if (made && chosen !== before && !map.getBounds().pad(-0.1).contains(made.getLatLng())) map.panTo(made.getLatLng());
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target === rows) follow();
    else if (event.target === echoes) connect();
    else if (event.target === panel) opened();
  });
  opened();
})();
