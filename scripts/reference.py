"""Writes the pages that follow from the code: `docs/cli.md` from the verbs, `docs/errors.md` from the errors.

python scripts/reference.py           writes them
python scripts/reference.py --check   says what is not current, and ends with 1
"""

from __future__ import annotations

import ast
import difflib
import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from gitsession import cli, errors
from gitsession.editor.tunnel.ngrok import TROUBLES
from gitsession.replicas.refusal import KINDS

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs"
NOTE = "<!-- Written by scripts/reference.py; change the code instead. -->\n\n"
CLASSES: dict[str, type[errors.GitsessionError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.GitsessionError)
}
REMEDIES = {
    "UsageError": "Correct the call; `gitsession VERB --help` shows how it is written.",
    "RepositoryError": "Nothing of it was changed. Correct its name or state, and run the command again.",
    "SessionError": "`gitsession list user/repo` names the sessions, `gitsession open user/repo` starts one.",
    "AuthorisationError": "`gitsession doctor user/repo` says what the token may do, and how to make one.",
    "NotSafeYet": "Wait and flush again; `gitsession status` says what stands in the way.",
    "GitError": "Read git's own words in the message; `gitsession status` says what is safe meanwhile.",
    "LeaseLost": "Nothing was overwritten; open the session again to go on from what is there now.",
    "RefusedError": "See [what a remote refuses](#what-a-remote-refuses).",
    "SaveError": "Make room on the disk; saving goes on by itself.",
    "StorageError": "`gitsession doctor --storage PLACE` tries the place; the remote goes on meanwhile.",
    "FormatError": "Upgrade gitsession; what is damaged is left alone, and another copy is used if any.",
    "AgentError": "Open the session again; what was saved stays saved.",
    "EditorError": "Everything else works without the editor; `gitsession doctor` looks at it.",
    "HubError": "Saving goes on; repeat what you asked of GitHub later.",
    "Bug": "Please report it, with the lines that were printed.",
    "GitsessionError": "Read what the message says, and run the command again.",
}
Words = dict[str, list[ast.expr]]


@dataclass(frozen=True, order=True)
class Message:
    """One message of the code and its own remedy; what varies stands in angle brackets."""

    what: str
    hint: str


def remedy(kind: type) -> str:
    """What to do about a kind of error: its own, or that of the nearest kind above it."""
    return next(REMEDIES[each.__name__] for each in kind.__mro__ if each.__name__ in REMEDIES)


def messages(package: Path = ROOT / "gitsession") -> dict[str, set[Message]]:
    """Every message that the code can raise, by the error's class."""
    found: dict[str, set[Message]] = {}
    trees = {path: ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))}
    elsewhere = _shared(trees.values())
    for path, tree in trees.items():
        if path.name == "errors.py":
            continue
        scopes = list(_scopes(tree))
        constants = {**elsewhere, **dict(_assigned(scopes[0]))}
        for scope in scopes:
            for kind, message in _raised(scope, constants):
                found.setdefault(kind, set()).add(message)
    return found


def _shared(trees: Iterable[ast.Module]) -> Words:
    """The texts that several modules share, by name; of a name that means different ones nothing is known."""
    found: Words = {}
    for tree in trees:
        for name, values in _assigned(tree.body):
            if name.isupper() and isinstance(values[0], ast.Constant | ast.BinOp | ast.JoinedStr):
                found.setdefault(name, []).extend(values)
    return {name: values for name, values in found.items() if len(values) == 1}


def _scopes(tree: ast.Module) -> Iterator[Sequence[ast.AST]]:
    """The nodes of each outermost function, and those outside of all functions."""
    functions: list[ast.AST] = []
    outside: list[ast.AST] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            (functions if is_function else outside).append(child)
            if not is_function:
                waiting.append(child)
    yield outside
    yield from (list(ast.walk(function)) for function in functions)


def _raised(scope: Sequence[ast.AST], constants: Words) -> Iterator[tuple[str, Message]]:
    words = {**constants, **dict(_assigned(scope))}
    for node in scope:
        if not isinstance(node, ast.Call):
            continue
        hint = next((keyword.value for keyword in node.keywords if keyword.arg == "hint"), None)
        hints = _texts(hint, words) if hint is not None else [""]
        for kind in _kinds(node.func):
            for at, what in enumerate(_texts(node.args[0], words) if node.args else ["<what>"]):
                yield kind, Message(what, hints[at] if len(hints) > at else hints[0])


def _kinds(function: ast.expr) -> list[str]:
    named = [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]
    is_plain = isinstance(function, ast.Name | ast.IfExp)
    return [name for name in named if name in CLASSES] if is_plain else []


def _assigned(scope: Sequence[ast.AST]) -> Iterator[tuple[str, list[ast.expr]]]:
    found: Words = {}
    pairs: list[tuple[ast.expr, ast.expr]] = []
    for node in scope:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs.extend(zip(target.elts, value.elts, strict=True))
            else:
                pairs.append((target, value))
    for target, value in sorted(pairs, key=lambda pair: pair[1].lineno):
        if isinstance(target, ast.Name):
            found.setdefault(target.id, []).append(value)
    yield from found.items()


def _texts(node: ast.expr, words: Words) -> list[str]:
    """The texts that an expression can be."""
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body, words), *_texts(node.orelse, words)]
    name = node.attr if isinstance(node, ast.Attribute) and node.attr.isupper() else ""
    name = node.id if isinstance(node, ast.Name) else name
    if name in words:
        values = [value for value in words[name] if not isinstance(value, ast.Name)]
        found = [text for value in values for text in _texts(value, words)]
        return found or [_placeholder(node)]
    return [_text(node)]


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _placeholder(node.value)
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return _placeholder(node)


def _placeholder(node: ast.expr) -> str:
    names = [
        each.attr if isinstance(each, ast.Attribute) else each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute | ast.Name)
    ]
    plain = [name for name in names if name not in ("self", "len", "str", "repr", "join", "sorted")]
    return f"<{plain[0].strip('_').lower()}>" if plain else "<…>"


def _cell(text: str) -> str:
    """Text as one cell of a table, nothing of it Markdown or HTML but code."""
    return (
        text.replace("|", "\\|")
        .replace("<", "&lt;")
        .replace("*", "\\*")
        .replace("_", "\\_")
        .replace("\n", " ")
    )


def errors_page() -> str:
    """Every error with its remedy."""
    lines = [
        "# Every error, and what to do",
        "",
        "An error says what happened, what is still safe, and what to do next. In Python they are all",
        "`gitsession.GitsessionError`; at the command line the exit code tells their kind. What varies",
        "stands in angle brackets.",
        "",
    ]
    found = messages()
    for name, kind in CLASSES.items():
        if name not in found:
            continue
        said = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
        lines += [f"## {name}", "", f"{said} Exit code {kind.exit_code}.", "", remedy(kind), ""]
        lines += ["| what it says | what to do |", "|---|---|"]
        lines += [f"| {_cell(each.what)} | {_cell(each.hint)} |" for each in sorted(found[name])]
        lines.append("")
    lines += ["## What a remote refuses", "", "| kind | what to do |", "|---|---|"]
    lines += [f"| {kind} | {_cell(hint)} |" for kind, hint in KINDS.items()]
    lines += ["", "## What ngrok refuses", "", "| code | what it says | what to do |", "|---|---|---|"]
    lines += [
        f"| ERR\\_NGROK\\_{code} | {_cell(what)} | {_cell(fix)} |" for code, (what, fix) in TROUBLES.items()
    ]
    return NOTE + "\n".join(lines) + "\n"


def cli_page() -> str:
    """Every verb with its options."""
    group = cli.group()
    context = click.Context(group, info_name="gitsession")
    lines = ["# Command line", "", "Every verb takes `--json` and `--help`.", ""]
    lines += ["Exit codes: 0 done · 1 you can mend it · 2 the call is malformed · 3 not safe yet · 4 not"]
    lines += ["authorised · 70 a mistake of ours.", ""]
    for verb in group.list_commands(context):
        command = group.get_command(context, verb)
        assert command is not None
        lines += list(_verb(verb, command, context))
    return NOTE + "\n".join(lines)


def _verb(verb: str, command: click.Command, context: click.Context) -> Iterator[str]:
    inner = click.Context(command, info_name=verb, parent=context)
    yield from (
        f"## {verb}",
        "",
        "```",
        f"gitsession {verb} {' '.join(command.collect_usage_pieces(inner))}",
        "```",
    )
    yield from ("", inspect.cleandoc(command.help or ""), "")
    options = [each for each in command.params if isinstance(each, click.Option) and each.name != "as_json"]
    if options:
        yield from ("| option | |", "|---|---|")
        yield from (_option(each) for each in options)
        yield ""
    examples = (command.epilog or "").removeprefix("Example: ").split(" · ")
    yield from ("```", *examples, "```", "")


def _option(option: click.Option) -> str:
    names = ", ".join((*option.opts, *option.secondary_opts))
    metavar = "" if option.is_flag else f" {option.metavar or option.type.name.upper()}"
    if isinstance(option.type, click.Choice) and not option.is_flag:
        metavar = f" {'|'.join(map(str, option.type.choices))}".replace("|", "\\|")
    default = f" Default: `{option.default}`." if option.show_default and not option.is_flag else ""
    return f"| `{names}{metavar}` | {_cell(option.help or '')}{default} |"


def main() -> int:
    """Write or check the pages."""
    stale = False
    for name, text in (("cli.md", cli_page()), ("errors.md", errors_page())):
        page = PAGES / name
        there = page.read_text() if page.exists() else ""
        if "--check" not in sys.argv:
            page.write_text(text)
        elif there != text:
            stale = True
            sys.stdout.writelines(
                difflib.unified_diff(
                    there.splitlines(True), text.splitlines(True), name, f"{name} of the code"
                )
            )
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
