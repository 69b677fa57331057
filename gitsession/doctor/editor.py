"""The editor: whether it can run here, how a browser reaches it, and what the platform says of that."""

from __future__ import annotations

from gitsession.doctor.case import Case
from gitsession.doctor.finding import Finding
from gitsession.doctor.machine import free_space
from gitsession.editor.install import NEEDED_SPACE, VERSION, machine, present
from gitsession.editor.tunnel.choose import COLAB_TERMS, Situation, choose
from gitsession.editor.tunnel.colab import ColabProxy
from gitsession.runtime import Colab
from gitsession.runtime.base import in_kernel
from gitsession.wording import human_size

TUNNEL_TOKEN = "NGROK_AUTHTOKEN"


def editor(case: Case) -> Finding:
    """Whether code-server is installed, or can be."""
    if present(case.cache, machine()) is not None:
        return Finding.good(f"code-server {VERSION} is installed")
    free = free_space(case.cache)
    if free is not None and free < NEEDED_SPACE:
        words = f"it needs {human_size(NEEDED_SPACE)} at {case.cache}, and {human_size(free)} are free"
        return Finding.bad(words, "Make room there, or open with `--editor none`.")
    return Finding.good(f"code-server {VERSION} will be installed by the first `open`")


def way(case: Case) -> Finding:
    """How a browser reaches the editor, and whether Colab's proxy passes what it needs."""
    on_colab = isinstance(case.runtime, Colab)
    has_token = bool(case.environ.get(TUNNEL_TOKEN))
    proxy = _proxy_passes(case.runtime) if isinstance(case.runtime, Colab) else None
    choice = choose("auto", Situation(on_colab, case.own_machine, has_token, proxy))
    if on_colab and not proxy and not has_token:
        why = "was not asked" if proxy is None else "does not pass it"
        words = f"Colab's proxy {why}, and there is no tunnel"
        return Finding.warn(words, f"Put an authtoken of ngrok into the secret {TUNNEL_TOKEN}.")
    if not on_colab and not case.own_machine and not has_token:
        fix = f"Set {TUNNEL_TOKEN}, or forward the port with ssh as `gitsession open` says."
        return Finding.warn(choice.why, fix)
    return Finding.good(choice.why)


def _proxy_passes(runtime: Colab) -> bool | None:
    """What the probe from the person's browser says; None where no notebook can be asked."""
    if not in_kernel():
        return None
    seen = ColabProxy.of(runtime).probe()
    return None if seen is None else all(seen.values())


def terms(case: Case) -> Finding:
    """What the platform allows, and what it counts as idle."""
    said = list(case.runtime.notes)
    if isinstance(case.runtime, Colab):
        said.append(COLAB_TERMS)
    if not said:
        return Finding.good(f"{case.runtime.name} has none that matter here")
    return Finding.warn(" ".join(said), "Nothing to do, but to know it.")
