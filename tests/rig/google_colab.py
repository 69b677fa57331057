"""What a Colab kernel imports as `google.colab`: the part that asks the page and waits for its answer.

Stands for: `userdata`, `drive`, `output` and `_message` with the errors they raise and the messages they
send, as their published source has them. Does not imitate: the mount (after consent a folder appears), nor
anything that needs no page.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import zmq
from ipykernel.kernelapp import IPKernelApp

PAUSE = 0.025
CALLBACKS: dict[str, Callable[..., Any]] = {}
SECRET_PATIENCE = 5.0


class MessageError(Exception):
    """The page answered with an error."""


class SecretNotFoundError(Exception):
    """There is no such secret."""


class NotebookAccessError(Exception):
    """This notebook may not read it."""


class TimeoutException(Exception):
    """No page answered."""


def send_request(kind: str, body: Any, parent: Any = None) -> str:
    """Send a request to the page; answers with the id that its reply will carry."""
    kernel: Any = IPKernelApp.instance().kernel
    request = str(uuid.uuid4())
    metadata = {"colab_msg_id": request, "colab_request_type": kind}
    parent = parent or kernel.shell.parent_header
    message = kernel.session.msg("colab_request", content={"request": body}, metadata=metadata, parent=parent)
    kernel.session.send(kernel.iopub_socket, message)
    return request


def read_reply_from_input(request: str, timeout_sec: float | None = None) -> Any:
    """The reply to a request; None when none came in time. Everything else on the channel is dropped."""
    until = time.time() + timeout_sec if timeout_sec else None
    while until is None or time.time() < until:
        value = _next_value()
        if not isinstance(value, dict):
            time.sleep(PAUSE)
        elif value.get("type") == "colab_reply" and value.get("colab_msg_id") == request:
            if "error" in value:
                raise MessageError(value["error"])
            return value.get("data")
    return None


def _next_value() -> Any:
    kernel: Any = IPKernelApp.instance().kernel
    try:
        _, reply = kernel.session.recv(kernel.stdin_socket, zmq.NOBLOCK)
    except ValueError:
        return None
    return None if reply is None else reply.get("content", {}).get("value", "")


def blocking_request(kind: str, request: Any = "", timeout_sec: float | None = 5, parent: Any = None) -> Any:
    """Ask the page and wait; None when it does not answer in time."""
    return read_reply_from_input(send_request(kind, request, parent), timeout_sec)


def get(key: str) -> str:
    """`userdata.get`."""
    answer = blocking_request("GetSecret", {"key": key}, timeout_sec=SECRET_PATIENCE)
    if answer is None:
        raise TimeoutException(key)
    if not answer.get("exists", False):
        raise SecretNotFoundError(key)
    if not answer.get("access", False):
        raise NotebookAccessError(key)
    return str(answer.get("payload", ""))


def mount(mountpoint: str, force_remount: bool = False, timeout_ms: int = 120_000) -> None:
    """`drive.mount`: consent by the page, then the folder is there."""
    folder = Path(mountpoint)
    if " " in mountpoint or folder.is_symlink():
        raise ValueError("Mountpoint must not contain a space or be a symlink.")
    if (folder / "MyDrive").is_dir() and not force_remount:
        return
    answer = blocking_request("request_auth", {"authType": "dfs_ephemeral"}, timeout_sec=timeout_ms / 1000)
    if answer is None:
        raise ValueError("mount failed")
    (folder / "MyDrive").mkdir(parents=True)


def eval_js(script: str, ignore_result: bool = False, timeout_sec: float | None = None) -> Any:
    """`output.eval_js`."""
    answer = blocking_request("cell_javascript_eval", {"script": script}, timeout_sec=timeout_sec)
    return None if ignore_result or answer is None else answer.get("result")


def register_callback(name: str, callback: Callable[..., Any]) -> None:
    """`output.register_callback`: from now on the page may call it by `kernel.invokeFunction`."""
    CALLBACKS[name] = callback


def install() -> None:
    """Make `import google.colab` find this, in the kernel that calls it."""
    members: dict[str, dict[str, Any]] = {
        "google": {},
        "google.colab": {},
        "google.colab._message": {
            "send_request": send_request,
            "read_reply_from_input": read_reply_from_input,
            "blocking_request": blocking_request,
            "MessageError": MessageError,
        },
        "google.colab.userdata": {"get": get},
        "google.colab.drive": {"mount": mount},
        "google.colab.output": {
            "eval_js": eval_js,
            "register_callback": register_callback,
            "CALLBACKS": CALLBACKS,  # not Colab's: a test clicks through it
        },
    }
    for name, content in members.items():
        module = ModuleType(name)
        module.__path__ = []
        vars(module).update(content)
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
