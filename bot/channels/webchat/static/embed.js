/* One line puts the chat into another page: a round button, and the page in a frame. Nothing of the other page is read. */
(function () {
  "use strict";
  var words = {{words}};
  var script = document.currentScript;
  if (!script || window.posbot) return;
  var base = script.src.replace(/embed\.js.*$/, "");
  var origin = new URL(base).origin;
  var merchant = script.getAttribute("data-merchant");
  var small = window.matchMedia("(max-width: 640px), (max-height: 560px)");
  var frame = null, open = false;

  function style(element, rules) {
    for (var name in rules) element.style.setProperty(name, rules[name], "important");
  }

  /* Drawn here: the other page may forbid our pictures. */
  function draw(tag, attributes, children) {
    var drawn = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (var name in attributes) drawn.setAttribute(name, attributes[name]);
    children.forEach(function (child) { drawn.appendChild(child); });
    return drawn;
  }

  var button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", words.open);
  style(button, {
    "all": "initial", "position": "fixed", "right": "max(18px, env(safe-area-inset-right))", "bottom": "max(18px, env(safe-area-inset-bottom))",
    "width": "58px", "height": "58px", "border-radius": "20px", "cursor": "pointer", "z-index": "2147483000", "overflow": "hidden",
    "box-shadow": "0 4px 16px rgba(0,0,0,.24)", "background": "#1f6f5c"
  });
  button.appendChild(draw("svg", { "viewBox": "0 0 48 48", "width": "58", "height": "58", "aria-hidden": "true" }, [
    draw("path", { "fill": "#fff", "d": "M14 11h20a4 4 0 0 1 4 4v13a4 4 0 0 1-4 4H24l-7 6v-6h-3a4 4 0 0 1-4-4V15a4 4 0 0 1 4-4z" }, []),
    draw("path", { "fill": "none", "stroke": "#1f6f5c", "stroke-width": "3", "stroke-linecap": "round", "d": "M16 18h16M16 25h9" }, [])
  ]));
  var dot = document.createElement("span");
  style(dot, {
    "position": "absolute", "top": "8px", "right": "8px", "width": "12px", "height": "12px", "border-radius": "50%", "background": "#e5484d",
    "box-shadow": "0 0 0 2px #fff", "display": "none"
  });
  button.appendChild(dot);
  button.addEventListener("focus", function () { style(button, { "outline": "3px solid #7ccbb1" }); });
  button.addEventListener("blur", function () { style(button, { "outline": "none" }); });

  function make() {
    frame = document.createElement("iframe");
    frame.title = words.open;
    frame.referrerPolicy = "no-referrer";
    frame.src = base + (merchant ? "#merchant=" + encodeURIComponent(merchant) : "");
    document.body.appendChild(frame);
  }

  function lay() {
    if (!frame) return;
    style(frame, {
      "all": "initial", "position": "fixed", "z-index": "2147483001", "border": "0", "background": "#f6f3ee", "display": open ? "block" : "none",
      "right": small.matches ? "0" : "18px", "bottom": small.matches ? "0" : "88px", "width": small.matches ? "100%" : "392px",
      "height": small.matches ? "100%" : "min(680px, calc(100vh - 108px))", "border-radius": small.matches ? "0" : "20px",
      "box-shadow": "0 12px 40px rgba(0,0,0,.28)"
    });
  }

  function show(wanted) {
    open = wanted;
    if (open && !frame) make();
    lay();
    if (open) unread(false);
    button.setAttribute("aria-expanded", String(open));
    button.setAttribute("aria-label", open ? words.close : words.open);
    if (open) frame.focus(); else button.focus();
  }

  function unread(is) {
    style(dot, { "display": is ? "block" : "none" });
    if (is) button.setAttribute("aria-label", words.unread);
  }

  button.addEventListener("click", function () { show(!open); });
  window.addEventListener("message", function (event) {
    if (!frame || event.source !== frame.contentWindow || event.origin !== origin) return;
    if (event.data === "posbot:close") show(false);
    if (event.data === "posbot:unread" && !open) unread(true);
  });
  window.addEventListener("keydown", function (event) { if (event.key === "Escape" && open) show(false); });
  if (small.addListener) small.addListener(lay);
  function start() { document.body.appendChild(button); }
  if (document.body) start(); else document.addEventListener("DOMContentLoaded", start);
  window.posbot = { open: function () { show(true); }, close: function () { show(false); } };
})();
