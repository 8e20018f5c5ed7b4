// What the Tagger tab's own HTML does: one listener for a kind of event, on the whole document, so
// that fragments may be drawn anew at any time.
//
// Page to Python: letters go into a hidden text box, one at a time; Python empties the box when it
// has dealt with them. Without that, quick clicks are lost (only a box's last value is seen).
// Python to page: HTML. Progress: a hidden button is clicked each second while a job lives.
// tagger_grid.js and tagger_drop.js post their letters by `taggerPost`.

(() => {
  "use strict";

  const root = () => document.querySelector(".tg-root");
  const field = (name) => root()?.querySelector(`#tagger_box_${name} :is(textarea, input)`);

  // ---------------------------------------------------------------- the outbox

  const PATIENCE = 15000; // ms until a letter counts as lost
  const outboxes = {};
  let count = 0;

  const fill = (box, all) => {
    box.value = JSON.stringify({ n: ++count, all });
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const answered = async (name) => {
    const end = Date.now() + PATIENCE;
    while (field(name)?.value && Date.now() < end) {
      await new Promise((done) => setTimeout(done, 25));
    }
  };

  const deliver = async (name, letters) => {
    const box = field(name);
    const draft = name === "captions" && window.taggerDraft?.();
    fill(box, letters.map((letter) => (draft ? { ...letter, draft } : letter)));
    // gradio 6 takes a key for what gradio 3 and 4 take an input for
    box.dispatchEvent(new KeyboardEvent("keypress", { bubbles: true, key: "Unidentified" }));
    await answered(name);
  };

  // A button of gradio's in its turn among the letters: what is in the editor goes along with it.
  let passing = null;
  const pass = async (button) => {
    await null; // a click within a click of the same button is none
    const box = field("editor");
    if (!box || button.disabled) return;
    const draft = window.taggerDraft?.();
    fill(box, draft ? [draft] : []);
    passing = button;
    button.click();
    passing = null;
    await answered("editor");
  };

  const send = async (name, outbox) => {
    outbox.busy = true;
    while (outbox.waiting.length && field(name)) {
      if (outbox.waiting[0].press) {
        await pass(outbox.waiting.shift().press);
        continue;
      }
      const press = outbox.waiting.findIndex((each) => each.press);
      await deliver(name, outbox.waiting.splice(0, press < 0 ? outbox.waiting.length : press));
    }
    outbox.busy = false;
  };

  // `instead`: a letter of the same kind that still waits is out of date.
  const post = (name, letter, instead = null) => {
    const outbox = (outboxes[name] ??= { waiting: [], busy: false });
    if (instead) outbox.waiting = outbox.waiting.filter((other) => !instead(other));
    outbox.waiting.push(letter);
    if (!outbox.busy) send(name, outbox);
  };
  window.taggerPost = post;

  // The page Captions remembers what is chosen: one thing after the other is done there.
  const IN_TURN = ["tagger_captions_show", "tagger_caption_save", "tagger_caption_undo"];
  IN_TURN.push("tagger_delete_yes", "tagger_batch_preview", "tagger_batch_apply", "tagger_twins");
  window.addEventListener(
    "click",
    (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      const named = button?.closest(IN_TURN.map((id) => `.tg-root #${id}`).join());
      if (!named || button === passing) return;
      event.preventDefault();
      event.stopPropagation();
      post("captions", { press: button });
    },
    true,
  );

  // Changes are numbered, so that Python can tell the newest; a page goes by a name of its own.
  const page = Math.random().toString(36).slice(2);
  let turns = 0;
  window.taggerTurn = () => `${page}:${++turns}`;

  // ---------------------------------------------------------------- buttons

  const within = (event, selector) => {
    const found = event.target instanceof Element ? event.target.closest(selector) : null;
    return found && found.closest(".tg-root") ? found : null;
  };

  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // plain http has no clipboard
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    const label = (button.dataset.label ??= button.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1200);
  };

  document.addEventListener("click", (event) => {
    const button = within(event, ".tg-root button");
    if (!button) return;
    if (button.classList.contains("tg-copy")) {
      const caption = root().querySelector(".tg-caption textarea");
      copy(button.dataset.text ?? caption?.value ?? "", button);
      return;
    }
    const box = button.closest("[data-box]")?.dataset.box;
    if (!button.dataset.do || !box) return;
    const act = box === "why" ? whyOrClose(button) : button.dataset.do;
    const { do: _, label: __, ...data } = button.dataset;
    const letter = { do: act, ...data };
    if (act === "toggle") {
      letter.on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(letter.on));
    }
    if (act === "filter") letter.how = event.shiftKey ? "without" : event.altKey ? "or" : "and";
    post(box, letter);
  });

  // ---------------------------------------------------------------- why a tag

  // The answer lies over the picture. `asker` gets the focus back when it is closed.
  const answer = () => root()?.querySelector(".tg-why:not([hidden])");
  const asker = (tag) =>
    [...(root()?.querySelectorAll("button.tg-chip") ?? [])].find((chip) => chip.dataset.tag === tag);

  // What a button of its means: pressed once more, `?` closes what it opened.
  const whyOrClose = (button) => {
    const open = answer();
    const asks = button.dataset.do === "why";
    const again = asks && open?.dataset.why === button.dataset.tag;
    const at = document.activeElement;
    if (asks || at === document.body || open?.contains(at)) {
      asker(button.dataset.tag ?? open?.dataset.why)?.focus({ preventScroll: true });
    }
    if (asks && !again) return "why";
    if (open) open.hidden = true;
    return "close";
  };

  document.addEventListener("keydown", (event) => {
    const chip = within(event, "button.tg-chip");
    if (chip && event.key === "?") chip.parentElement.querySelector(".tg-ask")?.click();
  });

  // Before anybody else hears it: to a WebUI, Escape means that a generation is to stop.
  const closing = (event) => {
    const open = event.key === "Escape" ? answer() : null;
    if (!open?.offsetParent || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    open.querySelector("button")?.click();
  };
  window.addEventListener("keydown", closing, true);

  // One look after the other, for as long as it is looked for and somebody sees that.
  const look = () => {
    const open = answer();
    if (!open?.dataset.looking || !open.offsetParent || document.hidden) return;
    if (!outboxes.why?.busy) post("why", { do: "look" });
  };
  setInterval(look, 400);

  const markAsked = () => {
    const tag = answer()?.dataset.why;
    for (const ask of root()?.querySelectorAll(".tg-ask") ?? []) {
      ask.setAttribute("aria-expanded", String(ask.dataset.tag === tag));
    }
  };

  // ---------------------------------------------------------------- arrow keys walk chips and tags

  const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const LISTS = ".tg-chips, .tg-tags";
  const WALKED = "button:not([hidden], .tg-ask)";

  document.addEventListener("keydown", (event) => {
    const button = within(event, ".tg-chip, .tg-tag");
    const list = button?.closest(LISTS);
    if (!list || event.ctrlKey || event.metaKey) return;
    const all = [...list.querySelectorAll(WALKED)];
    const ends = { Home: 0, End: all.length - 1 };
    if (!(event.key in ends) && !(event.key in STEPS)) return;
    event.preventDefault();
    const at = ends[event.key] ?? all.indexOf(button) + STEPS[event.key];
    const next = all[Math.min(Math.max(at, 0), all.length - 1)];
    all.forEach((each) => (each.tabIndex = each === next ? 0 : -1));
    next.focus();
  });

  // A host's theme may be dark without gradio's class for it: its words are light then.
  const shade = () => {
    const [r, g, b] = getComputedStyle(root()).color.match(/\d+/g).map(Number);
    root().classList.toggle("tg-dark", 0.299 * r + 0.587 * g + 0.114 * b > 127);
  };

  const settle = () => {
    shade();
    // one of each list is reached by Tab
    for (const list of root()?.querySelectorAll(`${LISTS}, .tg-grid`) ?? []) {
      const all = [...list.querySelectorAll(WALKED)];
      if (all.length && !all.some((each) => each.tabIndex === 0)) all[0].tabIndex = 0;
    }
    unfold();
    refilter();
    hang();
    askAgain();
    markAsked();
    look();
    speak();
  };

  // Python could not know of what was set while it answered: it is asked once more.
  let asked = null;
  const askAgain = () => {
    const mark = root()?.querySelector("[data-again]") ?? null;
    if (mark && mark !== asked) press("tagger_ask");
    asked = mark;
  };

  // ---------------------------------------------------------------- for those who listen

  // Places where sentences appear are live before there is one; how a run ended is said once.
  const MACHINERY = ".tg-hidden :is(textarea, input, button), button.tg-hidden";
  let said = null;
  const speak = () => {
    for (const place of root()?.querySelectorAll(".tg-fragment:not([aria-live])") ?? []) {
      place.setAttribute("aria-live", "polite");
    }
    // what only our script and Python use is neither read out nor reached by Tab
    for (const each of root()?.querySelectorAll(MACHINERY) ?? []) {
      each.tabIndex = -1;
      each.setAttribute("aria-hidden", "true");
    }
    const voice = root()?.querySelector(".tg-voice");
    const words = [...(root()?.querySelectorAll("[data-say]") ?? [])];
    const now = words.map((each) => each.dataset.say).filter(Boolean).join(". ");
    if (voice && said !== null && now !== said) voice.textContent = now;
    said = now;
  };

  // ---------------------------------------------------------------- thresholds

  const moved = (event) => {
    const input = within(event, "input[data-threshold]");
    if (!input || (event.type === "input" && input.type === "number")) return;
    const value = Number(input.value);
    if (!(value >= 0 && value <= 1)) return;
    for (const other of input.closest(".tg-slider").querySelectorAll("input")) {
      if (other !== input) other.value = value.toFixed(2);
    }
    input.closest(".tg-slider").querySelector(".tg-hint")?.remove();
    input.closest(".tg-thresholds").querySelector('[data-do="own"]').disabled = false;
    const letter = { do: "threshold", category: input.dataset.threshold, value };
    post("picture", letter, (old) => old.do === "threshold" && old.category === letter.category);
  };
  document.addEventListener("input", moved);
  document.addEventListener("change", moved);

  // ---------------------------------------------------------------- what is under the threshold

  // Drawn anew, the fold is as a person left it.
  let unfolded = false;
  document.addEventListener("click", (event) => {
    const summary = within(event, ".tg-below > summary");
    if (summary) unfolded = !summary.parentElement.open;
  });
  const unfold = () => {
    const below = root()?.querySelector(".tg-below");
    if (below && unfolded) below.open = true;
  };

  // ---------------------------------------------------------------- filters that hide

  const plain = (text) => text.toLowerCase().replaceAll("_", " ").trim();

  const hideBy = (text, items) => {
    const parts = plain(text).split(",").map((part) => part.trim()).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      const name = plain(item.dataset.tag ?? "");
      item.hidden = parts.length > 0 && !parts.some((part) => name.includes(part));
      if (!item.hidden) shown += 1;
    }
    return [parts.length > 0, shown];
  };

  const refilter = () => {
    const tab = root();
    const text = tab?.querySelector("#tagger_filter :is(textarea, input)")?.value ?? "";
    for (const group of tab?.querySelectorAll(".tg-group:not(.tg-rating)") ?? []) {
      const [filtered, shown] = hideBy(text, group.querySelectorAll("button.tg-chip"));
      group.hidden = filtered && shown === 0;
    }
    const below = tab?.querySelector(".tg-below");
    if (below) {
      const [filtered, shown] = hideBy(text, below.querySelectorAll("button.tg-chip"));
      below.hidden = filtered && shown === 0;
      if (filtered && shown) below.open = true;
    }
  };

  document.addEventListener("input", (event) => {
    if (within(event, "#tagger_filter")) refilter();
    const find = within(event, "input[data-find]");
    if (find) hideBy(find.value, find.parentElement.querySelectorAll(find.dataset.find));
  });

  // What the buttons beside the filter mean: the tags that can be seen.
  window.taggerVisible = () => {
    const chips = root().querySelectorAll("button.tg-chip:not([hidden])");
    const seen = [...chips].filter((chip) => chip.offsetParent !== null);
    return seen.map((chip) => chip.dataset.tag);
  };

  document.addEventListener("click", (event) => {
    const button = within(event, "#tagger_keep_visible, #tagger_exclude_visible");
    if (!button) return;
    const act = button.id === "tagger_keep_visible" ? "keep" : "exclude";
    post("picture", { do: act, tags: window.taggerVisible() });
  });

  // Enter is as good as leaving a box: what is in it is kept for the next visit.
  document.addEventListener("keydown", (event) => {
    const box = event.key === "Enter" && within(event, ".tg-input :is(textarea, input)");
    if (box) box.dispatchEvent(new FocusEvent("blur"));
  });

  // ---------------------------------------------------------------- progress

  setInterval(() => {
    const tab = root();
    if (document.hidden || !tab?.offsetParent) return;
    const live = [...tab.querySelectorAll('[data-live="1"]')];
    const training = live.filter((each) => each.closest("#tagger_page_training, .tg-training"));
    if (live.length > training.length) press("tagger_tick");
    if (training.some((each) => each.offsetParent)) press("tagger_tock");
  }, 1000);

  // ---------------------------------------------------------------- a page that was just opened

  // Asks Python for what it should show, until gradio hears it: before that a press is lost. It is
  // asked once: a second answer would come over what was set since the first.
  const press = (id) =>
    (root()?.querySelector(`button#${id}`) ?? root()?.querySelector(`#${id} button`))?.click();

  let heard = 0;
  window.taggerHeard = () => (heard = Date.now());
  let greetings = 0;
  const greet = () => {
    if (root()?.querySelector("[data-met]") || greetings > 20) return;
    const ready = document.readyState === "complete" && root()?.querySelector("#tagger_hello");
    if (ready && Date.now() - heard > PATIENCE) {
      greetings += 1;
      press("tagger_hello");
    }
    setTimeout(greet, 700);
  };
  greet();

  // Sentences that explain a control hang on it.
  const hang = () => {
    const told = root()?.querySelector("[data-hints]")?.dataset.hints;
    for (const [id, sentence] of Object.entries(JSON.parse(told ?? "{}"))) {
      const control = root().querySelector(`#${id}`);
      if (control && !control.title) control.title = sentence;
    }
  };

  // ---------------------------------------------------------------- after each change of the page

  // gradio 6 makes what is in a fold or a page when that is first opened, and some frames later
  // gives its boxes once more the values they were made with. Nobody types before that: they are
  // seen a moment later.
  const BOX = ".block :is(textarea, input)";
  const DRAWN = ".tg-html, .tg-fragment"; // by us
  const frames = (count, then) =>
    requestAnimationFrame(() => (count > 1 ? frames(count - 1, then) : setTimeout(then)));
  const hold = (records) => {
    for (const node of records.flatMap((record) => [...record.addedNodes])) {
      if (!(node instanceof Element) || node.closest(DRAWN) || !node.querySelector(BOX)) continue;
      node.dataset.fresh = "";
      frames(3, () => delete node.dataset.fresh);
    }
  };

  let settling = 0;
  const observe = () => {
    const tab = root();
    if (!tab) return setTimeout(observe, 300);
    const soon = (records) => {
      hold(records);
      clearTimeout(settling);
      settling = setTimeout(settle, 30);
    };
    new MutationObserver(soon).observe(tab, { childList: true, subtree: true });
    soon([]);
  };
  observe();
})();
