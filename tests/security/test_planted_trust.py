"""A clone whose own settings say whom to trust gets no token: the man in the middle would be the one trusted.

A clone may come out of an archive, its `.git/config` with it. Each plant is set off against the opened
repository's own name, with the attacker's proxy in between; a control shows that git itself would obey it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gitsession import run
from tests.rig.certificates import Certificates, issue
from tests.rig.hostile_server import HostileServer
from tests.security.test_credential_abuse import CANARY, NAMES, OWN, Rig, holds
from tests.security.test_credential_abuse import rig as rig
from tests.security.test_credential_abuse import valid as valid

WITH_USER = OWN.replace("https://", "https://ada@")
TRUST = {
    "an authority": (OWN, ("http.sslCAInfo", "CA")),
    "an authority for the host": (OWN, ("http.https://hub.example:OWN.sslCAInfo", "CA")),
    "an authority for the repository": (OWN, (f"http.{OWN}.sslCAInfo", "CA")),
    "an authority for the repository's .git": (f"{OWN}.git", (f"http.{OWN}.git.sslCAInfo", "CA")),
    "an authority for a user's way": (WITH_USER, (f"http.{WITH_USER}.sslCAInfo", "CA")),
    "a folder of authorities": (OWN, ("http.sslCAPath", "FOLDER")),
    "no verification for a user's way": (WITH_USER, (f"http.{WITH_USER}.sslVerify", "false")),
}


@pytest.fixture
def forged(sealed: Path) -> Certificates:
    """The attacker's own authority, and their certificate for the opened repository's name."""
    (sealed / "forged").mkdir()
    return issue(sealed / "forged", NAMES)


@pytest.fixture
def trusting(rig: Rig, forged: Certificates) -> Rig:
    """The user's machine, with the public authorities it has: those of the platform, and nobody else's."""
    platform = {name: value for name, value in rig.env.items() if name != "GIT_SSL_CAINFO"}
    rig.git("init", "-q", "clone")
    return replace(rig, env=platform)


def naive(rig: Rig) -> Rig:
    """The same machine with a helper that gives the token to whoever asks, and without our settings."""
    helper = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": f"!printf 'username=x-access-token\\npassword={CANARY}\\n' #",
    }
    plain = {key: said for key, said in rig.env.items() if not key.startswith("GIT_CONFIG")}
    return replace(rig, env={**plain, **helper})


@pytest.fixture
def between(trusting: Rig, forged: Certificates) -> Iterator[HostileServer]:
    with HostileServer(None, inside=forged) as proxy:
        trusting.git("-C", "clone", "config", "http.proxy", proxy.site)
        yield proxy


def plant(rig: Rig, forged: Certificates, name: str) -> str:
    """Write it into the clone's own settings; answers with the URL that git is given."""
    url, (key, value) = TRUST[name]
    folder = forged.authority.parent / "hashed"
    folder.mkdir()
    rig.run(["cp", str(forged.authority), str(folder)])
    rig.run(["openssl", "rehash", str(folder)])
    value = value.replace("CA", str(forged.authority)).replace("FOLDER", str(folder))
    rig.git("-C", "clone", "config", rig.place(key), value)
    return rig.place(url)


@pytest.mark.parametrize("name", TRUST)
def test_whoever_a_clone_trusts_gets_no_token(
    trusting: Rig, between: HostileServer, forged: Certificates, name: str
) -> None:
    url = plant(trusting, forged, name)
    done = trusting.git("-C", "clone", "ls-remote", url)
    assert done.returncode != 0
    assert between.seen, "the attacker was asked, under the repository's own name"
    assert holds(between.seen) == []
    assert "this clone itself says whose certificates are good: http." in done.stderr


@pytest.mark.parametrize("name", TRUST)
def test_a_plant_of_trust_is_live(
    trusting: Rig, between: HostileServer, forged: Certificates, name: str
) -> None:
    """A helper that looks at host and path alone would have given it."""
    url = plant(trusting, forged, name)
    naive(trusting).git("-C", "clone", "ls-remote", url)
    assert holds(between.seen) != []


def test_what_a_user_trusts_in_all_clones_is_theirs_to_say(trusting: Rig, valid: Certificates) -> None:
    trusting.git("config", "--global", "http.sslCAInfo", str(valid.authority))
    trusting.git("-C", "clone", "config", "http.sslVerify", "false")  # ours stands over it
    trusting.git("-C", "clone", "ls-remote", trusting.place(OWN))
    assert holds(trusting.own.seen) != []


def test_settings_that_do_not_read_give_no_token(rig: Rig) -> None:
    """git itself would say no; whoever asks for it from elsewhere is told no too."""
    rig.git("init", "-q", "clone")
    (rig.home / "clone/.git/config").write_text("[http\n")
    asked = [*run.program(), "credential", "--socket", str(rig.home / "keeper.sock"), "get"]
    request = rig.place("protocol=https\nhost=hub.example:OWN\npath=ada/digits\n\n")
    assert CANARY in rig.run(asked, request).stdout
    inside = replace(rig, home=rig.home / "clone").run(asked, request)
    assert inside.stdout == ""
    assert "config" in inside.stderr


@pytest.fixture
def apart(rig: Rig) -> Rig:
    """The opened repository's server knows no protocol of git's, and names another place for its objects."""
    rig.own.behaviour, rig.own.target = "alternates", f"https://evil.example:{rig.evil.port}"
    rig.git("init", "-q", "clone")
    rig.git("-C", "clone", "config", "http.followRedirects", "true")
    return rig


def test_the_token_does_not_go_to_where_objects_lie_elsewhere(apart: Rig) -> None:
    """git sends it to every place of a dumb server's `http-alternates`, once a setting lets it go there."""
    apart.git("-C", "clone", "fetch", apart.place(OWN), "main")
    assert any("http-alternates" in seen.path for seen in holds(apart.own.seen))
    assert holds(apart.evil.seen) == []


def test_alternates_of_a_server_are_live(apart: Rig) -> None:
    naive(apart).git("-C", "clone", "fetch", apart.place(OWN), "main")
    assert holds(apart.evil.seen) != []
