// What pages of the console do besides htmx: hear what has changed, keep what was typed, pictures, canned replies, keys, sound. Every part works by itself.
"use strict";
(() => {
  const body = document.body, all = (selector) => [...document.querySelectorAll(selector)], at = (id) => document.getElementById(id);
  const ticket = () => at("ticket-head")?.dataset.ticket;
  document.documentElement.classList.add("scripted");

  // A browser may refuse to store anything.
  const stored = (area) => ({
    get(key) { try { return window[area].getItem(key); } catch { return null; } },
    set(key, value) { try { window[area].setItem(key, value); } catch { /* it is only not remembered */ } },
    drop(wanted) { try { for (const key of Object.keys(window[area])) if (wanted(key)) window[area].removeItem(key); } catch { /* there is nothing */ } },
  });
  const tab = stored("sessionStorage"), browser = stored("localStorage");

  /* ---- Menus, copying, forms. ---- */
  const menus = () => all("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
    if (event.target.matches("dialog")) event.target.close();
    const copy = event.target.closest("[data-copy]"), open = event.target.closest("[data-open]"), pick = event.target.closest("[data-canned]");
    if (copy) void copied(copy);
    if (open) void show(open.dataset.open);
    if (pick) picked(pick);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) event.preventDefault();
    else if (form.method === "post" && !event.defaultPrevented && !form.hasAttribute("hx-post")) sendOnce(event);
    if (form.getAttribute("action") === "/console/logout") tab.drop((key) => key.startsWith("draft:"));
  });

  // A second tap on a slow network is no second form; a page that comes back from the browser's memory can be sent again.
  function sendOnce(event) {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  }
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  async function copied(button) {
    try {
      await navigator.clipboard.writeText(at(button.dataset.copy).textContent);
      say(button.dataset.copied);
    } catch {
      window.getSelection().selectAllChildren(at(button.dataset.copy));
    }
  }
  const offerCopies = () => { if (navigator.clipboard) for (const button of all("[data-copy]")) button.hidden = false; };

  let toast, timer;
  function say(text) {
    if (!toast) {
      toast = document.createElement("p");
      toast.className = "toast";
      toast.setAttribute("role", "status");
      body.append(toast);
    }
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(() => { toast.hidden = true; }, 6000);
  }
  const done = new URL(location.href);
  if (done.searchParams.has("done")) { // told once, not again with each reload
    done.searchParams.delete("done");
    history.replaceState(history.state, "", done);
  }

  /* ---- Parts of pages by htmx: what is shown already does not come again; an act that was refused is shown with its words. ---- */
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, headers, parameters } = event.detail;
    if (elt.dataset.mark) headers["X-Seen"] = elt.dataset.mark;
    if (elt.id === "lines") parameters.after = all("#lines [data-line]").at(-1)?.dataset.line ?? 0;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.detail.elt;
    if (!form.dataset.act) return;
    for (const each of form.querySelectorAll("[data-unsent]")) each.hidden = true;
    const box = form.querySelector("[data-attached]");
    if (box?.dataset.state === "sending") {
      event.preventDefault();
      say(box.dataset.sending);
    } else if (form.querySelector("[data-draft]")) sent.set(form, draft(form));
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { elt } = event.detail.requestConfig, status = event.detail.xhr.status, mark = event.detail.xhr.getResponseHeader("X-Mark");
    if (mark) elt.dataset.mark = mark;
    if (elt.dataset.act && (status === 409 || status === 422)) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.requestConfig.elt, status = event.detail.xhr.status; // by now the page may have another form in its place
    if (!form.dataset.act) return;
    if (status === 200) {
      if (sent.has(form)) keep(form, since(form));
      quieten();
      if (form.dataset.act === "reply") at("reply")?.querySelector("textarea").focus();
    } else if (status !== 401 && status !== 409 && status !== 422) {
      const unsent = form.querySelector("[data-unsent]");
      if (unsent) unsent.hidden = false;
    }
    if (!form.isConnected) goOn(form);
  });
  document.addEventListener("htmx:responseError", (event) => {
    const response = event.detail.xhr;
    if (!response.getResponseHeader("HX-Redirect")) say(response.getResponseHeader("Content-Type")?.startsWith("text/plain") ? response.responseText.trim() : body.dataset.offline);
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, () => say(body.dataset.offline));
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "main" || event.target.id === "lines") begin();
  });
  if (window.Idiomorph) Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, each) => !(name === "open" && each.localName === "details");

  // When something else can be done with the ticket than the page offers, it is shown anew, unless somebody is in the middle of something.
  function look() {
    const main = at("main"), possible = at("ticket-head")?.dataset.possible;
    if (possible === undefined) return;
    main.dataset.possible ??= possible;
    if (main.dataset.possible === possible) return;
    const busy = all("#main textarea, #main input:not([type=hidden])").some((field) => field.value !== field.defaultValue || field === document.activeElement);
    if (busy || document.querySelector("dialog[open], [data-state=sending], [data-state=failed]")) at("stale").hidden = false;
    else htmx.ajax("GET", location.pathname, { target: "#main", select: "#main", swap: "outerHTML", headers: { "X-Background": "yes" } });
  }
  // What a lead takes out while the page is open goes from it too.
  function takeOut() {
    const { redacted, redactedSaid } = at("ticket-head")?.dataset ?? {};
    for (const id of redacted?.split(" ").filter(Boolean) ?? []) {
      const line = at(`line-${id}`);
      if (!line || line.querySelector("[data-taken-out]")) continue;
      const said = document.createElement("p");
      Object.assign(said, { className: "soft", textContent: redactedSaid }).dataset.takenOut = "";
      line.replaceChildren(line.querySelector("header"), said);
    }
  }
  function begin() {
    offerCopies();
    restore();
    takeOut();
    look();
  }

  /* ---- The stream: it says that something has changed. Where none comes through, pages ask by themselves every ten seconds. ---- */
  let source = null, pause = 1000;
  function listen() {
    if (!body.dataset.live || !window.EventSource || source) return;
    source = new EventSource(body.dataset.live + (ticket() ? "?ticket=" + ticket() : ""));
    for (const kind of ["queue", "ticket"]) source.addEventListener(kind, () => htmx.trigger(body, "live:" + kind));
    source.addEventListener("urgent", (event) => warn(JSON.parse(event.data)));
    source.addEventListener("enough", rest);
    source.addEventListener("open", () => { pause = 1000; });
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      rest();
      setTimeout(listen, pause = Math.min(2 * pause, 60000));
    });
  }
  function rest() {
    source?.close();
    source = null;
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) listen(); });
  window.addEventListener("focus", listen);
  window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  window.addEventListener("pagehide", () => {
    rest();
    if (ticket()) tell("left");
  });
  if (body.dataset.urgent) setInterval(async () => {
    if (source?.readyState === 1) return;
    try {
      const response = await fetch(body.dataset.urgent);
      if (response.ok && !response.redirected) warn(await response.json());
    } catch { /* next time */ }
  }, 10000);

  /* ---- Urgent tickets that nobody has taken: title, icon, sound. ---- */
  const title = document.title, icon = document.querySelector("link[rel=icon]"), calm = icon?.href;
  function warn({ ids, text }) {
    document.title = ids.length ? `(${ids.length}) ${title}` : title;
    icon.href = ids.length ? body.dataset.alert : calm;
    if (at("urgent").textContent !== text) at("urgent").textContent = text;
    const known = JSON.parse(browser.get("urgent") ?? "null"); // of all tabs of this browser: one of them rings
    if (known && ids.some((id) => !known.includes(id))) ring();
    browser.set("urgent", JSON.stringify(ids));
  }
  let audio = null;
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => { // browsers allow no sound before
    if (!audio && window.AudioContext) audio = new AudioContext();
    if (audio?.state === "suspended") void audio.resume();
  });
  const isMuted = () => browser.get("muted") === "yes";
  function ring() {
    if (!audio || isMuted()) return;
    for (const [after, pitch] of [[0, 880], [0.2, 1175]]) {
      const tone = audio.createOscillator(), loud = audio.createGain(), from = audio.currentTime + after;
      tone.frequency.value = pitch;
      loud.gain.setValueAtTime(0.0001, from);
      loud.gain.exponentialRampToValueAtTime(0.2, from + 0.02);
      loud.gain.exponentialRampToValueAtTime(0.0001, from + 0.17);
      tone.connect(loud).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.18);
    }
  }
  const sound = at("sound");
  function showSound() {
    sound.textContent = isMuted() ? sound.dataset.off : sound.dataset.on;
    sound.setAttribute("aria-pressed", String(!isMuted()));
  }
  sound?.addEventListener("click", () => {
    browser.set("muted", isMuted() ? "no" : "yes");
    showSound();
    ring();
  });
  if (sound) showSound();

  /* ---- What is typed is kept in this tab until it was sent, and colleagues see that somebody types. ---- */
  const place = (form) => `draft:${body.dataset.login}:${ticket()}:${form.dataset.act}`;
  const draft = ({ elements: { text, photo, canned } }) => ({ text: text.value, photo: photo?.value ?? "", canned: canned?.value ?? "" });
  function keep(form, kept = draft(form)) {
    if (kept.text || kept.photo || kept.canned) tab.set(place(form), JSON.stringify(kept));
    else tab.drop((key) => key === place(form));
  }
  const sent = new WeakMap(); // what each form held when it went
  // What came into a form while it was on its way belongs to the next.
  function since(form) {
    const went = sent.get(form), now = draft(form);
    const isNew = now.photo !== went.photo || now.canned !== went.canned;
    return { text: now.text.startsWith(went.text) ? now.text.slice(went.text.length).trimStart() : now.text, photo: isNew ? now.photo : "", canned: isNew ? now.canned : "" };
  }
  let coming = null; // the box of the picture that was chosen last
  // The page has other forms now: they take over what was kept, and a picture that is still coming, whichever form was sent.
  function goOn(form) {
    if (coming?.dataset.state && !coming.isConnected) at("reply")?.querySelector("[data-attached]").replaceWith(coming);
    restore(document.querySelector(`form[data-act="${form.dataset.act}"]`));
  }
  function restore(taking) {
    for (const field of all("[data-draft]")) {
      const { form } = field, kept = JSON.parse(tab.get(place(form)) ?? "null");
      if (!kept || (field.value && form !== taking)) continue;
      field.value = kept.text;
      if (kept.photo || kept.canned) attach(form, kept);
    }
    for (const form of all("form[data-act=reply]")) if (form.querySelector("[data-attached]").hidden) attach(form, { photo: form.elements.photo.value, canned: form.elements.canned.value });
  }
  let typed = 0, quiet;
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-filter]")) sift(event.target);
    if (!event.target.matches("[data-draft]")) return;
    keep(event.target.form);
    if (!event.target.matches("[data-typing]")) return;
    if (Date.now() - typed > 3000) {
      typed = Date.now();
      tell("typing");
    }
    clearTimeout(quiet);
    quiet = setTimeout(quieten, 4000);
  });
  function quieten() {
    if (typed) tell("looking");
    typed = 0;
    clearTimeout(quiet);
  }
  function tell(state) {
    void fetch(`/console/tickets/${ticket()}/presence`, { method: "POST", headers: token(), body: new URLSearchParams({ state }), keepalive: true }).catch(() => {});
  }
  const token = () => JSON.parse(body.getAttribute("hx-headers"));

  /* ---- Canned replies. ---- */
  async function show(id) {
    const dialog = at(id);
    if (!dialog || dialog.open) return;
    if (dialog.dataset.from && !dialog.childElementCount) await htmx.ajax("GET", dialog.dataset.from, { target: dialog, swap: "innerHTML" });
    dialog.showModal();
    const search = dialog.querySelector("[data-filter]");
    if (search) {
      search.value = "";
      sift(search);
      search.focus();
    }
  }
  const picks = () => all("#canned-list li:not([hidden]) .pick");
  function sift(search) {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of all(`#${search.dataset.filter} li`)) item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
    search.closest("dialog").querySelector("[data-none]").hidden = picks().length > 0;
  }
  function picked(pick) {
    const form = at("reply").querySelector("form"), area = form.elements.text;
    if (area.value.trim()) area.setRangeText(pick.dataset.text, area.selectionStart, area.selectionEnd, "end");
    else area.value = pick.dataset.text;
    if (pick.dataset.image) attach(form, { canned: pick.dataset.canned });
    pick.closest("dialog").close();
    area.focus();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  document.addEventListener("keydown", (event) => {
    const dialog = event.target.closest?.("#canned");
    if (!dialog || event.isComposing) return;
    const found = picks(), place = found.indexOf(document.activeElement);
    const wanted = { ArrowDown: found[place + 1], ArrowUp: found[place - 1] ?? dialog.querySelector("[data-filter]") }[event.key];
    if (event.key === "Enter" && event.target.matches("[data-filter]")) {
      event.preventDefault();
      if (found[0]) picked(found[0]);
    } else if (wanted) {
      event.preventDefault();
      wanted.focus();
    }
  });

  /* ---- A picture that goes with the reply: chosen, pasted or dropped; or that of a canned reply. ---- */
  function attach(form, { photo = "", canned = "" }) {
    const box = form.querySelector("[data-attached]");
    form.elements.photo.value = photo;
    form.elements.canned.value = photo ? "" : canned;
    box.dataset.state = "";
    box.replaceChildren();
    box.hidden = !photo && !canned;
    if (!box.hidden) {
      const image = document.createElement("img");
      image.alt = box.dataset.alt;
      image.src = photo ? `/console/tickets/${ticket()}/photo/${photo}` : `/console/canned/${canned}/image`;
      box.append(image, button(box.dataset.remove, () => attach(form, {})));
    }
    keep(form);
  }
  function button(label, press) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button small";
    made.textContent = label;
    made.addEventListener("click", press);
    return made;
  }
  async function upload(box, file, id) {
    const data = new FormData(), note = document.createElement("p");
    data.append("client_id", id);
    data.append("photo", file, "photo");
    note.textContent = box.dataset.sending;
    note.setAttribute("role", "status");
    box.replaceChildren(note);
    box.hidden = false;
    box.dataset.state = "sending";
    coming = box;
    try {
      const response = await fetch(box.dataset.upload, { method: "POST", headers: token(), body: data });
      const told = await response.json();
      if (response.ok) return attach(box.closest("form"), { photo: told.photo });
      note.textContent = told.message;
    } catch {
      note.textContent = box.dataset.failed;
      box.append(button(box.dataset.again, () => void upload(box, file, id)));
    }
    box.dataset.state = "failed";
    box.append(button(box.dataset.remove, () => attach(box.closest("form"), {})));
  }
  function take(files) {
    const box = at("reply")?.querySelector("[data-attached]"), file = [...files ?? []].find((each) => each.type.startsWith("image/"));
    if (!box || !file) return false;
    void upload(box, file, [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    return true;
  }
  document.addEventListener("change", (event) => {
    if (event.target.id === "photo-file" && take(event.target.files)) event.target.value = "";
    if (event.target.id === "keys-on") browser.set("keys", event.target.checked ? "yes" : "no");
  });
  document.addEventListener("paste", (event) => { if (event.target.closest?.("#reply") && take(event.clipboardData?.files)) event.preventDefault(); });
  document.addEventListener("dragover", (event) => { if (event.target.closest?.("#reply")) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!event.target.closest?.("#reply") || !event.dataTransfer.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });

  /* ---- Keys. Never while somebody writes, never with Ctrl, Alt or the command key: those are the browser's. ---- */
  if (at("keys-on")) at("keys-on").checked = browser.get("keys") !== "no";
  const press = (act) => document.querySelector(`form[data-act="${act}"]`)?.requestSubmit();
  function step(by) {
    const links = all("a.row-link, .hit a"), now = links.indexOf(document.activeElement);
    links[now < 0 ? (by > 0 ? 0 : links.length - 1) : now + by]?.focus();
  }
  const write = (id) => at(id)?.querySelector("textarea")?.focus();
  function solve() {
    const form = document.querySelector('form[data-act="solve"]');
    if (!form) return;
    form.closest("details").open = true;
    form.querySelector("select").focus();
  }
  const does = {
    j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), t: () => press("take"), r: () => write("reply"), n: () => write("note"),
    c: () => void show("canned"), s: solve, "/": () => location.assign("/console/search"), "?": () => void show("keys"),
  };
  let before = 0;
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (key === "Enter" && (event.ctrlKey || event.metaKey) && target.matches("form[data-act] textarea") && !event.isComposing) {
      event.preventDefault();
      target.form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || target.closest("input, textarea, select, dialog") || !body.dataset.live) return;
    if (browser.get("keys") === "no" && key !== "?") return;
    if (key.startsWith("Arrow") && !at("list")) return; // they move the page
    const went = before;
    before = key === "g" ? event.timeStamp : 0;
    if (key === "q" && event.timeStamp - went < 1500) location.assign("/console/queue");
    else if (does[key]) {
      event.preventDefault();
      does[key]();
    }
  });

  begin();
  listen();
})();
