"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  all(".needs-script").forEach((element) => { element.hidden = false; });

  const appearance = document.getElementById("appearance");
  const modes = ["automatic", "light", "dark"];
  appearance.addEventListener("click", () => {
    const next = modes[(modes.indexOf(document.documentElement.dataset.appearance || "automatic") + 1) % 3];
    if (next === "automatic") delete document.documentElement.dataset.appearance;
    else document.documentElement.dataset.appearance = next;
    appearance.textContent = `Appearance: ${next}`;
  });

  all("[data-show]").forEach((button, _, buttons) => button.addEventListener("click", () => {
    buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    all("[data-kind]").forEach((tile) => {
      tile.hidden = button.dataset.show !== "" && tile.dataset.kind !== button.dataset.show;
    });
  }));

  const over = document.getElementById("over");
  if (over && !document.querySelector("[data-below]")) over.hidden = true;
  if (over) over.addEventListener("click", () => {
    const on = over.getAttribute("aria-pressed") !== "true";
    over.setAttribute("aria-pressed", String(on));
    document.getElementById("items").classList.toggle("over", on);
    all("[data-below]").forEach((tile) => {
      tile.style.backgroundImage = on ? `linear-gradient(rgb(255 255 255 / .2), rgb(255 255 255 / .2)), url("${tile.dataset.below}")` : "";
    });
  });

  const value = (cell) => {
    const number = parseFloat(cell.textContent.replace(/−/g, "-"));
    return Number.isNaN(number) ? cell.textContent : number;
  };
  all("table.sortable").forEach((table) => {
    const body = table.tBodies[0];
    all("thead th", table).forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") !== "descending";
        all("th", table.tHead).forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => value(row.cells[column]);
        const rows = Array.from(body.rows);
        rows.sort((a, b) => {
          const [x, y] = [key(a), key(b)];
          const order = typeof x === typeof y ? (x < y ? -1 : Number(x > y)) : (typeof x === "number" ? 1 : -1);
          return down ? -order : order;
        });
        body.append(...rows);
      });
    });
  });
})();
