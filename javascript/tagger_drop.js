// A folder dropped on the page Folder: browsers give its files, and gradio would lose their
// sub-folders. So we walk it, hand the files to gradio's own input, and post their relative paths
// into a box of their own, in the same order.

(() => {
  "use strict";

  const PICTURES = /\.(apng|avif|bmp|gif|heic|heif|hif|ico|jfif|jpe?g?|jxl|png|ppm|psd|tga|tiff?|webp)$/i;
  const MOST = 10000;

  const readAll = async (reader) => {
    const all = [];
    // a reader gives a hundred at a time
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return all;
      all.push(...some);
    }
  };

  const walk = async (entry, found) => {
    if (found.length >= MOST) return;
    if (entry.isFile) {
      if (PICTURES.test(entry.name) || /\.(txt|zip)$/i.test(entry.name)) {
        const file = await new Promise((done, fail) => entry.file(done, fail));
        found.push([entry.fullPath.replace(/^\//, ""), file]);
      }
      return;
    }
    const inside = await readAll(entry.createReader());
    inside.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    for (const each of inside) await walk(each, found);
  };

  const names = (paths) => {
    const box = document.querySelector(".tg-root #tagger_paths :is(textarea, input)");
    if (!box) return;
    box.value = JSON.stringify(paths);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const zoneOf = (event) =>
    event.target instanceof Element ? event.target.closest(".tg-root #tagger_files") : null;

  document.addEventListener(
    "drop",
    async (event) => {
      const zone = zoneOf(event);
      const entries = [...(event.dataTransfer?.items ?? [])]
        .map((item) => item.webkitGetAsEntry?.())
        .filter(Boolean);
      if (!zone || !entries.some((entry) => entry.isDirectory)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const found = [];
      for (const entry of entries) await walk(entry, found);
      const input = zone.querySelector('input[type="file"]');
      if (!input || !found.length) return;
      const carrier = new DataTransfer();
      found.forEach(([, file]) => carrier.items.add(file));
      names(found.map(([path]) => path));
      input.files = carrier.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    },
    true,
  );

  // A browsed folder's input knows each file's place; a plain upload has none.
  document.addEventListener(
    "change",
    (event) => {
      const input = event.target;
      if (!(input instanceof HTMLInputElement) || input.type !== "file" || !event.isTrusted) return;
      if (!input.closest(".tg-root :is(#tagger_files, #tagger_browse)")) return;
      names([...input.files].map((file) => file.webkitRelativePath || file.name));
    },
    true,
  );
})();
