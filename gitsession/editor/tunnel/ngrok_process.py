"""Runs ngrok through pyngrok in a process of its own: `python -m gitsession.editor.tunnel.ngrok_process`.

Why apart: pyngrok gives the agent the environment of its own process, and puts a token that it knows of on
the agent's command line, where every user of the machine reads it. Here the token is in the environment of
this process and of the agent only, and pyngrok never learns it. Its start-up may also wait for ever; this
process can be ended.

Reads one line of JSON (`port`, `binary`, `config`, `options`), writes one (`url`, or `error`), then stays
until its standard input is closed or the agent ends.
"""

from __future__ import annotations

import json
import select
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyngrok.conf import PyngrokConfig

STARTUP_TIMEOUT = 30
REQUEST_TIMEOUT = 20.0
CHECK_INTERVAL = 0.5


def configuration(binary: str, config: str) -> PyngrokConfig:
    """pyngrok's settings, without the token that it finds in the environment."""
    from pyngrok.conf import PyngrokConfig

    settings = PyngrokConfig(
        ngrok_path=binary,
        config_path=config,
        startup_timeout=STARTUP_TIMEOUT,
        request_timeout=REQUEST_TIMEOUT,
        config_version="3",
    )
    settings.auth_token = None
    return settings


def _say(answer: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def serve(asked: Mapping[str, Any]) -> None:
    """Open the tunnel, say where, and hold it."""
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    settings = configuration(asked["binary"], asked["config"])
    try:
        tunnel = ngrok.connect(
            f"http://127.0.0.1:{asked['port']}", pyngrok_config=settings, **asked["options"]
        )
        _say({"url": tunnel.public_url})
        _hold(ngrok.get_ngrok_process(settings).proc)
    except (PyngrokError, OSError) as error:
        _say({"error": f"{error} {getattr(error, 'ngrok_error', '') or ''}"})
    finally:
        ngrok.kill(settings)


def _hold(agent: Any) -> None:
    """Until the parent closes our standard input, by intent or by dying, or the agent ends."""
    while agent.poll() is None:
        if select.select([sys.stdin], [], [], CHECK_INTERVAL)[0]:
            return


if __name__ == "__main__":
    serve(json.loads(sys.stdin.readline()))
