// For pages whose <html> the portal does not write (the admin): the chosen colours, before the first paint.
"use strict";

{
  const choice = document.cookie.split("; ").find((part) => part.startsWith("theme="))?.slice(6);
  document.documentElement.dataset.theme = choice === "light" || choice === "dark" ? choice : "auto";
}
