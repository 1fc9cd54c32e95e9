/* The web chat. What it says to people comes from #words; what it says to the server stands in the head of the package. */
(function () {
  "use strict";

  const el = (id) => document.getElementById(id);
  const words = JSON.parse(el("words").textContent);
  const say = (key, values) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const root = document.documentElement;
  const log = el("log"), lines = el("lines"), unsent = el("unsent"), typing = el("typing"), text = el("text"), file = el("file");
  const embedded = window.top !== window;
  const HUMAN = "human", SECOND = 1000, GAP = 5 * 60 * SECOND, WEEK = 7 * 24 * 3600 * SECOND, MOST_SHOWN = 400, LATER = 3 * SECOND;

  /* ---- What is remembered: in the browser's storage, or as long as the page lives where that is forbidden. ---- */

  function storage(name) {
    const memory = {};
    return {
      get(key) { try { return window[name].getItem(key); } catch (e) { return memory[key] || null; } },
      set(key, value) { try { window[name].setItem(key, value); } catch (e) { memory[key] = value; } },
      drop(key) { try { window[name].removeItem(key); } catch (e) { /* forbidden */ } delete memory[key]; },
      keys(prefix) {
        let all = Object.keys(memory);
        try { all = all.concat(Object.keys(window[name])); } catch (e) { /* forbidden */ }
        return all.filter((key) => key.indexOf(prefix) === 0);
      },
    };
  }
  const kept = storage("localStorage"), tab = storage("sessionStorage");

  /* ---- Calls: each says who is there, has an end, and fails with what can be done about it. ---- */

  let bearer = embedded || !navigator.cookieEnabled;
  let identity = (/[#&]merchant=([\w.%~-]+)/.exec(location.hash) || [])[1];
  if (identity) history.replaceState(null, "", location.pathname + location.search);
  let visitor = null, identified = false, opening = null, token = null, welcome = { bubbles: [] };

  class Failure extends Error {
    /* status 0: nobody answered. */
    constructor(status, message, wait) { super(message); this.status = status; this.wait = wait || 0; }
    get final() { return this.status >= 400 && this.status < 500 && [401, 408, 429].indexOf(this.status) < 0; }
  }

  function request(path, options, seconds) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), seconds * SECOND);
    const headers = Object.assign({}, options.headers);
    const shown = bearer && (token || kept.get("posbot.token"));
    if (shown) headers.Authorization = "Bearer " + shown;
    const credentials = embedded ? "omit" : "same-origin";
    const sent = fetch(path, Object.assign({ credentials, cache: "no-store", signal: abort.signal }, options, { headers }));
    return { abort, timer, sent: sent.catch(() => { throw new Failure(0, "unreachable"); }) };
  }

  async function failed(response) {
    let problem = {};
    try { problem = await response.json(); } catch (e) { /* a proxy's page */ }
    const failure = new Failure(response.status, problem.message || String(response.status), Number(response.headers.get("Retry-After")));
    failure.code = problem.error;
    return failure;
  }

  async function raw(path, options, seconds, read) {
    const asked = request(path, options, seconds);
    try {
      const response = await asked.sent;
      if (!response.ok) throw await failed(response);
      return await (read ? read(response) : response.json());
    } catch (error) {
      throw error instanceof Failure ? error : new Failure(0, String(error));
    } finally {
      clearTimeout(asked.timer);
    }
  }

  /* As `raw`, for who has a session; one that is not good any more is renewed once. */
  async function call(path, options, seconds, read) {
    await session();
    try {
      return await raw(path, options, seconds, read);
    } catch (error) {
      if (error.status !== 401) throw error;
      await renewed();
      return raw(path, options, seconds, read);
    }
  }

  const post = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

  function session() {
    if (!opening) opening = open().catch((error) => { opening = null; throw error; });
    return opening;
  }

  async function renewed() {
    if (identified) { expired(); throw new Failure(401, "expired", 3600); }
    opening = null;
    await session();
  }

  async function open() {
    const stored = kept.get("posbot.token");
    let answer;
    try {
      answer = await raw("chat/session", post(identity ? { merchant: identity } : {}), 15);
    } catch (error) {
      if (!identity || error.status !== 401) throw error;
      identity = null;
      notice(say("unknown-merchant"));
      return open();
    }
    identity = null;
    identified = answer.identified;
    welcome = answer.welcome;
    el("telegram").hidden = !answer.telegram;
    if (answer.token) {
      if (visitor && !embedded) bearer = true; /* the cookie did not stay */
      remember(answer.token, stored);
    }
    if (visitor === answer.visitor) return;
    if (visitor) wipe();
    visitor = answer.visitor;
    greet();
    restore();
  }

  /* For a merchant the other site vouches each time. Of two tabs that come at once, the first one's token is both's. */
  function remember(given, stored) {
    token = given;
    if (!bearer || identified) return;
    if (kept.get("posbot.token") === stored) kept.set("posbot.token", given);
    else token = null;
  }

  /* The cookie is another one than this tab thought: another tab was faster, or deleted everything. */
  function check(mark) {
    if (mark === visitor || !visitor) return;
    opening = null;
    interrupt();
  }

  /* ---- Drawing. ---- */

  let last = 0, conversation, labels = {}, newest = 0, begun = false, wiped = 0;
  const mine = {};

  function make(tag, kind, content) {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    if (content !== undefined) made.textContent = content;
    return made;
  }

  function clock(at) {
    const day = new Date(at), today = new Date(), two = (n) => (n < 10 ? "0" : "") + n;
    const time = two(day.getHours()) + ":" + two(day.getMinutes());
    const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / (24 * 3600 * SECOND));
    return say(days === 0 ? "today" : days === 1 ? "yesterday" : "day", { time, month: day.getMonth() + 1, day: day.getDate() });
  }

  /* The telephone numbers that knowledge gives can be tapped. */
  function spoken(bubble, content) {
    content.split(/((?:^|\D)(?:95\d{3}|110|400-?\d{3}-?\d{4})(?!\d))/).forEach((part, place) => {
      const found = place % 2 && /^(\D?)([\d-]+)$/.exec(part);
      if (!found) { bubble.appendChild(document.createTextNode(part)); return; }
      bubble.appendChild(document.createTextNode(found[1]));
      const link = make("a", "", found[2]);
      link.href = "tel:" + found[2];
      bubble.appendChild(link);
    });
    return bubble;
  }

  function draw(line) {
    const me = line.side === "merchant";
    const drawn = make("div", "line " + (me ? "me" : line.side));
    if (line.side === "staff") drawn.appendChild(make("div", "who", say("staff")));
    else drawn.appendChild(make("span", "unseen", say(me ? "me" : "bot")));
    if (line.photo) drawn.appendChild(picture(line));
    const bubbles = line.bubbles || [line.choice ? line.label || labels[line.choice] || say("tapped") : line.text || ""];
    bubbles.filter(Boolean).forEach((bubble) => drawn.appendChild(me ? make("div", "bubble", bubble) : spoken(make("div", "bubble"), bubble)));
    if (line.choices && line.choices.length) drawn.appendChild(choices(line.choices));
    return drawn;
  }

  function choices(offered) {
    const row = make("div", "choices");
    offered.forEach((choice) => {
      labels[choice.id] = choice.label;
      const button = make("button", "", choice.label);
      button.type = "button";
      button.dataset.choice = choice.id;
      button.addEventListener("click", (event) => tap(choice.id, choice.label, event));
      row.appendChild(button);
    });
    return row;
  }

  /* Only what stands last can be tapped; what was tapped stays to be seen. */
  function retire() {
    const open = !unsent.firstChild && lines.lastElementChild;
    Array.prototype.forEach.call(log.querySelectorAll(".choices"), (row) => {
      const old = row.parentNode !== open;
      if (row.dataset.old === String(old)) return;
      row.dataset.old = old;
      Array.prototype.forEach.call(row.children, (button) => { button.disabled = old; });
    });
  }

  function pick(choice, within) {
    const rows = (within || lines).querySelectorAll(".choices"), row = rows[rows.length - 1];
    if (row) Array.prototype.forEach.call(row.children, (button) => { if (button.dataset.choice === choice) button.classList.add("picked"); });
  }

  function picture(line) {
    const frame = make("button", "picture"), note = make("span", "", "…");
    frame.type = "button";
    frame.appendChild(note);
    const show = (url) => {
      const image = make("img");
      image.alt = say("photo");
      image.onload = follow;
      image.src = url;
      frame.replaceChild(image, frame.firstChild);
      frame.addEventListener("click", () => zoom(url, frame));
    };
    if (line.url) show(line.url);
    else call("chat/photo/" + line.photo, {}, 60, (response) => response.blob()).then((blob) => show(URL.createObjectURL(blob)), () => { note.textContent = say("photo-gone"); });
    return frame;
  }

  /* ---- What was said before: the page begins with the last lines, and goes back when somebody looks. ---- */

  const earlier = el("earlier"), EVERYTHING = "999999999999999999";
  let looking = false;

  const oldest = () => lines.querySelector("[data-line]");

  /* The last lines of all; then the stream goes on after them. */
  async function begin() {
    const found = await call("chat/messages?before=" + EVERYTHING, {}, 15);
    same(found);
    found.lines.forEach((line) => add(line, false));
    earlier.hidden = !found.more;
    begun = true;
  }

  async function lookBack() {
    const first = oldest();
    if (looking || earlier.hidden || !first) return;
    looking = true;
    try {
      const found = await call("chat/messages?before=" + first.dataset.line, {}, 15);
      const gone = conversation && found.conversation !== conversation;
      same(found);
      if (gone || !first.parentNode) return;
      const drawn = past(found.lines), end = log.scrollHeight - log.scrollTop;
      lines.insertBefore(drawn, first.previousElementSibling && first.previousElementSibling.classList.contains("time") ? first.previousElementSibling : first);
      earlier.hidden = !found.more;
      retire();
      log.scrollTop = log.scrollHeight - end;
    } catch (error) {
      /* it can be asked for again */
    } finally {
      looking = false;
    }
  }

  function past(found) {
    const drawn = document.createDocumentFragment(), until = newest;
    newest = 0;
    found.forEach((line) => {
      if (line.choice) pick(line.choice, drawn);
      stamp(drawn, line.at);
      drawn.appendChild(draw(line)).dataset.line = line.id;
    });
    newest = until;
    return drawn;
  }

  earlier.addEventListener("click", lookBack);

  function stamp(place, at) {
    if (at - newest > GAP) place.appendChild(make("div", "time", clock(at)));
    newest = Math.max(newest, at);
  }

  function notice(message) { lines.appendChild(make("div", "notice", message)); follow(); }

  function greet() {
    if (!welcome.bubbles.length) return;
    lines.insertBefore(draw({ side: "bot", bubbles: welcome.bubbles, choices: welcome.choices }), lines.firstChild);
    retire();
  }

  /* A line of the server: new, or the one that was drawn when it was sent. Ids only grow. */
  function add(line, live) {
    if (line.id <= last) return;
    last = line.id;
    const sent = line.client_id && mine[line.client_id];
    if (line.choice) pick(line.choice);
    stamp(lines, line.at);
    let drawn = sent && sent.drawn;
    if (sent) { settle(sent, line); forget(line.client_id); } else drawn = draw(line);
    if (line.side !== "bot" || !anchor || Date.now() - came > LATER) anchor = drawn;
    came = Date.now();
    drawn.dataset.line = line.id;
    lines.appendChild(drawn);
    while (pinned && lines.children.length > MOST_SHOWN) {
      lines.removeChild(lines.firstChild);
      earlier.hidden = false;
    }
    retire();
    follow();
    if (line.side !== "merchant") { wait(false); if (live) heard(); }
  }

  /* What the server kept stands instead of what was written: card numbers are gone from it. */
  function settle(item, line) {
    const bubble = item.drawn.querySelector(".bubble");
    if (bubble && line.text !== undefined && !line.choice && line.text !== item.text.normalize("NFKC")) bubble.textContent = line.text;
    mark(item, "sent");
  }

  function heard() {
    if (embedded) window.parent.postMessage("posbot:unread", "*");
    if (!atEnd()) el("down").hidden = false;
  }

  let waiting = 0;
  function wait(is) {
    clearTimeout(waiting);
    typing.hidden = !is;
    if (is) { waiting = setTimeout(() => wait(false), 6 * SECOND); follow(); }
  }

  /* ---- Scrolling: who stands at the end stays there, who reads above is not moved. A long answer is shown from its beginning: what must not be done
     comes first; what comes later, or from somebody else, is no part of it. ---- */

  let pinned = true, anchor = null, came = 0;
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  log.addEventListener("scroll", () => {
    pinned = atEnd();
    if (pinned) el("down").hidden = true;
    if (log.scrollTop < 80 && !pinned) lookBack();
  }, { passive: true });
  function follow() {
    if (!pinned) return;
    const end = log.scrollHeight - log.clientHeight;
    const shown = anchor && anchor.parentNode === lines && !unsent.firstChild; /* with what it answers: all of it, or the end of a picture */
    log.scrollTop = shown ? Math.min(end, anchor.offsetTop + Math.max(0, anchor.offsetHeight - log.clientHeight * 0.3) - 10) : end;
  }
  function toEnd() { pinned = true; anchor = null; el("down").hidden = true; follow(); }
  el("down").addEventListener("click", () => { toEnd(); log.focus(); });

  function fit() {
    const seen = window.visualViewport;
    if (seen && seen.scale === 1) {
      root.style.setProperty("--height", seen.height + "px");
      if (window.pageYOffset) window.scrollTo(0, 0);
    }
    root.classList.toggle("typing", document.activeElement === text && (seen ? seen.height : window.innerHeight) < 520);
    follow();
  }
  if (window.visualViewport) window.visualViewport.addEventListener("resize", fit);
  window.addEventListener("resize", fit);

  /* ---- Sending: one after another, each until it is there; the same id again is the same message. ---- */

  const queue = [];
  let sending = false, tries = 0, again = 0, notBefore = 0;

  function id() {
    const random = crypto.getRandomValues(new Uint8Array(16));
    return Array.prototype.map.call(random, (byte) => (byte < 16 ? "0" : "") + byte.toString(16)).join("");
  }

  const place = (item) => "posbot.unsent." + visitor + "." + item.client_id;

  function enqueue(item) {
    item.client_id = item.client_id || id();
    item.at = item.at || Date.now();
    item.drawn = draw({ side: "merchant", text: item.text, choice: item.choice, label: item.label, photo: item.photo, url: item.url });
    item.state = item.drawn.appendChild(make("div", "state"));
    mine[item.client_id] = item;
    queue.push(item);
    keep(item);
    unsent.appendChild(item.drawn);
    if (item.choice) pick(item.choice);
    mark(item, "sending");
    retire();
    toEnd();
    pump();
  }

  /* Pictures are too big to be kept; that this tab had one is. */
  function keep(item) {
    if (!visitor) return;
    const { client_id, text, choice, label, at } = item;
    if (item.blob) tab.set(place(item), "photo");
    else kept.set(place(item), JSON.stringify({ client_id, text, choice, label, at }));
  }

  function forget(client_id) {
    [kept, tab].forEach((where) => where.drop(place({ client_id })));
    const found = queue.findIndex((item) => item.client_id === client_id);
    if (found >= 0) queue.splice(found, 1);
  }

  /* What another visit, or another tab, left unsent. */
  function restore() {
    queue.forEach(keep);
    const prefix = "posbot.unsent.", found = [];
    kept.keys(prefix).forEach((key) => {
      let item = null;
      try { item = JSON.parse(kept.get(key)); } catch (e) { /* not ours */ }
      if (!item || !(Date.now() - item.at < WEEK)) kept.drop(key);
      else if (key.indexOf(prefix + visitor + ".") === 0 && !mine[item.client_id]) found.push(item);
    });
    found.sort((a, b) => a.at - b.at).forEach(enqueue);
    const lost = tab.keys(prefix).filter((key) => !queue.some((item) => place(item) === key));
    lost.forEach(tab.drop);
    if (lost.length) notice(say("photo-lost"));
  }

  function mark(item, state, reason) {
    item.state.className = "state " + state + (state === "failed" || state === "refused" ? " bad" : "");
    item.state.textContent = say(state, { reason });
    if (state === "failed") offer(item, say("resend"), () => { tries = 0; queue.forEach((each) => mark(each, "sending")); pump(); });
    if (state === "refused") offer(item, say("remove"), () => { item.drawn.remove(); delete mine[item.client_id]; retire(); text.focus(); });
    follow();
  }

  function offer(item, label, act) {
    const button = make("button", "", label);
    button.type = "button";
    button.addEventListener("click", act);
    item.state.appendChild(button);
  }

  async function pump() {
    if (sending) return;
    sending = true;
    clearTimeout(again);
    try {
      await session();
      while (queue.length) await deliver(queue[0]);
      tries = 0;
    } catch (error) {
      retryLater(error);
    } finally {
      sending = false;
    }
  }

  async function deliver(item) {
    const before = wiped;
    try {
      const { client_id, text, choice } = item;
      const sent = item.blob ? call("chat/photo", { method: "POST", body: form(item) }, 150) : call("chat/messages", post(choice ? { client_id, choice } : { client_id, text }), 20);
      check((await sent).visitor);
    } catch (error) {
      if (!error.final) throw error;
      forget(item.client_id);
      mark(item, "refused", error.message);
      return;
    }
    forget(item.client_id);
    tries = 0;
    if (!item.drawn.parentNode || item.drawn.parentNode === lines) return; /* its line came first */
    if (wiped !== before) { item.drawn.remove(); delete mine[item.client_id]; return; } /* it was what deleted everything, or is drawn when its line comes */
    mark(item, "sent");
    wait(true);
  }

  function form(item) {
    const data = new FormData();
    data.append("client_id", item.client_id);
    if (item.text) data.append("caption", item.text);
    data.append("photo", item.blob, "photo.jpg");
    return data;
  }

  function retryLater(error) {
    tries += 1;
    const away = navigator.onLine === false;
    if (error.status === 429) queue.forEach((item) => mark(item, "sending"));
    else if (away) queue.forEach((item) => mark(item, "waiting"));
    else if (tries > 1 || error.status) queue.forEach((item) => mark(item, "failed"));
    notBefore = Date.now() + (error.wait || 0) * SECOND;
    again = setTimeout(pump, Math.max(error.wait || 0, Math.min(30, Math.pow(2, tries))) * SECOND);
  }

  function tap(choice, label, event) {
    if (Object.keys(mine).some((key) => mine[key].choice === choice && mine[key].drawn.parentNode === unsent)) return;
    enqueue({ choice, label });
    if (event.detail === 0) text.focus(); /* by keyboard: the button is gone now */
  }

  /* ---- Listening: a stream; where that is blocked, asking again and again. Both go on after the last line that was seen. ---- */

  const SILENT = 40, FIRST_BYTE = 8, BLOCKED = 5 * 60 * SECOND;
  let streamed = 0, pollUntil = 0, current = null, heardAt = 0, wake = null;

  const nap = (ms) => new Promise((resolve) => { const timer = setTimeout(resolve, ms); wake = () => { clearTimeout(timer); resolve(); }; });

  /* Begin the stream anew; that is not its fault. */
  function interrupt() { if (current) { streamed += 1; current.abort(); } }

  function kick() {
    if (wake) wake();
    if (Date.now() - heardAt > 20 * SECOND) interrupt();
    tries = 0;
    if (queue.length) { queue.forEach((item) => mark(item, "sending")); pump(); }
  }

  function status(name) {
    root.classList.toggle("online", name === "online");
    root.classList.toggle("offline", name === "offline");
    if (el("status").textContent !== say(name)) el("status").textContent = say(name);
  }

  function same(marks) {
    check(marks.visitor);
    const gone = conversation && marks.conversation !== conversation;
    if (gone) { wipe(); greet(); setTimeout(check, SECOND, null); } /* by then the tab that deleted has its new cookie */
    conversation = marks.conversation;
  }

  async function poll(seconds) {
    const found = await call("chat/messages?after=" + last + "&wait=" + seconds, {}, seconds + 15);
    same(found);
    found.lines.forEach((line) => add(line, log.getAttribute("aria-busy") === "false"));
    if (found.more) await poll(0);
  }

  function event(block) {
    const fields = { data: "", event: "" };
    block.split("\n").forEach((row) => {
      const colon = row.indexOf(":");
      if (colon > 0) fields[row.slice(0, colon)] = row.slice(colon + 1).trim();
    });
    if (!fields.data) return;
    if (fields.event === "conversation") same(JSON.parse(fields.data));
    else add(JSON.parse(fields.data), true);
  }

  async function stream() {
    const asked = request("chat/events?after=" + last, {}, FIRST_BYTE);
    let timer = asked.timer;
    current = asked.abort;
    try {
      const response = await asked.sent;
      if (!response.ok) throw await failed(response);
      const reader = response.body.getReader(), decoder = new TextDecoder();
      let rest = "", part;
      while (!(part = await reader.read()).done) {
        clearTimeout(timer);
        timer = setTimeout(() => asked.abort.abort(), SILENT * SECOND);
        heardAt = Date.now();
        streamed += 1;
        status("online");
        const blocks = (rest + decoder.decode(part.value, { stream: true })).split("\n\n");
        rest = blocks.pop();
        blocks.forEach(event);
      }
    } finally {
      clearTimeout(timer);
      current = null;
    }
  }

  /* A stream that brings nothing while asking works is blocked by somebody on the way. */
  async function tryStream() {
    const before = streamed, begun = Date.now();
    try {
      await stream();
    } catch (error) {
      if (error.status === 401) { await renewed(); return; }
      await poll(0);
    }
    if (streamed === before) pollUntil = Date.now() + BLOCKED;
    else if (Date.now() - begun < SECOND) await nap(SECOND);
  }

  async function listen() {
    const able = typeof ReadableStream === "function" && typeof TextDecoder === "function" && "body" in Response.prototype;
    let failures = 0;
    for (;;) {
      try {
        await session();
        if (!begun) { await begin(); log.setAttribute("aria-busy", "false"); toEnd(); }
        status("online");
        if (queue.length && Date.now() >= notBefore) pump();
        await (able && Date.now() >= pollUntil ? tryStream() : poll(25));
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures > 1 || navigator.onLine === false) status("offline");
        await nap(Math.max(error.wait || 0, Math.min(20, Math.pow(2, failures) * (0.5 + Math.random() / 2))) * SECOND);
      }
    }
  }

  window.addEventListener("online", kick);
  window.addEventListener("pageshow", kick);
  window.addEventListener("offline", () => status("offline"));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) kick(); });

  function expired() {
    status("offline");
    if (text.disabled) return;
    notice(say("expired"));
    text.disabled = el("send").disabled = el("photo").disabled = el("human").disabled = true;
    toEnd();
  }

  /* ---- Writing, photos. ---- */

  let chosen = null;

  function grow() {
    text.style.height = "";
    if (text.value && text.scrollHeight > text.clientHeight) text.style.height = text.scrollHeight + 2 + "px"; /* the style sheet says how high at most */
    follow();
  }

  function submit() {
    const written = text.value.trim();
    if (chosen) enqueue({ text: written || undefined, photo: "new", blob: chosen.blob, url: chosen.url });
    else if (written) enqueue({ text: written });
    else { text.focus(); return; }
    text.value = "";
    choose(null);
    grow();
  }

  el("form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  text.addEventListener("input", grow);
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  text.addEventListener("focus", () => setTimeout(fit, 300));
  text.addEventListener("blur", () => setTimeout(fit, 100));
  el("send").addEventListener("mousedown", (event) => event.preventDefault()); /* the keyboard stays */
  el("human").addEventListener("click", (event) => tap(HUMAN, el("human").textContent, { detail: 1 }));

  /* Smaller before it travels over a bad network, and as JPEG whatever the phone calls it; as it is where that does not work. */
  function smaller(original) {
    if (original.size < 1200000 && /^image\/(jpeg|png|webp)$/.test(original.type)) return Promise.resolve(original);
    return new Promise((resolve) => {
      const image = new Image(), url = URL.createObjectURL(original);
      const done = (blob) => { URL.revokeObjectURL(url); resolve(blob || original); };
      image.onerror = () => done(null);
      image.onload = () => {
        try {
          const scale = Math.min(1, 2048 / Math.max(image.naturalWidth, image.naturalHeight));
          const canvas = make("canvas");
          canvas.width = Math.round(image.naturalWidth * scale);
          canvas.height = Math.round(image.naturalHeight * scale);
          canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
          canvas.toBlob(done, "image/jpeg", 0.85);
        } catch (e) { done(null); }
      };
      image.src = url;
    });
  }

  async function choose(original) {
    const blob = original && await smaller(original);
    chosen = blob ? { blob, url: URL.createObjectURL(blob) } : null;
    el("preview").hidden = !chosen;
    if (chosen) { el("chosen").src = chosen.url; text.focus(); }
    file.value = "";
    fit();
  }

  el("photo").addEventListener("click", () => file.click());
  el("drop").addEventListener("click", () => { choose(null); text.focus(); });
  el("chosen").addEventListener("load", follow);
  file.addEventListener("change", () => { if (file.files[0]) choose(file.files[0]); });
  text.addEventListener("paste", (event) => {
    const pasted = event.clipboardData && Array.prototype.find.call(event.clipboardData.files, (each) => /^image\//.test(each.type));
    if (pasted) { event.preventDefault(); choose(pasted); }
  });

  /* ---- What covers the page: focus goes in, stays, and comes back. ---- */

  let covered = null;

  function cover(which, first, back) {
    covered = { which, back };
    which.hidden = false;
    first.focus();
  }

  function uncover() {
    if (!covered) return;
    covered.which.hidden = true;
    covered.back.focus();
    covered = null;
  }

  function zoom(url, back) { el("zoomed").src = url; cover(el("zoom"), el("zoom-close"), back); }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { if (covered) uncover(); else if (embedded) leave(); }
    if (event.key !== "Tab" || !covered) return;
    const inside = covered.which.querySelectorAll("button");
    const at = Array.prototype.indexOf.call(inside, document.activeElement);
    event.preventDefault();
    inside[(at + (event.shiftKey ? inside.length - 1 : 1)) % inside.length].focus();
  });
  el("zoom").addEventListener("click", uncover);

  /* What goes is told before anything does; for that it must be known whether a ticket is open. */
  el("delete").addEventListener("click", async () => {
    let answer;
    try {
      answer = await call("chat/delete-my-data", post({}), 20);
    } catch (error) {
      notice(say("delete-failed"));
      toEnd();
      return;
    }
    el("ask-open").hidden = !answer.open.length;
    el("ask-open").textContent = say("delete-open", { numbers: answer.open.join(" ") });
    cover(el("ask"), el("ask-no"), el("delete"));
  });
  el("ask-no").addEventListener("click", uncover);
  el("ask-yes").addEventListener("click", async () => {
    uncover();
    let answer;
    try {
      answer = await call("chat/delete-my-data", post({ confirm: true }), 20);
    } catch (error) {
      notice(say("delete-failed"));
      toEnd();
      return;
    }
    queue.splice(0).forEach((item) => forget(item.client_id));
    wipe();
    if (answer.token) { kept.drop("posbot.token"); remember(answer.token, null); }
    opening = visitor = null;
    await session().catch(() => null);
    notice(say("deleted"));
    interrupt();
  });

  /* The new tab is opened while the tap counts, before the answer is there: some browsers open none later. */
  el("telegram").addEventListener("click", async () => {
    const other = window.open("", "_blank");
    if (other) other.opener = null;
    try {
      const answer = await call("chat/telegram", post({}), 15);
      if (other) other.location = answer.url;
      else window.location.assign(answer.url);
    } catch (error) {
      if (other) other.close();
      notice(say("telegram-failed"));
      toEnd();
    }
  });

  /* Nothing of this chat is left on the page, but what is still to be sent. */
  function wipe() {
    Object.keys(mine).forEach((key) => { if (queue.indexOf(mine[key]) < 0) { mine[key].drawn.remove(); delete mine[key]; } });
    queue.forEach((item) => [kept, tab].forEach((where) => where.drop(place(item))));
    lines.textContent = "";
    last = newest = 0;
    begun = false;
    wiped += 1;
    earlier.hidden = true;
    conversation = undefined;
    wait(false);
  }

  function leave() { window.parent.postMessage("posbot:close", "*"); }
  if (embedded) {
    root.classList.add("embedded");
    el("close").hidden = false;
    el("close").addEventListener("click", leave);
  }
  typing.querySelector(".unseen").textContent = say("typing");
  fit();
  listen();
})();
