// What pages of the console do besides htmx: ask before what cannot be undone, copy, close menus, say when something failed.
"use strict";
(() => {
  const menus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
    const copy = event.target.closest("[data-copy]");
    if (copy) void copied(copy);
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
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      say(button.dataset.copied);
    } catch {
      window.getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    }
  }
  if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;

  let toast, timer;
  function say(text) {
    if (!toast) {
      toast = document.createElement("p");
      toast.className = "toast";
      toast.setAttribute("role", "status");
      document.body.append(toast);
    }
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(() => { toast.hidden = true; }, 6000);
  }
  document.addEventListener("htmx:responseError", (event) => {
    const response = event.detail.xhr;
    if (!response.getResponseHeader("HX-Redirect")) say(response.getResponseHeader("Content-Type")?.startsWith("text/plain") ? response.responseText.trim() : document.body.dataset.offline);
  });
  document.addEventListener("htmx:sendError", () => say(document.body.dataset.offline));
  const done = new URL(location.href);
  if (done.searchParams.has("done")) { // told once, not again with each reload
    done.searchParams.delete("done");
    history.replaceState(history.state, "", done);
  }
})();
