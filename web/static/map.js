// The map: markers follow the list beside it; positions are set by click, by drag or from the device's location.
"use strict";
(async () => {
  const container = document.querySelector("#map");
  const rows = document.querySelector("#rows");
  const panel = document.querySelector("#panel");
  const echoes = document.querySelector("#echoes");
  const status = document.querySelector("#opened");
  const showEchoes = document.querySelector("#show-echoes");
  if (!container || !window.L) return;
  const L = window.L;
  const settings = container.dataset;
  // Where markers overlap, faults are drawn on top.
  const STATES_BOTTOM_UP = ["online", "new", "on_air", "late", "offline", "fault"];
  const boundary = settings.outline
    ? await fetch(settings.outline)
        .then((answer) => (answer.ok ? answer.json() : null))
        .catch(() => null)
    : null;
  container.hidden = false;
  showEchoes.hidden = false;

  const map = L.map(container, { zoomControl: false, attributionControl: false, minZoom: 5, maxZoom: 19 });
  L.control.zoom({ zoomInTitle: settings.in, zoomOutTitle: settings.out }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);

  // 1. Base map: tiles if a tile server is set, and the commune's boundary.
  if (settings.tiles) {
    // Leaflet aborts a tile by loading a data: address, which our content security policy forbids.
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
      _removeTile(key) {
        return L.GridLayer.prototype._removeTile.call(this, key);
      },
    });
    new Pictures(settings.tiles, { maxZoom: 19, referrerPolicy: "origin" }).addTo(map);
    if (settings.attribution) {
      const words = document.createElement("span");
      words.textContent = settings.attribution;
      L.control.attribution({ prefix: false }).addAttribution(words.innerHTML).addTo(map);
    }
  }
  const boundaryLayer = boundary && L.geoJSON(boundary, { interactive: false, style: { className: "border" } });
  const lines = L.layerGroup();
  const markers = new Map();
  let chosen = "";
  let dragged = null;

  const listed = () => [...rows.querySelectorAll("[data-receiver]")];
  const place = (row) => L.latLng(Number(row.dataset.latitude), Number(row.dataset.longitude));
  const placed = () => listed().filter((row) => row.dataset.latitude);
  const row = (id) => listed().find((one) => one.dataset.receiver === id);

  // 2. Initial view: the open receiver, else all receivers, else the boundary, else the country.
  function showInitialView() {
    const openPanel = panel.querySelector("[data-chosen]");
    const at = openPanel && row(openPanel.dataset.chosen);
    const all = L.latLngBounds(placed().map(place));
    if (boundaryLayer) all.extend(boundaryLayer.getBounds());
    if (at && at.dataset.latitude) map.setView(place(at), 16);
    else if (all.isValid()) map.fitBounds(all, { padding: [32, 32], maxZoom: 16 });
    else map.setView([16.2, 106.3], 5);
  }
  showInitialView();
  if (boundaryLayer) boundaryLayer.addTo(map);
  lines.addTo(map);

  // 3. Markers follow the list. Existing markers are updated, not replaced, so that keyboard focus stays.
  function marker(id) {
    const face = document.createElement("div");
    const name = document.createElement("span");
    name.className = "name";
    face.innerHTML = '<svg class="sign" aria-hidden="true"><use/></svg>';
    face.append(name);
    const icon = L.divIcon({ html: face, className: "pin state", iconSize: [44, 44] });
    const pin = L.marker([0, 0], { icon, riseOnHover: true });
    const open = () => {
      const at = row(id);
      if (at) at.querySelector("a").click();
    };
    pin.on("click", open);
    pin.on("keydown", ({ originalEvent: pressed }) => {
      if (pressed.key !== "Enter" && pressed.key !== " ") return;
      pressed.preventDefault();
      open();
    });
    pin.on("dragstart", () => {
      dragged = pin;
    });
    // After the click that ends a drag, which would reopen the receiver and hide the undo button.
    pin.on("dragend", () =>
      setTimeout(() => {
        dragged = null;
        savePosition(pin.getLatLng());
      }),
    );
    return pin;
  }

  function updateMarker(pin, from) {
    const { name, state, word, receiver } = from.dataset;
    const at = pin.getElement();
    at.className = at.className.replace(/\bis-\w+/g, "").trim() + ` is-${state}`;
    at.classList.toggle("chosen", receiver === chosen);
    pin.setZIndexOffset(receiver === chosen ? 9000 : 1000 * STATES_BOTTOM_UP.indexOf(state));
    const label = `${name}: ${word}`;
    if (at.getAttribute("aria-label") === label) return;
    at.setAttribute("aria-label", label);
    at.title = label;
    at.querySelector("use").setAttribute("href", `${settings.signs}#${state}`);
    at.querySelector(".name").textContent = name;
  }

  function syncMarkers() {
    const there = new Set();
    for (const one of placed()) {
      const id = one.dataset.receiver;
      there.add(id);
      const pin = markers.get(id) || marker(id);
      if (pin !== dragged) pin.setLatLng(place(one));
      if (!markers.has(id)) {
        markers.set(id, pin);
        pin.addTo(map);
      }
      updateMarker(pin, one);
    }
    for (const [id, pin] of markers)
      if (!there.has(id)) {
        pin.remove();
        markers.delete(id);
      }
    updateNames();
  }

  // Names are shown where there is room; crowded markers are smaller.
  function updateNames() {
    const shown = [...markers.values()].filter((pin) => map.getBounds().contains(pin.getLatLng())).length;
    container.classList.toggle("named", shown <= 40 && map.getZoom() >= 12);
    container.classList.toggle("crowded", shown > 80);
    hideOverlappingNames();
  }
  function hideOverlappingNames() {
    const faces = [...container.querySelectorAll(".pin")];
    faces.forEach((face) => face.classList.remove("covered"));
    const taken = [];
    for (const face of faces) {
      const box = face.querySelector(".name").getBoundingClientRect();
      const free = taken.every((b) => box.right < b.left || b.right < box.left || box.bottom < b.top || b.bottom < box.top);
      if (free) taken.push(box);
      else face.classList.add("covered");
    }
  }
  map.on("moveend", updateNames);

  // 4. Echoes: one line per pair; the figure only if there are few pairs or one end is open.
  function drawEchoes() {
    lines.clearLayers();
    if (!showEchoes.querySelector("input").checked) return;
    const listed = [...echoes.querySelectorAll("[data-receiver-a]")];
    listed.push(...panel.querySelectorAll("[data-receiver-a]"));
    const pairs = new Map(listed.map((pair) => [`${pair.dataset.receiverA} ${pair.dataset.receiverB}`, pair]));
    const own = [...pairs.values()].filter(({ dataset }) => [dataset.receiverA, dataset.receiverB].includes(chosen));
    for (const pair of pairs.values()) {
      const ends = [markers.get(pair.dataset.receiverA), markers.get(pair.dataset.receiverB)];
      if (!ends[0] || !ends[1]) continue;
      const mine = own.includes(pair);
      const [a, b] = ends.map((pin) => pin.getLatLng());
      L.polyline([a, b], { interactive: false, className: mine ? "echo mine" : "echo" }).addTo(lines);
      if ((mine ? own.length : pairs.size) > 12) continue;
      const figure = document.createElement("span");
      figure.textContent = `${pair.dataset.ms} ms`;
      const icon = L.divIcon({ html: figure, className: "echo-ms", iconSize: [64, 24] });
      L.marker([(a.lat + b.lat) / 2, (a.lng + b.lng) / 2], {
        icon,
        interactive: false,
        keyboard: false,
        zIndexOffset: -1000,
      }).addTo(lines);
    }
  }
  showEchoes.addEventListener("change", drawEchoes);

  // 5. Setting a position: always through the form beside the map, which shows the result.
  const form = () => panel.querySelector("#position");
  let picking = false;

  function fillForm(at) {
    form().elements.latitude.value = at.lat.toFixed(6);
    form().elements.longitude.value = at.lng.toFixed(6);
  }

  function savePosition(at) {
    fillForm(at.wrap());
    stopPicking();
    form().requestSubmit();
  }

  function showMessage(words) {
    panel.querySelector("#placing").textContent = words;
  }

  function stopPicking() {
    picking = false;
    container.classList.remove("picking");
    for (const pin of markers.values()) pin.dragging.disable();
  }

  map.on("click", (event) => {
    if (picking && form()) savePosition(event.latlng);
  });

  function locateDevice() {
    const { asking, near, denied, insecure } = form().dataset;
    if (!window.isSecureContext || !navigator.geolocation) {
      showMessage(insecure);
      return;
    }
    const asked = form();
    showMessage(asking);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        if (form() !== asked) return;
        const at = L.latLng(coords.latitude, coords.longitude);
        fillForm(at);
        showMessage(near.replace("{n}", Math.ceil(coords.accuracy)));
        map.setView(at, 17);
        L.circle(at, { radius: coords.accuracy, interactive: false, className: "here" }).addTo(lines);
      },
      () => showMessage(denied),
      { enableHighAccuracy: true, timeout: 20000 },
    );
  }

  panel.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-pick], [data-centre], [data-here]");
    if (!pressed) return;
    if (pressed.matches("[data-here]")) locateDevice();
    else if (pressed.matches("[data-centre]")) savePosition(map.getCenter());
    else {
      picking = true;
      container.classList.add("picking");
      markers.get(chosen)?.dragging.enable();
      showMessage(form().dataset.click);
      container.scrollIntoView({ block: "center" });
    }
  });

  // A row that is dragged onto the map opens its form, which carries the once-only key and the revision that it shows.
  let carried = "";
  let dropped = null;
  rows.addEventListener("dragstart", (event) => {
    carried = event.target.closest("[data-receiver]")?.dataset.receiver || "";
    dropped = null;
    if (carried) row(carried).querySelector("a").click();
  });
  container.addEventListener("dragover", (event) => {
    if (carried) event.preventDefault();
  });
  container.addEventListener("drop", (event) => {
    event.preventDefault();
    if (carried) dropped = { receiver: carried, at: map.mouseEventToLatLng(event) };
    carried = "";
    saveDropped();
  });
  function saveDropped() {
    if (!dropped || form()?.dataset.receiver !== dropped.receiver) return; // its form has not come yet
    const { at } = dropped;
    dropped = null;
    if (form().elements.latitude.defaultValue) showMessage(form().dataset.placed);
    else savePosition(at);
  }

  // 6. Parts of the page that htmx has replaced.
  function panelReplaced() {
    const at = panel.querySelector("[data-chosen]");
    const before = chosen;
    chosen = at ? at.dataset.chosen : "";
    const from = row(chosen);
    if (chosen !== before) status.textContent = from ? `${from.dataset.name}: ${from.dataset.word}` : "";
    stopPicking();
    panel.querySelectorAll("[data-script]").forEach((part) => {
      part.hidden = false;
    });
    syncMarkers();
    drawEchoes();
    const pin = markers.get(chosen);
    saveDropped();
    if (pin && chosen !== before && !map.getBounds().pad(-0.1).contains(pin.getLatLng())) map.panTo(pin.getLatLng());
  }
  rows.addEventListener("read-again", syncMarkers);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target === echoes) drawEchoes();
    else if (event.target === panel) panelReplaced();
  });
  panelReplaced();
})();
