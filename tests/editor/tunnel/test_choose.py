from __future__ import annotations

import pytest

from gitsession.editor.tunnel.choose import COLAB_TERMS, Situation, choose
from gitsession.editor.tunnel.none import ssh_line
from gitsession.errors import UsageError

COLAB = Situation(on_colab=True, own_machine=False, has_ngrok_token=True)
CLOUD = Situation(own_machine=False)


@pytest.mark.parametrize(
    ("wanted", "situation", "tunnel", "offers"),
    [
        ("auto", Situation(), "none", ""),
        ("auto", Situation(has_ngrok_token=True), "none", ""),
        ("auto", CLOUD, "none", ""),
        ("auto", Situation(own_machine=False, has_ngrok_token=True), "ngrok", ""),
        ("auto", COLAB, "none", "ngrok"),
        ("auto", Situation(on_colab=True, own_machine=False, proxy_works=True), "none", "colab"),
        ("auto", Situation(on_colab=True, own_machine=False, proxy_works=False), "none", "ngrok"),
        ("ngrok", COLAB, "ngrok", ""),
        ("colab", COLAB, "colab", ""),
        ("none", CLOUD, "none", ""),
        (None, CLOUD, "none", ""),
    ],
)
def test_the_choice_and_its_reason(
    wanted: str | None, situation: Situation, tunnel: str, offers: str
) -> None:
    choice = choose(wanted, situation)
    assert (choice.tunnel, choice.offers) == (tunnel, offers)
    assert choice.why and bool(choice.terms) == bool(offers)
    assert choice.terms in ("", COLAB_TERMS)


def test_an_unknown_tunnel_is_refused() -> None:
    with pytest.raises(UsageError, match="'teleport' is no tunnel"):
        choose("teleport", Situation())


def test_without_a_tunnel_the_line_to_type_is_given() -> None:
    assert ssh_line(8080, "ada", "gpu") == "ssh -N -L 8080:127.0.0.1:8080 ada@gpu"
