"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const one = (selector, root = document) => root.querySelector(selector);
  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const show = (value) => {
    const digits = Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.001)
      ? value.toExponential(2) : value.toPrecision(4);
    return digits.replace(/-/g, "−");
  };
  const off = new Set();
  // read-outs that are open, to be written again when methods are switched on or off
  const readouts = [];
  all(".needs-script").forEach((element) => { element.hidden = false; });

  // Appearance
  const root = document.documentElement;
  const appearance = document.getElementById("appearance");
  const looks = ["automatic", "light", "dark"];
  appearance.addEventListener("click", () => {
    const now = looks[(looks.indexOf(root.dataset.appearance || "automatic") + 1) % 3];
    if (now === "automatic") delete root.dataset.appearance; else root.dataset.appearance = now;
    appearance.textContent = "Appearance: " + now;
  });

  // Methods on and off
  const apply = () => {
    all(".setting [data-m], #gallery .chart [data-m], .legend li").forEach((element) => {
      const isOff = off.has(Number(element.dataset.m));
      if (element.tagName === "LI") element.classList.toggle("off", isOff);
      else element.style.display = isOff ? "none" : "";
    });
    readouts.forEach((refresh) => refresh());
  };
  const turn = (box, on) => {
    box.checked = on;
    if (on) off.delete(Number(box.dataset.switch)); else off.add(Number(box.dataset.switch));
  };
  const boxes = all("[data-switch]");
  boxes.forEach((box) => box.addEventListener("change", () => { turn(box, box.checked); apply(); }));
  all("[data-all]").forEach((button) => button.addEventListener("click", () => {
    boxes.forEach((box) => turn(box, button.dataset.all === "on"));
    apply();
  }));

  // Point at a method to see its line and band in all charts
  all(".legend li, .ranking tbody tr").forEach((item) => {
    const light = (on) => all('.setting [data-m="' + item.dataset.m + '"]')
      .forEach((element) => element.classList.toggle("lit", on));
    item.addEventListener("pointerenter", () => light(true));
    item.addEventListener("pointerleave", () => light(false));
    item.addEventListener("focusin", () => light(true));
    item.addEventListener("focusout", () => light(false));
  });

  // One chart of a setting at a time
  all(".setting").forEach((setting) => {
    const tabs = all("[data-tab]", setting);
    const choose = (key) => {
      tabs.forEach((tab) => tab.setAttribute("aria-pressed", String(tab.dataset.tab === key)));
      all("[data-panel]", setting).forEach((panel) => { panel.hidden = panel.dataset.panel !== key; });
    };
    tabs.forEach((tab) => tab.addEventListener("click", () => choose(tab.dataset.tab)));
    if (tabs.length > 0) choose(tabs[0].dataset.tab);
  });

  // Lines in charts
  const svgLine = (chart, className) => {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("class", className);
    chart.append(line);
    return line;
  };
  const box = (chart) => chart.viewBox.baseVal;
  const upright = (line, chart, x) => line.setAttribute("d", "M" + x + " 12V" + (box(chart).height - 54));

  // Ends of the plot, in the units of the chart
  const ends = (chart) => [Number(chart.dataset.left), Number(chart.dataset.right)];

  // One setting at a time: curves, differences and mean ranks
  all("[data-settings]").forEach((choice) => {
    const show = () => all("[data-setting]").forEach((part) => {
      part.hidden = choice.value !== "all" && part.dataset.setting !== choice.value;
    });
    choice.addEventListener("change", show);
    // paper has all of them
    addEventListener("beforeprint", () => all("[data-setting]").forEach((part) => { part.hidden = false; }));
    addEventListener("afterprint", show);
    show();
  });

  // Read-out of curves
  data.charts.forEach((numbers) => {
    const chart = one('svg.chart[data-key="' + numbers.key + '"]');
    const readout = one(".readout", chart.parentElement);
    const cursor = svgLine(chart, "cursor");
    const last = numbers.steps.length - 1;
    const [left, right] = ends(chart);
    let at = 0;
    const clear = () => { readout.hidden = true; cursor.setAttribute("d", ""); };
    const read = (index) => {
      at = Math.max(0, Math.min(last, index));
      const step = numbers.steps[at];
      const share = numbers.steps[last] > 0 ? step / numbers.steps[last] : 0;
      upright(cursor, chart, left + (right - left) * share);
      const lines = numbers.lines.filter((line) => !off.has(line.m) && at < line.v.length);
      lines.sort((a, b) => b.v[at] - a.v[at]);
      const gone = numbers.names ? numbers.names[at] : String(step);
      const removed = gone + (gone === "1" ? " region removed" : " regions removed");
      readout.replaceChildren(make("b", "", removed));
      lines.forEach((line) => {
        const row = make("div");
        const sample = one('.legend li[data-m="' + line.m + '"] .sample');
        const range = line.i.length > 2 * at + 1
          ? " [" + show(line.i[2 * at]) + ", " + show(line.i[2 * at + 1]) + "]" : "";
        row.append(sample.cloneNode(true), make("span", "", data.methods[line.m]),
          make("span", "", show(line.v[at]) + range));
        readout.append(row);
      });
      readout.hidden = false;
      chart.setAttribute("aria-valuenow", String(step));
      chart.setAttribute("aria-valuetext", [removed].concat(lines.map((line) =>
        data.methods[line.m] + " " + show(line.v[at]))).join(", "));
      // on the side where the cursor is not
      const isRight = share > 0.5;
      readout.style.left = isRight ? "4.5rem" : "auto";
      readout.style.right = isRight ? "auto" : "3.5rem";
    };
    readouts.push(() => { if (!readout.hidden) read(at); });
    // a picture becomes something that is moved along, which assistive technology reads value by value
    const named = { tabindex: "0", role: "slider", "aria-valuemin": "0",
      "aria-valuemax": String(numbers.steps[last] || 0), "aria-valuenow": "0",
      "aria-label": chart.getAttribute("aria-label") + ", by removed regions",
      "aria-valuetext": "0 regions removed" };
    Object.entries(named).forEach(([name, value]) => chart.setAttribute(name, value));
    chart.addEventListener("pointermove", (event) => {
      const frame = chart.getBoundingClientRect();
      const x = (event.clientX - frame.left) / frame.width * box(chart).width;
      read(Math.round((x - left) / (right - left) * last));
    });
    chart.addEventListener("pointerleave", clear);
    chart.addEventListener("focus", () => { if (chart.matches(":focus-visible")) read(at); });
    chart.addEventListener("blur", clear);
    chart.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last, PageUp: at + 10, PageDown: at - 10 };
      if (event.key === "Escape") clear();
      if (!(event.key in moves)) return;
      event.preventDefault();
      read(moves[event.key]);
    });
  });

  // Paired differences: a cell that is chosen says in full what it holds. One stop for Tab per table;
  // from there on arrow keys.
  all(".matrix.pairs").forEach((table) => {
    const words = table.closest(".scroll").nextElementSibling;
    const rows = Array.from(table.tBodies[0].rows).map((row) => all("td", row));
    const isUsed = (cell) => cell !== undefined && cell.title !== "";
    let now = rows.flat().find(isUsed);
    if (now === undefined) return;
    now.tabIndex = 0;
    const choose = (cell) => {
      now.tabIndex = -1;
      now.classList.remove("now");
      now = cell;
      now.tabIndex = 0;
      now.classList.add("now");
      words.textContent = now.title;
    };
    table.addEventListener("focusin", (event) => { if (isUsed(event.target)) choose(event.target); });
    table.addEventListener("click", (event) => {
      const cell = event.target.closest("td");
      if (cell !== null && isUsed(cell)) { choose(cell); cell.focus(); }
    });
    table.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      let y = rows.findIndex((row) => row.includes(now));
      let x = rows[y].indexOf(now);
      // a method against itself has nothing to say and is passed over
      do { y += step[0]; x += step[1]; } while (rows[y] && rows[y][x] && !isUsed(rows[y][x]));
      if (rows[y] && rows[y][x]) { choose(rows[y][x]); now.focus(); }
    });
  });

  // Tables: sort and filter
  all("table.sortable").forEach((table) => {
    const body = table.tBodies[0];
    all("thead th", table).forEach((head, column) => {
      if (head.dataset.sort === "none") return;
      const button = make("button");
      button.type = "button";
      button.append(...Array.from(head.childNodes).filter((part) => part.nodeName !== "SMALL"));
      head.prepend(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => {
          const cell = row.cells[column];
          const text = cell.dataset.v !== undefined ? cell.dataset.v : cell.textContent.trim();
          const number = text === "" ? NaN : Number(text);
          return { text, number };
        };
        const rows = Array.from(body.rows).map((row) => ({ row, key: key(row) }));
        const numeric = rows.some((r) => !Number.isNaN(r.key.number));
        rows.sort((a, b) => {
          const [x, y] = [a.key, b.key];
          if (!numeric) return (down ? -1 : 1) * x.text.localeCompare(y.text);
          // what is undefined stays at the end
          if (Number.isNaN(x.number) || Number.isNaN(y.number)) {
            return Number(Number.isNaN(x.number)) - Number(Number.isNaN(y.number));
          }
          return (down ? -1 : 1) * (x.number - y.number);
        });
        body.append(...rows.map((r) => r.row));
      });
    });
  });
  all("[data-filter]").forEach((field) => {
    const rows = Array.from(document.getElementById(field.dataset.filter).tBodies[0].rows);
    const count = one('[data-count="' + field.dataset.filter + '"]');
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const filter = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        if (!row.hidden) shown += 1;
      });
      count.textContent = shown + " of " + rows.length + " rows";
    };
    field.addEventListener("input", filter);
    filter();
  });

  // Gallery
  const bytes = (text) => {
    const raw = atob(text);
    const view = new DataView(new ArrayBuffer(raw.length));
    for (let i = 0; i < raw.length; i += 1) view.setUint8(i, raw.charCodeAt(i));
    return view;
  };
  const numbersOf = (text, read) => {
    const view = bytes(text);
    return Array.from({ length: view.byteLength / 4 }, (_, i) => read(view, 4 * i));
  };
  const unpack = (removal) => ({
    regions: numbersOf(removal.regions, (view, at) => view.getUint32(at, true)),
    scores: numbersOf(removal.scores, (view, at) => view.getFloat32(at, true)),
  });
  const signed = (text) => (/^[−-]/.test(text) ? text.replace("-", "−") : "+" + text);
  data.exhibits.forEach((exhibit, index) => {
    const article = one('[data-exhibit="' + index + '"]');
    const part = (role) => one('[data-role="' + role + '"]', article);
    const [method, order, slider, play, score] = ["method", "order", "step", "play", "score"].map(part);
    const [original, fill, canvas] =
      [".original", ".fill", "canvas"].map((selector) => one(selector, article));
    const charts = all("[data-order]", article).map((part) => {
      const chart = one("svg.chart", part);
      return { part, chart, cursor: svgLine(chart, "cursor") };
    });
    // of a text the regions are words
    const words = all(".view [data-u]", article);
    const context = canvas ? canvas.getContext("2d") : null;
    const usable = exhibit.lines.filter((line) => line.orders.length > 0);
    if (usable.length === 0) {
      one(".controls", article).hidden = true;
      if (canvas) canvas.hidden = true;
      return;
    }
    if (original) original.hidden = true;
    all("option", method).forEach((option) => {
      option.disabled = usable.every((line) => line.m !== Number(option.value));
    });
    method.value = String(usable[0].m);
    let removal = { regions: [], scores: [] };
    let drawnTo = -1;
    const patch = (id) => {
      if (!context) { words[id].classList.add("gone"); return; }
      const x = (id % exhibit.columns) * exhibit.side;
      const y = Math.floor(id / exhibit.columns) * exhibit.side;
      const w = Math.min(exhibit.side, exhibit.width - x);
      const h = Math.min(exhibit.side, exhibit.height - y);
      if (fill) context.drawImage(fill, x, y, w, h, x, y, w, h);
      else { context.fillStyle = "#888"; context.fillRect(x, y, w, h); }
    };
    const goneAt = (step) => (exhibit.removed ? exhibit.removed[step] : step);
    const draw = () => {
      const step = Number(slider.value);
      if (drawnTo < 0 || goneAt(step) < drawnTo) {
        // nothing is drawn of a picture that is not there yet
        words.forEach((word) => word.classList.remove("gone"));
        if (context && original.naturalWidth > 0) context.drawImage(original, 0, 0, exhibit.width, exhibit.height);
        drawnTo = 0;
      }
      const gone = goneAt(step);
      for (; drawnTo < gone; drawnTo += 1) patch(removal.regions[drawnTo]);
      const [start, now] = [removal.scores[0], removal.scores[step]];
      const change = exhibit.probability && start !== 0
        ? (100 * (now - start) / start).toFixed(0) + " %" : show(now - start);
      score.textContent = gone + " of " + goneAt(removal.scores.length - 1) + " regions removed: score " +
        show(now) + ", at first " + show(start) + (step > 0 ? " (" + signed(change) + ")" : "");
      slider.setAttribute("aria-valuetext", score.textContent);
      const share = removal.scores.length > 1 ? step / (removal.scores.length - 1) : 0;
      charts.forEach(({ chart, cursor }) => {
        const [left, right] = ends(chart);
        upright(cursor, chart, left + (right - left) * share);
      });
    };
    const choose = () => {
      const line = usable.find((candidate) => candidate.m === Number(method.value));
      const found = line.orders.find((candidate) => candidate.order === order.value) || line.orders[0];
      all("option", order).forEach((option) => {
        option.disabled = line.orders.every((candidate) => candidate.order !== option.value);
      });
      order.value = found.order;
      removal = unpack(found);
      slider.max = String(removal.scores.length - 1);
      drawnTo = -1;
      const isChosen = (element) => Number(element.dataset.m) === line.m;
      charts.forEach(({ part, chart }) => {
        part.hidden = part.dataset.order !== found.order;
        all(".line, .mark, .leader", chart).forEach((element) => {
          element.classList.toggle("chosen", isChosen(element));
          element.classList.toggle("faded", !isChosen(element));
        });
      });
      all(".maps li", article).forEach((item) => {
        item.classList.toggle("chosen", isChosen(item));
        const button = one("button", item);
        if (button !== null) button.setAttribute("aria-pressed", String(isChosen(item)));
      });
      draw();
    };
    let timer = 0;
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "play";
      play.setAttribute("aria-pressed", "false");
    };
    play.addEventListener("click", () => {
      if (timer !== 0) { stop(); return; }
      if (slider.value === slider.max) slider.value = "0";
      play.textContent = "stop";
      play.setAttribute("aria-pressed", "true");
      const stride = Math.max(1, Math.round(Number(slider.max) / 100));
      timer = setInterval(() => {
        slider.value = String(Number(slider.value) + stride);
        draw();
        if (slider.value === slider.max) stop();
      }, 60);
    });
    slider.addEventListener("input", draw);
    method.addEventListener("change", choose);
    order.addEventListener("change", choose);
    all(".maps li", article).forEach((item) => {
      if (usable.every((line) => line.m !== Number(item.dataset.m))) return;
      const heat = one(".heat", item);
      const button = make("button");
      button.type = "button";
      button.title = "remove regions in the order of this map";
      heat.replaceWith(button);
      button.append(heat);
      button.addEventListener("click", () => { method.value = item.dataset.m; choose(); });
    });
    // usable at once, and drawn again when the pictures are there
    choose();
    addEventListener("load", () => { drawnTo = -1; draw(); });
  });
  const overlay = document.getElementById("overlay");
  if (overlay) {
    overlay.addEventListener("change", () => {
      const gallery = document.getElementById("gallery");
      gallery.classList.toggle("over", overlay.checked);
      all(".exhibit", gallery).forEach((article) => {
        const veil = "linear-gradient(rgb(255 255 255 / .4), rgb(255 255 255 / .4))";
        const source = overlay.checked ? veil + ", url(" + one(".original", article).src + ")" : "";
        all(".heat", article).forEach((heat) => { heat.style.backgroundImage = source; });
      });
    });
  }

  // Paper shows what is folded on the screen
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    folded.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((part) => { part.open = false; }));

  // Citations
  document.getElementById("copy").addEventListener("click", () => {
    const text = document.getElementById("bibtex");
    const said = document.getElementById("copied");
    const select = () => {
      getSelection().selectAllChildren(text);
      said.textContent = "selected: press Ctrl+C";
    };
    if (!navigator.clipboard) { select(); return; }
    navigator.clipboard.writeText(text.textContent).then(() => { said.textContent = "copied"; }, select);
  });
})();
