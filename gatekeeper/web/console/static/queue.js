// Keys for the queue. Every one of them does what a link, a box or a button on the page does; without this
// file nothing is lost. Single keys can be switched off (WCAG 2.1.4), remembered by this browser alone.
"use strict";
(() => {
  const ON = "gatekeeper-queue-keys";
  const remembered = () => { try { return localStorage.getItem(ON) !== "off"; } catch { return true; } };
  const remember = (on) => { try { localStorage.setItem(ON, on ? "on" : "off"); } catch { /* for now only */ } };
  const byId = (id) => document.getElementById(id);
  const rows = () => [...document.querySelectorAll("#found tr[data-row]")];
  const link = (row) => row.querySelector("th a");
  const box = (row) => row.querySelector("input[name=pick]");
  const marked = () => document.activeElement?.closest?.("#found tr[data-row]") ?? null;

  let on = remembered();
  const keys = byId("keys"), show = byId("keys-show"), choice = byId("keys-on");

  const step = (by) => {
    const all = rows();
    if (all.length === 0) return;
    const here = all.indexOf(marked());
    const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + by, 0), all.length - 1);
    link(all[next]).focus();
  };
  const help = () => {
    keys.hidden = !keys.hidden;
    show.setAttribute("aria-expanded", String(!keys.hidden));
    if (!keys.hidden) keys.focus();
  };
  const take = () => {
    const form = byId("assign");
    if (form === null) return;
    const own = marked() && box(marked());
    if (rows().every((row) => !box(row)?.checked)) {
      if (!own) return;
      own.checked = true;
    }
    form.requestSubmit(form.querySelector("[data-take]"));
  };
  const DOES = {
    j: () => step(1),
    k: () => step(-1),
    o: () => marked() && link(marked()).click(),
    x: () => marked() && box(marked())?.click(),
    a: take,
    "/": () => byId("q").focus(),
    "?": help,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const typing = event.target.closest?.("input:not([type=checkbox]), select, textarea, [contenteditable]");
    if (typing) return;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && marked()) {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (on && Object.hasOwn(DOES, event.key)) {
      event.preventDefault();
      DOES[event.key]();
    }
  });

  // One box for all on the page: worth nothing without a script, so it is shown by one.
  const all = () => {
    const every = byId("pick-all");
    if (every === null) return;
    every.parentElement.hidden = false;
    every.addEventListener("change", () => {
      for (const row of rows()) if (box(row)) box(row).checked = every.checked;
    });
  };
  all();
  document.addEventListener("htmx:after:swap", all);

  show.hidden = false;
  show.addEventListener("click", help);
  choice.checked = on;
  choice.addEventListener("change", () => { on = choice.checked; remember(on); });
})();
