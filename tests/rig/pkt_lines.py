"""pkt-lines, and a push's answer with GitHub's reasons in it; see gitprotocol-common(5) and -pack(5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def reworded(answer: bytes, reasons: Mapping[str, str]) -> bytes:
    """A push's answer with GitHub's reasons in place of git's "hook declined".

    A ref that was refused only because another one of its atomic push was, says so.
    """
    if not reasons:
        return answer
    told = [line for line in pkt_lines(answer) if line[:1] != b"\x01"]
    report = b"".join(line[1:] for line in pkt_lines(answer) if line[:1] == b"\x01")
    lines = [_reworded_line(line, reasons) for line in pkt_lines(report)]
    inner = b"".join(map(pkt_line, lines)) + b"0000"
    return b"".join(map(pkt_line, told)) + pkt_line(b"\x01" + inner) + b"0000"


def _reworded_line(line: bytes, reasons: Mapping[str, str]) -> bytes:
    if not line.startswith(b"ng ") or b"hook declined" not in line:
        return line
    ref = line.split(b" ")[1].decode()
    return f"ng {ref} {reasons.get(ref, 'atomic transaction failed')}\n".encode()


def pkt_lines(stream: bytes) -> Iterator[bytes]:
    """The payloads of a pkt-line stream, up to its first flush; see gitprotocol-common(5)."""
    while (size := int(stream[:4] or b"0", 16)) >= 4:
        yield stream[4:size]
        stream = stream[size:]


def pkt_line(payload: bytes) -> bytes:
    """One pkt-line."""
    return b"%04x%b" % (len(payload) + 4, payload)
