// The grid of the page Captions: click, Ctrl and Shift select; arrows walk, Enter edits, Delete asks.
// Python hears the places of what is selected, never pixels.

(() => {
  "use strict";

  let anchor = 0; // where a Shift-selection begins

  const cellOf = (event) =>
    event.target instanceof Element ? event.target.closest(".tg-root .tg-cell") : null;
  const cellsOf = (cell) => [...cell.closest(".tg-grid").querySelectorAll(".tg-cell")];
  const isSelected = (cell) => cell.getAttribute("aria-selected") === "true";
  const select = (cell, on) => cell.setAttribute("aria-selected", String(on));

  const tell = (cells) => {
    const shown = cells.map((cell) => Number(cell.dataset.i));
    const chosen = cells.filter(isSelected).map((cell) => Number(cell.dataset.i));
    window.taggerPost("captions", { do: "select", shown, chosen }, (old) => old.do === "select");
  };

  const choose = (cell, { range = false, add = false }) => {
    const cells = cellsOf(cell);
    const at = cells.indexOf(cell);
    if (range) {
      const [from, to] = [Math.min(anchor, at), Math.max(anchor, at)];
      cells.forEach((each, i) => {
        const inside = i >= from && i <= to;
        if (inside || !add) select(each, inside);
      });
    } else {
      if (add) select(cell, !isSelected(cell));
      else cells.forEach((each) => select(each, each === cell));
      anchor = at;
    }
    tell(cells);
  };

  const focus = (cell) => {
    cellsOf(cell).forEach((each) => (each.tabIndex = each === cell ? 0 : -1));
    cell.focus();
  };

  document.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (!cell || event.detail === 0) return; // 0: Enter or Space, which the keys below see to
    focus(cell);
    choose(cell, { range: event.shiftKey, add: event.ctrlKey || event.metaKey });
  });

  // How many cells a row has: those that lie at the first one's height.
  const columns = (cells) => cells.filter((cell) => cell.offsetTop === cells[0].offsetTop).length;

  const target = (key, at, cells) => {
    const wide = columns(cells);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: wide, ArrowUp: -wide };
    if (key === "Home") return 0;
    if (key === "End") return cells.length - 1;
    if (!(key in steps)) return null;
    const to = at + steps[key];
    return to >= 0 && to < cells.length ? to : at;
  };

  const page = (by) => document.querySelector(`.tg-root .tg-pager [data-by="${by}"]`)?.click();

  const acts = {
    Enter: (cell, event) => {
      if (!isSelected(cell)) choose(cell, { add: event.ctrlKey });
      document.querySelector("#tagger_caption_edit textarea")?.focus();
    },
    " ": (cell) => choose(cell, { add: true }),
    Delete: (cell) => {
      if (!isSelected(cell)) choose(cell, {});
      window.taggerPost("captions", { do: "delete" });
    },
    Escape: (cell) => {
      cellsOf(cell).forEach((each) => select(each, false));
      tell(cellsOf(cell));
    },
    PageDown: () => page(1),
    PageUp: () => page(-1),
  };

  document.addEventListener("keydown", (event) => {
    const cell = cellOf(event);
    if (!cell) return;
    const cells = cellsOf(cell);
    if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      document.querySelector('.tg-root .tg-pager [data-do="all"]')?.click();
      return;
    }
    const at = target(event.key, cells.indexOf(cell), cells);
    if (at !== null) {
      event.preventDefault();
      focus(cells[at]);
      if (event.shiftKey) choose(cells[at], { range: true });
      else if (!event.ctrlKey) choose(cells[at], {});
    } else if (event.key in acts) {
      event.preventDefault();
      acts[event.key](cell, event);
    }
  });

  // What stands in the editor goes along with all that is done: Python keeps it for its pictures.
  window.taggerDraft = () => {
    const head = document.querySelector("#tagger_editor [data-of]");
    const valueOf = (id) => document.querySelector(`${id} :is(textarea, input)`)?.value;
    const [text, before] = [valueOf("#tagger_caption_edit"), valueOf("#tagger_caption_before")];
    if (!head || text === undefined || before === undefined) return null;
    return { of: head.dataset.of, title: head.dataset.title, text, before };
  };

  const press = (id) => {
    const found = document.querySelector(`.tg-root #${id}`);
    (found?.matches("button") ? found : found?.querySelector("button"))?.click();
  };

  // From within the caption: Ctrl+Enter saves, PageDown and PageUp go to the next picture and the
  // one before, Escape goes back to the grid.
  const selected = () => document.querySelector('.tg-root .tg-cell[aria-selected="true"]');

  const step = (by) => {
    const from = selected();
    const cells = from ? cellsOf(from) : [];
    const to = cells[cells.indexOf(from) + by];
    if (to) choose(to, {});
  };

  const within = {
    Enter: (event) => {
      if (!event.ctrlKey && !event.metaKey) return false;
      press("tagger_caption_save");
      return true;
    },
    PageDown: () => step(1),
    PageUp: () => step(-1),
    Escape: () => {
      const to = selected();
      if (to) focus(to);
    },
  };

  // Enter in the boxes above the grid is Show.
  const SHOWN = "#tagger_captions_path, #tagger_captions_query, #tagger_captions_extension";
  document.addEventListener("keydown", (event) => {
    const box = event.target instanceof Element ? event.target.closest(SHOWN) : null;
    if (!box || event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    press("tagger_captions_show");
  });

  // Before anybody else hears it: to a WebUI, Escape means that a generation is to stop.
  document.addEventListener(
    "keydown",
    (event) => {
      const inside = event.target instanceof Element && event.target.closest("#tagger_caption_edit");
      if (inside && event.key in within && within[event.key](event) !== false) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
    },
    true,
  );
})();
