"use strict";
// Theme, keys, copying, and the live part: polled every two seconds and replaced when it changed.
// Everything works without this script but for these.
(() => {
  const EVERY = 2000; // ms
  const MOST = 30000; // ms between tries while the control plane does not answer
  const root = document.documentElement;
  const find = (id) => document.getElementById(id);

  // Storage can be forbidden; then choices last for the page.
  const store = (name, value) => { try { localStorage.setItem(name, value); } catch { /* not stored */ } };
  const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

  // Before the first paint, so that no wrong theme flashes up.
  const THEMES = ["system", "light", "dark"];
  let theme = THEMES.includes(stored("theme")) ? stored("theme") : "system";
  const applyTheme = () => {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  applyTheme();

  document.addEventListener("DOMContentLoaded", () => {
    startTheme();
    startCopying();
    startKeys();
    startLive();
  });

  function startTheme() {
    const button = find("theme");
    const show = () => { button.textContent = `Theme: ${theme}`; };
    button.hidden = false;
    show();
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      store("theme", theme);
      applyTheme();
      show();
    });
  }

  function startCopying() {
    showCopyButtons();
    document.addEventListener("click", async (event) => {
      const button = event.target.closest("[data-copy]");
      if (!button) return;
      const source = find(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
        say(button, "Copied");
      } catch {
        getSelection().selectAllChildren(source);
        say(button, "Selected: press Ctrl+C");
      }
    });
  }

  function showCopyButtons() {
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  }

  function say(button, text) {
    button.textContent = text;
    announce(text);
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }

  function announce(text) {
    find("news").textContent = text;
  }

  function startKeys() {
    const help = find("help");
    const box = find("keys");
    box.checked = stored("keys") !== "off";
    box.addEventListener("change", () => store("keys", box.checked ? "on" : "off"));
    find("help-button").hidden = false;
    find("help-button").addEventListener("click", () => help.showModal());

    const rows = () => [...document.querySelectorAll("#live a.row")].filter((row) => row.offsetParent);
    const move = (by) => {
      const all = rows();
      const here = all.findIndex((row) => row === document.activeElement || row.closest("tr, li").contains(document.activeElement));
      const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + by, 0), all.length - 1);
      all[next]?.focus();
    };
    const actions = {
      j: () => move(1),
      k: () => move(-1),
      p: () => find("pause").click(),
      "/": () => find("filter")?.select(),
      "?": () => help.showModal(),
    };

    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
      const at = event.target;
      const types = at.matches("input, select, textarea");
      if (event.key === "Escape") {
        if (types) at.blur();
        else if (location.pathname !== "/") location.assign(document.body.dataset.back);
        return;
      }
      if (types) return;
      // Arrows scroll, unless one is among the rows already.
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (!at.matches("a.row") && at !== document.body) return;
        move(event.key === "ArrowDown" ? 1 : -1);
        event.preventDefault();
        return;
      }
      if (!box.checked) return;
      if (/^[1-5]$/.test(event.key)) document.querySelectorAll("header nav a")[event.key - 1].click();
      else if (Object.hasOwn(actions, event.key)) actions[event.key]();
      else return;
      event.preventDefault();
    });
  }

  function startLive() {
    const live = find("live");
    const state = find("state");
    const pause = find("pause");
    let etag = live.dataset.etag;
    let paused = false;
    let failures = 0;
    let timer = 0;
    const clock = () => new Date().toISOString().slice(11, 19);
    const showStatus = (text, lost = false) => {
      state.textContent = text;
      state.classList.toggle("lost", lost);
    };
    const later = () => {
      clearTimeout(timer);
      if (!paused && !document.hidden) timer = setTimeout(look, Math.min(EVERY * 2 ** failures, MOST));
    };

    async function look() {
      try {
        const headers = { "X-Console-Part": "live", "If-None-Match": etag };
        const reply = await fetch(location.href, { headers, cache: "no-store", signal: AbortSignal.timeout(10000) });
        if (reply.status === 404) {
          showStatus("This is no longer there.", true);
          announce("This is no longer there.");
          return;
        }
        if (reply.status !== 304) {
          if (!reply.ok) throw new Error(`status ${reply.status}`);
          const html = await reply.text();
          // Whoever is marking text wants to copy it: the news can wait.
          if (isMarking()) return later();
          etag = reply.headers.get("ETag");
          replace(html);
        }
        if (failures) announce("The control plane answers again.");
        failures = 0;
        showStatus(`Live · ${clock()}`);
      } catch {
        if (!failures) announce("The control plane does not answer.");
        failures += 1;
        showStatus(`No answer since ${clock()}; what is shown may be old`, true);
      }
      later();
    }

    function isMarking() {
      const marked = getSelection();
      return !marked.isCollapsed && live.contains(marked.anchorNode);
    }

    function replace(html) {
      const focused = live.contains(document.activeElement) ? document.activeElement : null;
      const place = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.getAttribute("href") && `a[href="${CSS.escape(focused.getAttribute("href"))}"]`);
      const scrolled = [...live.querySelectorAll(".scroll, pre")].map((box) => [box.scrollLeft, box.scrollTop]);
      const before = new Set([...live.querySelectorAll("a.row")].map((row) => row.id));
      const summary = find("summary")?.textContent;
      live.innerHTML = html;
      live.querySelectorAll(".scroll, pre").forEach((box, at) => {
        if (scrolled[at]) [box.scrollLeft, box.scrollTop] = scrolled[at];
      });
      for (const row of live.querySelectorAll("tbody a.row")) {
        if (before.size && !before.has(row.id)) row.closest("tr").classList.add("new");
      }
      showCopyButtons();
      if (place) live.querySelector(place)?.focus({ preventScroll: true });
      const now = find("summary")?.textContent;
      if (now && now !== summary) announce(now);
    }

    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      showStatus(paused ? `Paused · ${clock()}` : "Live");
      announce(paused ? "Paused" : "Live");
      if (paused) clearTimeout(timer);
      else look();
    });
    document.addEventListener("visibilitychange", () => (document.hidden || paused ? clearTimeout(timer) : look()));
    showStatus("Live");
    later();
  }
})();
