"""What only the person can give: a token, by themselves or their platform, and consent to their Drive."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from gitsession import credentials, files
from gitsession.address import Address, github_server
from gitsession.agent.places import home, local_state
from gitsession.credentials import Token
from gitsession.errors import AuthorisationError, ConsentRefused, GitsessionError, StorageError, TokenMissing
from gitsession.resume.ground import STORAGE_VARIABLE, Ground, keep_apart
from gitsession.resume.options import Options
from gitsession.runtime import Runtime

TOKEN_SECRET = "GITHUB_TOKEN"
TUNNEL_SECRET = "NGROK_AUTHTOKEN"
HELD_BY_REMOTE = 'Your session is on the remote, so Drive was not asked for; storage="drive" adds it.'
REFUSED_EARLIER = 'Drive is left out, as you said earlier; storage="drive" asks again.'


@dataclass(frozen=True)
class Given:
    """A token, or why the platform gave none; neither where nobody was asked."""

    token: Token | None = None
    trouble: AuthorisationError | None = None


def token_for(options: Options, address: Address, runtime: Runtime, environ: Mapping[str, str]) -> Given:
    """The token: what is at hand, then the platform's secrets, then the person at the terminal.

    Raises:
        AuthorisationError: What was named as the token's source gives none.
    """
    given = token_at_hand(options, address, runtime, environ)
    if address.is_https and given.token is None and sys.stdin and sys.stdin.isatty():
        return replace(given, token=credentials.ask_token(address.host))
    return given


def token_at_hand(options: Options, address: Address, runtime: Runtime, environ: Mapping[str, str]) -> Given:
    """As `token_for`, but nobody at a terminal is asked.

    Raises:
        AuthorisationError: What was named as the token's source gives none.
    """
    if not address.is_https:
        return Given()
    found = credentials.find_token(options.token, options.token_command, address.host, environ)
    return _from_platform(address, runtime, environ) if found is None else Given(found)


def _from_platform(address: Address, runtime: Runtime, environ: Mapping[str, str]) -> Given:
    """The secret, which is meant for the server that `user/repo` means and goes to no other."""
    server = urlsplit(github_server(environ))
    if address.host != server.netloc.lower():
        return Given()
    try:
        secret = runtime.secret(TOKEN_SECRET)
        return Given(Token.parse(secret, f"the secret {TOKEN_SECRET}") if secret else None)
    except AuthorisationError as error:
        return Given(trouble=error)


def without_token(error: GitsessionError, given: Given, address: Address) -> GitsessionError:
    """What a failure means where no token was to be had: most likely that one is needed."""
    if given.token is not None or given.trouble is None:
        return error
    return TokenMissing(
        f"{address} cannot be read without a token, and there is none: {given.trouble.what}",
        safe="Nothing was made or changed.",
        hint=given.trouble.hint,
    )


def tunnel_token(options: Options, runtime: Runtime, environ: Mapping[str, str]) -> str | None:
    """The authtoken of ngrok, where an editor may want a tunnel: the environment's, else the platform's.

    Raises:
        AuthorisationError: The tunnel was named, and the platform does not give its token.
    """
    if options.editor is None or options.tunnel not in ("auto", "ngrok"):
        return None
    if named := environ.get(TUNNEL_SECRET):
        return named
    try:
        return runtime.secret(TUNNEL_SECRET)
    except AuthorisationError:
        if options.tunnel == "ngrok":
            raise
        return None


@dataclass(frozen=True)
class Storage:
    """The ground with its storage settled, and what the person should know of it."""

    ground: Ground
    notes: tuple[str, ...] = ()


def settle_storage(
    options: Options,
    ground: Ground,
    runtime: Runtime,
    *,
    environ: Mapping[str, str],
    remote_holds_it: bool,
    tell: Callable[[str], None],
) -> Storage:
    """Ask for the storage that needs the person's consent, last of all and only where it is of use.

    Args:
        options: What the person asked for; who names a storage was asked for it already.
        ground: The ground so far.
        runtime: The machine, which knows whether consent is needed.
        environ: Where `GITSESSION_STORAGE` may name a storage.
        remote_holds_it: The session can be had from the remote, so that nobody needs to be asked.
        tell: Says the reason to the person before the platform asks.

    Raises:
        StorageError: It cannot be had, and nothing else would keep the work.
    """
    reason = runtime.storage_reason
    named = options.storage is not None or environ.get(STORAGE_VARIABLE)
    if ground.storage is not None or named or not reason:
        return Storage(ground)
    if remote_holds_it:
        return Storage(ground, (HELD_BY_REMOTE,))
    if options.publish and refusal().exists():
        return Storage(ground, (REFUSED_EARLIER,))
    tell(reason)
    return _ask(ground, runtime, needed=not options.publish)


def _ask(ground: Ground, runtime: Runtime, *, needed: bool) -> Storage:
    try:
        storage = runtime.default_storage()
    except StorageError as error:
        if isinstance(error, ConsentRefused):
            remember_refusal()
        if needed:
            raise
        return Storage(ground, (f"There is no vault: {error.what} {error.hint}",))
    chosen = None if storage is None else str(storage)
    keep_apart(ground.worktree, chosen)
    return Storage(replace(ground, storage=chosen))


def refusal() -> Path:
    """The file that says that the person does not want Drive to be asked for."""
    return home() / "drive-refused"


def remember_refusal() -> None:
    """Ask no more on this machine, unless Drive is named."""
    with local_state() as root:
        files.make_directory(root)
        files.write_atomically(refusal(), b"")
