"""A later `open` gives a running session another token, where its own is refused or another one is named."""

from __future__ import annotations

from collections.abc import Mapping

from gitsession import credentials
from gitsession.agent import control
from gitsession.agent.configuration import Configuration, load
from gitsession.agent.places import Places
from gitsession.credentials import Token
from gitsession.errors import AuthorisationError, HubError, TokenRefused
from gitsession.resume.given import token_for
from gitsession.resume.options import Options
from gitsession.resume.running import PING_TIMEOUT
from gitsession.runtime import Runtime

GIVEN_TIMEOUT = 30.0
GOES_ON = "The session goes on with the new token."
STILL_REFUSED = (
    "The session's token is refused, and no other was found: nothing is pushed. Put a new one into "
    "GITHUB_TOKEN, or give token= or --token-command, and open again."
)


def token_again(
    places: Places, options: Options, runtime: Runtime, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Give the running session another token where it needs one; answers with what the person should know.

    Raises:
        AuthorisationError: The new token is refused too, or is another person's.
    """
    configuration = load(places)
    if not configuration.publish:
        return ()
    status = control.ask(places.agent_socket, "status", timeout=PING_TIMEOUT)["status"]
    refused = bool(status.get("token_refused"))
    if not refused and options.token is None:
        return ()
    held = control.ask(places.keeper_socket, "token", timeout=PING_TIMEOUT)["token"]
    found = _another(held, configuration, options, runtime, environ)
    if found is None:
        return (STILL_REFUSED,) if refused else ()
    workflows = _checked(found, configuration)
    control.ask(places.keeper_socket, "set-token", timeout=PING_TIMEOUT, token=found.reveal())
    control.ask(places.agent_socket, "token-given", timeout=GIVEN_TIMEOUT, workflows=workflows)
    return (GOES_ON,)


def _another(
    held: str | None,
    configuration: Configuration,
    options: Options,
    runtime: Runtime,
    environ: Mapping[str, str],
) -> Token | None:
    found = token_for(options, configuration.address, runtime, environ).token
    if found is not None and found.reveal() == held and options.token is None:
        found = credentials.ask_token(configuration.address.host)  # what is at hand is the refused one
    return None if found is None or found.reveal() == held else found


def _checked(token: Token, configuration: Configuration) -> bool:
    """Whether the token may push workflows, as far as GitHub tells; while it does not answer, it may."""
    if not configuration.api_url:
        return True
    from gitsession.hub import Hub

    try:
        user, facts = Hub(lambda: token, configuration.api_url).introduction()
    except TokenRefused as error:
        error.safe = "The session goes on as before: nothing is pushed, everything else is saved."
        raise
    except HubError:
        return True
    if configuration.noreply not in (None, user.email):
        raise AuthorisationError(
            f"This token is {user.login}'s, and the session was opened with another person's.",
            safe="The session goes on with the token that it has.",
            hint="Give a token of the same person, or close the session and open it again.",
        )
    return facts.may_change_workflows is not False
