"""What people write for a repository, read into one value; hostile or malformed text never reaches git."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from gitsession.errors import AddressError

GITHUB = "github.com"
SERVER_VARIABLE = "GITHUB_SERVER_URL"
_COLAB = "colab.research.google.com"
_SCHEMES = ("https", "http", "ssh", "git", "file")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_SHORT = re.compile(r"([^/:\s]+)/([^/:\s]+)")
_SCP = re.compile(r"(?:([A-Za-z0-9._-]+)@)?([A-Za-z0-9.-]+):(?!/?/)(.+)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?|\[[0-9a-fA-F:]+\](?::\d{1,5})?")
_EXAMPLES = "Write user/repo, a GitHub URL, any git URL, or a path such as ./project."


@dataclass(frozen=True)
class Address:
    """Where a repository lives.

    Args:
        url: What git is given; never with credentials.
        host: The server with its port, or `local` for a path or an URL without an owner.
        owner: The owner, or a hash of the URL where there is none.
        name: The repository's name.
        is_path: It is a directory on this machine.
        ref: The branch, tag or commit that the text named (`/tree/x`, `/blob/x/…`), if any.
        file: The file that a blob or Colab URL named, if any.
        pull: The pull request that the text named, if any.
    """

    url: str
    host: str
    owner: str
    name: str
    is_path: bool = False
    ref: str | None = None
    file: str | None = None
    pull: int | None = None

    @property
    def slug(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def key(self) -> str:
        """`host/owner/name`, the folder in a vault; lower-cased, since GitHub ignores case."""
        return f"{self.host}/{self.owner}/{self.name}".lower().replace(":", "_")

    @property
    def is_https(self) -> bool:
        """Whether a token can be of use: nothing is ever sent over plain http."""
        return self.url.startswith("https://")

    def __str__(self) -> str:
        return self.url if self.is_path or self.host != GITHUB else self.slug


def parse_address(text: str, *, server_url: str = f"https://{GITHUB}", base: Path | None = None) -> Address:
    """Read `user/repo`, a GitHub, pull request, blob or Colab URL, any git URL, or a local path.

    Args:
        text: What the person wrote.
        server_url: The server that `user/repo` means, as `github_server` says it.
        base: The directory that a relative path starts from; the current one by default.

    Raises:
        AddressError: It is empty, malformed, or something that git might take for an option or a command.

    Example:
        >>> parse_address("ada/engine").url
        'https://github.com/ada/engine'
    """
    _refuse_hostile(text)
    if text.startswith((".", "/", "~")):
        return _from_path(text, base or Path.cwd())
    if "://" in text:
        return _from_url(text, urlsplit(server_url).netloc)
    if match := _SHORT.fullmatch(text):
        return _hosted(server_url.rstrip("/"), urlsplit(server_url).netloc, match[1], match[2])
    if match := _SCP.fullmatch(text):
        return _from_scp(text, match)
    if text.startswith((f"{GITHUB}/", "www.")):
        return _from_url(f"https://{text}", urlsplit(server_url).netloc)
    raise AddressError(f"{text!r} is no repository.", hint=_EXAMPLES)


def github_server(environ: Mapping[str, str]) -> str:
    """The server that `user/repo` means, without a slash at its end: `GITHUB_SERVER_URL`, GitHub by default.

    Raises:
        AddressError: It is no web address.
    """
    server = (environ.get(SERVER_VARIABLE) or f"https://{GITHUB}").rstrip("/")
    if not re.fullmatch(r"https?://[^\s/@\\]+", server):
        raise AddressError(
            f"{SERVER_VARIABLE} is {server!r}, which is no server's address.",
            hint="Write it like https://github.example.org, or unset it for github.com.",
        )
    return server


def _refuse_hostile(text: str) -> None:
    if not text or not text.strip() or text != text.strip():
        raise AddressError("The repository's name is empty or padded with spaces.", hint=_EXAMPLES)
    if len(text) > 2000:
        raise AddressError("The repository's name is too long.", hint=_EXAMPLES)
    if text.startswith("-"):
        raise AddressError(f"{text!r} looks like an option, not like a repository.", hint=_EXAMPLES)
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text):
        raise AddressError("The repository's name holds invisible or control characters.", hint=_EXAMPLES)
    if "::" in text.partition("/")[0]:
        raise AddressError(f"{text!r} names a remote helper, which runs a program.", hint=_EXAMPLES)


def _checked_part(part: str, whole: str) -> str:
    if not _PART.fullmatch(part) or ".." in part or part.endswith(".lock"):
        raise AddressError(f"{part!r} in {whole!r} is no owner or repository name.", hint=_EXAMPLES)
    return part


def _hosted(server: str, host: str, owner: str, name: str) -> Address:
    whole = f"{owner}/{name}"
    name = name.removesuffix(".git") or name
    return Address(
        f"{server}/{_checked_part(owner, whole)}/{_checked_part(name, whole)}", host.lower(), owner, name
    )


def _from_path(text: str, base: Path) -> Address:
    try:
        path = (base / Path(text).expanduser()).resolve()
    except (RuntimeError, OSError):  # a home of nobody, or links that lead in a circle
        raise AddressError(f"{text!r} is no path of this machine.", hint=_EXAMPLES) from None
    return _ownerless(str(path), path.name or "root", is_path=True)


def _ownerless(url: str, name: str, *, is_path: bool = False) -> Address:
    digest = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", name.removesuffix(".git")).strip("-.") or "repository"
    return Address(url, "local", digest, clean, is_path=is_path)


def _from_url(text: str, server_host: str) -> Address:
    url = _split(text)
    if url.scheme == "file":
        return _from_path(unquote(url.path), Path("/"))
    if url.netloc.lower() == _COLAB:
        return _from_colab(url)
    if url.scheme in ("http", "https") and (
        url.netloc.lower().removeprefix("www.") in (GITHUB, server_host.lower()) or _web_view(url.path)
    ):
        return _from_web(url)
    return _from_git_url(text, url)


def _split(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        netloc = url.netloc.rpartition("@")[2]
    except ValueError:
        raise AddressError(f"{text!r} is no URL.", hint=_EXAMPLES) from None
    if url.scheme not in _SCHEMES:
        raise AddressError(f"{url.scheme!r} URLs are not opened.", hint=f"Use one of: {', '.join(_SCHEMES)}.")
    if url.scheme != "file" and not _HOST.fullmatch(netloc):
        raise AddressError(f"{text!r} names no server.", hint=_EXAMPLES)
    if "@" in url.netloc and (url.scheme != "ssh" or url.password):
        raise AddressError(
            "The URL carries a user name or a token.",
            safe="It was not used and not stored.",
            hint="Write the plain URL and give the token as token=, GITHUB_TOKEN or --token-command.",
        )
    if ".." in unquote(url.path).split("/"):
        raise AddressError(f"{text!r} climbs with '..'.", hint=_EXAMPLES)
    return url


def _web_view(path: str) -> bool:
    parts = path.strip("/").split("/")
    return len(parts) >= 3 and parts[2] in ("tree", "blob", "pull", "commit")


def _from_web(url: SplitResult) -> Address:
    parts = [unquote(part) for part in url.path.strip("/").split("/")]
    if len(parts) < 2 or not parts[1]:
        raise AddressError(f"{url.geturl()!r} names no repository.", hint=_EXAMPLES)
    host = url.netloc.lower().removeprefix("www.")
    plain = _hosted(f"{url.scheme}://{host}", host, parts[0], parts[1])
    return _with_view(plain, parts[2:])


def _with_view(plain: Address, view: list[str]) -> Address:
    match view:
        case ["pull", number, *_] if number.isdigit():
            return Address(plain.url, plain.host, plain.owner, plain.name, pull=int(number))
        case ["tree" | "commit", *ref] if ref:
            return Address(plain.url, plain.host, plain.owner, plain.name, ref="/".join(ref))
        case ["blob", ref, *file] if file:
            return Address(plain.url, plain.host, plain.owner, plain.name, ref=ref, file="/".join(file))
        case _:
            return plain


def _from_colab(url: SplitResult) -> Address:
    parts = [unquote(part) for part in url.path.strip("/").split("/")]
    if len(parts) < 3 or parts[0] != "github":
        raise AddressError(f"{url.geturl()!r} names no GitHub notebook.", hint=_EXAMPLES)
    plain = _hosted(f"https://{GITHUB}", GITHUB, parts[1], parts[2])
    return _with_view(plain, parts[3:])


def _from_git_url(text: str, url: SplitResult) -> Address:
    parts = [part for part in unquote(url.path).strip("/").split("/") if part]
    if not parts:
        raise AddressError(f"{text!r} names no repository.", hint=_EXAMPLES)
    name = parts[-1].removesuffix(".git")
    if len(parts) == 2 and all(_PART.fullmatch(part) for part in (parts[0], name)):
        host = url.netloc.rpartition("@")[2].lower()
        return Address(text.rstrip("/"), host, parts[0], name)
    return _ownerless(text.rstrip("/"), name)


def _from_scp(text: str, match: re.Match[str]) -> Address:
    parts = match[3].strip("/").split("/")
    if ".." in parts or match[2].startswith("-") or match[3].startswith("-"):
        raise AddressError(f"{text!r} is no repository.", hint=_EXAMPLES)
    name = parts[-1].removesuffix(".git")
    if len(parts) == 2 and all(_PART.fullmatch(part) for part in (parts[0], name)):
        return Address(text, match[2].lower(), parts[0], name)
    return _ownerless(text, name)
