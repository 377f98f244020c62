// Swagger's list calls itself the page's main part; it stands within ours, and a page has one.
"use strict";

(() => {
  const place = document.getElementById("swagger-ui");
  const demote = () => place.querySelectorAll("main:not([role])").forEach((part) => part.setAttribute("role", "group"));
  new MutationObserver(demote).observe(place, { childList: true, subtree: true });
})();
