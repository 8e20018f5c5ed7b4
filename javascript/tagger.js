// Tag chips: buttons that a click takes out of the caption or back in, and that arrow keys walk.
// One listener for the whole document, so that chips may be drawn anew at any time.
// A chip tells what happened by the event "tagger:chip", detail {tag, on}.

(() => {
  "use strict";

  const chipOf = (event) =>
    event.target instanceof Element
      ? event.target.closest("#tab_tagger button.tg-chip, .tg-page button.tg-chip")
      : null;

  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

  document.addEventListener("click", (event) => {
    const chip = chipOf(event);
    if (!chip) return;
    const on = chip.getAttribute("aria-pressed") !== "true";
    chip.setAttribute("aria-pressed", String(on));
    const detail = { tag: chip.dataset.tag, on };
    chip.dispatchEvent(new CustomEvent("tagger:chip", { bubbles: true, detail }));
  });

  document.addEventListener("keydown", (event) => {
    const chip = chipOf(event);
    if (!chip) return;
    const chips = [...chip.parentElement.querySelectorAll("button.tg-chip")];
    const ends = { Home: 0, End: chips.length - 1 };
    const at = event.key in ends ? ends[event.key] : chips.indexOf(chip) + (steps[event.key] ?? 0);
    if (!(event.key in ends) && !(event.key in steps)) return;
    event.preventDefault();
    chips[Math.min(Math.max(at, 0), chips.length - 1)].focus();
  });
})();
