"""The card's looks. Dark where the front end says so, else where the person's system does.

JupyterLab says it by `data-jp-theme-light`, Colab by `theme` on the root,
VS Code by `data-vscode-theme-kind`.
Text has at least 4.5 : 1 against its ground in both (WCAG 2.2, 1.4.3). Each rule weighs as much as an id, as
JupyterLab styles lists, terms and code in outputs by rules of its own, of up to two classes.
"""

_LIGHT = (
    "--ground:#fff;--raised:#f6f8fa;--line:#d1d9e0;--text:#1f2328;--quiet:#59636e;--link:#0550ae;"
    "--good:#116329;--good-soft:#dafbe1;--busy:#0550ae;--busy-soft:#ddf4ff;"
    "--warn:#9a3412;--warn-soft:#fff1e5;--off:#59636e;--off-soft:#eff2f5;color-scheme:light"
)
_DARK = (
    "--ground:#151b23;--raised:#1f2630;--line:#3d444d;--text:#f0f6fc;--quiet:#9da7b3;--link:#6cb6ff;"
    "--good:#56d364;--good-soft:#12351c;--busy:#6cb6ff;--busy-soft:#0f2d4d;"
    "--warn:#ffa657;--warn-soft:#3d2410;--off:#9da7b3;--off-soft:#262d37;color-scheme:dark"
)
_LIGHT_ROOTS = (
    '[data-jp-theme-light="true"]',
    "html[theme=light]",
    '[data-vscode-theme-kind="vscode-light"]',
)
_DARK_ROOTS = ('[data-jp-theme-light="false"]', "html[theme=dark]", '[data-vscode-theme-kind="vscode-dark"]')

_RULES = """\
.gitsession-card{box-sizing:border-box;max-width:720px;margin:8px 2px;padding:16px 18px 12px;
border:1px solid var(--line);border-radius:12px;background:var(--ground);color:var(--text);
font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;overflow-wrap:anywhere}
.gitsession-card *{box-sizing:border-box}
.gitsession-card p,.gitsession-card ul,.gitsession-card ol,.gitsession-card dl,.gitsession-card dd,
.gitsession-card h3,.gitsession-card h4{margin:0;padding:0;font-size:inherit}
.gitsession-card ul,.gitsession-card ol{list-style:none}
.gitsession-card li{margin:0}
.gitsession-card dt,.gitsession-card dd{float:none;width:auto}
.gitsession-card a{color:var(--link);text-decoration:underline;text-underline-offset:2px}
.gitsession-card a:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.gitsession-card .head{display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px}
.gitsession-card h3{flex:1 1 200px;font-size:16px;font-weight:650;line-height:1.3;letter-spacing:-.01em}
.gitsession-card h3 small{display:block;font-size:13px;font-weight:400;color:var(--quiet);letter-spacing:0}
.gitsession-card .pill{padding:3px 12px;border-radius:99px;font-size:13px;font-weight:600;
white-space:nowrap;background:var(--tone-soft);color:var(--tone)}
.gitsession-card .good{--tone:var(--good);--tone-soft:var(--good-soft)}
.gitsession-card .busy{--tone:var(--busy);--tone-soft:var(--busy-soft)}
.gitsession-card .warn{--tone:var(--warn);--tone-soft:var(--warn-soft)}
.gitsession-card .off{--tone:var(--off);--tone-soft:var(--off-soft)}
.gitsession-card .meter{display:flex;margin:16px 0 0}
.gitsession-card .meter li{position:relative;flex:1 1 0;min-width:0;padding:18px 10px 0 0;font-size:13px}
.gitsession-card .meter li::before{content:"";position:absolute;top:6px;left:0;right:0;height:2px;
background:var(--line)}
.gitsession-card .meter li:last-child::before{right:auto;width:12px}
.gitsession-card .meter li::after{content:"";position:absolute;top:1px;left:0;width:12px;height:12px;
border-radius:50%;border:2px solid var(--tone);background:var(--ground)}
.gitsession-card .meter li.good::after{background:var(--tone)}
.gitsession-card .meter b{display:block;font-weight:600}
.gitsession-card .meter span{color:var(--quiet)}
.gitsession-card .meter li.good:has(+.good)::before{background:var(--good)}
.gitsession-card .lead,.gitsession-card .note{padding:8px 12px;border-radius:8px;margin-top:12px;
background:var(--off-soft)}
.gitsession-card .note.warn{background:var(--warn-soft);color:var(--text)}
.gitsession-card .note.warn b{color:var(--warn)}
.gitsession-card .lead{margin:0 0 14px;background:var(--warn-soft)}
.gitsession-card .note+.note{margin-top:6px}
.gitsession-card .files{margin-top:14px}
.gitsession-card h4{font-size:13px;font-weight:600;color:var(--warn);margin-bottom:4px}
.gitsession-card .files.held h4,.gitsession-card .files.said h4{color:var(--text)}
.gitsession-card .files li{padding:3px 0;border-top:1px solid var(--line)}
.gitsession-card .files small{display:block;font-size:13px;color:var(--quiet)}
.gitsession-card code,.gitsession-card kbd{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
color:inherit;background:none;padding:0;border:0}
.gitsession-card .copy{display:inline-block;padding:1px 8px;border-radius:6px;background:var(--raised);
border:1px solid var(--line);user-select:all;-webkit-user-select:all}
.gitsession-card .facts{display:grid;grid-template-columns:max-content 1fr;gap:6px 16px;margin-top:14px;
padding-top:14px;border-top:1px solid var(--line)}
.gitsession-card dt{color:var(--quiet);font-weight:400}
.gitsession-card .steps{margin-top:14px;counter-reset:step}
.gitsession-card .steps li{position:relative;padding:12px 12px 12px 52px;border:1px solid var(--line);
border-radius:10px;background:var(--raised);counter-increment:step}
.gitsession-card .steps li+li{margin-top:8px}
.gitsession-card .steps li::before{content:counter(step);position:absolute;left:12px;top:11px;width:26px;
height:26px;border-radius:50%;background:var(--busy-soft);color:var(--busy);font-weight:650;
text-align:center;line-height:26px}
.gitsession-card .steps a{display:inline-block;font-weight:600;padding:2px 0}
.gitsession-card .steps b{font-weight:600}
.gitsession-card .steps small{display:block;font-size:13px;color:var(--quiet)}
.gitsession-card .foot{margin-top:12px;font-size:12px;color:var(--quiet)}
@media(max-width:480px){.gitsession-card{padding:14px 14px 10px}
.gitsession-card .facts{grid-template-columns:1fr;gap:0}.gitsession-card .facts dd{margin-bottom:8px}}
@media(forced-colors:active){.gitsession-card .pill,.gitsession-card .meter li::after{border:1px solid}}"""


def _for(roots: tuple[str, ...], variables: str) -> str:
    return f"{','.join(f'{root} .gitsession-card' for root in roots)}{{{variables}}}"


SHEET = "\n".join(
    (
        f".gitsession-card{{{_LIGHT}}}",
        f"@media(prefers-color-scheme:dark){{.gitsession-card{{{_DARK}}}}}",
        _for(_LIGHT_ROOTS, _LIGHT),
        _for(_DARK_ROOTS, _DARK),
        _RULES.replace(".gitsession-card", ":is(.gitsession-card,#_)"),
    )
)
