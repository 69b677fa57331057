"""The two pages of the gate: signing in, and waiting for an editor that restarts; they fetch nothing."""

from __future__ import annotations

import base64
import hashlib

PREFIX = "/.gitsession/"
SIGN_IN = f"{PREFIX}sign-in"
SIGNED_IN = f"{PREFIX}signed-in"
RELOAD_SCRIPT = f"{PREFIX}reload.js"

_STYLE = """
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --text: #1c2128; --faint: #59636e;
  --line: #d1d9e0; --accent: #0969da; --on: #fff; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --card: #161b22; --text: #e6edf3;
  --faint: #9198a1; --line: #30363d; --accent: #4493f8; --on: #0d1117;
  --bad: #ff8f87 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 25rem; padding: 1.75rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px }
h1 { margin: 0 0 .5rem; font-size: 1.2rem }
p { margin: .5rem 0 0; color: var(--faint) }
code { color: var(--text); overflow-wrap: anywhere }
form { margin-top: 1.25rem; display: grid; gap: .75rem }
input, button { width: 100%; min-height: 44px; padding: 0 .75rem; font: inherit; border-radius: 8px }
input { border: 1px solid var(--line); background: var(--back); color: var(--text) }
::placeholder { color: var(--faint); opacity: 1 }
button { border: 0; background: var(--accent); color: var(--on); font-weight: 600; cursor: pointer }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
[hidden] { display: none }
.bad { color: var(--bad) }
"""

_SCRIPT = """
"use strict";
const say = (title, text, bad) => {
  document.querySelector("h1").textContent = title;
  const line = document.getElementById("line");
  line.textContent = text;
  line.className = bad ? "bad" : "";
};
const post = (body) => fetch("/.gitsession/sign-in", {
  method: "POST", credentials: "same-origin", headers: {"Content-Type": "application/json"},
  body: JSON.stringify(body) });
const enter = () => location.replace("/");
const ask = () => {
  document.getElementById("how").hidden = false;
  const form = document.querySelector("form");
  form.hidden = form.dataset.password !== "yes";
  if (!form.hidden) form.password.focus();
};
const refused = async (answer) => {
  if (answer.status === 429) return say("Too many tries", "Wait a minute, then try again.", true);
  say("Not signed in", "That did not open the door: a link works once, for ten minutes.", true);
  ask();
};
const attempt = async (body) => {
  try {
    const answer = await post(body);
    return answer.ok ? enter() : refused(answer);
  } catch (error) {
    say("No answer", "The editor's gate does not answer. Reload to try again.", true);
  }
};
const start = async () => {
  const ticket = new URLSearchParams(location.hash.slice(1)).get("ticket");
  if (location.hash) history.replaceState(null, "", location.pathname);
  if (ticket) return attempt({ticket});
  const known = await fetch("/.gitsession/signed-in", {credentials: "same-origin"});
  if (known.ok) return enter();
  say("Sign in", "This is the editor of a gitsession.", false);
  ask();
};
document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt({password: event.target.password.value});
});
start();
"""

_SIGN_IN = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>gitsession</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<style>{style}</style></head>
<body><main><h1>Signing in…</h1><p id="line" role="status"></p>
<form hidden data-password="{password}"><input name="password" type="password" aria-label="Password"
 placeholder="Password" autocomplete="current-password" required><button>Open the editor</button></form>
<p id="how" hidden>A fresh link: the button “Open the editor” below the card in the notebook,
 <code>session.url</code> in a cell, or <code>gitsession attach</code> in a terminal.</p>
<noscript><p class="bad">Signing in needs JavaScript, and so does the editor.</p></noscript>
</main><script>{script}</script></body></html>
"""

_WAITING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>gitsession</title><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>
<body><main><h1>One moment</h1><p role="status">What stands behind this page is starting. The page reloads by
 itself; your files are not touched.</p></main></body></html>
"""


RELOAD = """
"use strict";
(() => {
  const Plain = window.WebSocket;
  const question = () => [...document.querySelectorAll(".monaco-dialog-box .monaco-button")]
    .find((button) => button.textContent.trim() === "Reload Window");
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    for (let left = 120; left > 0; left -= 1) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const button = question();
      const answer = button && await fetch("/healthz").catch(() => null);
      if (answer && answer.ok) { button.click(); break; }
    }
    looking = false;
  };
  window.WebSocket = class extends Plain {
    constructor(...given) { super(...given); this.addEventListener("close", look); }
  };
})();
"""
RELOAD_TAG = f'<script src="{RELOAD_SCRIPT}"></script>'.encode()  # in an editor's page, see `RELOAD`
# A restarted server knows none of the old connections, and VS Code then asks for a click on "Reload Window".
# The script gives that click once the server answers; a plain reload would skip VS Code's backup of buffers.


def _source(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_source(_STYLE)}; script-src {_source(_SCRIPT)}; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def sign_in(*, password: bool) -> str:
    """The page that trades the ticket in the link's fragment for a cookie."""
    return _SIGN_IN.format(style=_STYLE, script=_SCRIPT, password="yes" if password else "no")


def waiting() -> str:
    """What a person sees while nothing answers behind the gate."""
    return _WAITING.format(style=_STYLE)
