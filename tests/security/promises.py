"""Remotes that promise a partial clone's contents, planted so that asking for one runs a program.

git asks them, in the order of the settings, as soon as a command needs a content that is not here.
"""

from __future__ import annotations

from tests.security.planted import Plant

MISSING = "$(git rev-list --objects --all --missing=print | sed -n 's/^?//p' | head -1)"
ASK = f"git cat-file -p {MISSING}"
PARTIAL = """
    export GIT_TEMPLATE_DIR=
    git clone -q "$ELSEWHERE" versions; cd versions
    for version in 1 2 3; do echo $version > old.txt; git add old.txt; git commit -qm v$version; done
    git push -q origin HEAD; cd ..
    git clone -q --filter=blob:none "file://$ELSEWHERE" tree; cd tree
    git config --remove-section remote.origin
"""
ORIGIN = """
    git config remote.origin.url "$SERVER"; git config remote.origin.promisor true
    git config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
"""


def _promise(name: str, *settings: tuple[str, str], remote: str = "") -> Plant:
    """A remote that promises, with these settings; its name decides where no URL does."""
    remote = remote or f"away-{name}"
    pairs = [(key if "." in key else f"remote.{remote}.{key}", value) for key, value in settings]
    lines = [
        f"""git config "{key}" "{value}\"""" for key, value in (*pairs, (f"remote.{remote}.promisor", "true"))
    ]
    return Plant(name, "; ".join(lines), ASK)


PROMISES = (
    _promise("promised-ext", ("url", "ext::sh -c fire% promised-ext"), ("protocol.ext.allow", "always")),
    _promise(
        "promised-uploadpack",
        ("url", "$ELSEWHERE"),
        ("uploadpack", "fire promised-uploadpack; git-upload-pack"),
    ),
    _promise(
        "promised-vcs", ("vcs", "ext"), ("url", "sh -c fire% promised-vcs"), ("protocol.ext.allow", "always")
    ),
    _promise(
        "promised-ssh", ("url", "ssh://nobody.invalid/x"), ("core.sshCommand", "fire promised-ssh; false")
    ),
    _promise("promised-proxy", ("url", "git://promised-proxy/x"), ("core.gitProxy", "fire")),
    _promise("promised-name", ("protocol.ext.allow", "always"), remote="ext::sh -c fire% promised-name"),
    Plant(
        "promised-extension",
        "git config protocol.ext.allow always; git config core.repositoryFormatVersion 1; "
        "git config extensions.partialClone extension; "
        "git config remote.extension.url 'ext::sh -c fire% promised-extension'",
        ASK,
    ),
    Plant(
        "promised-rewriting",
        'git config "url.$ELSEWHERE.insteadOf" "$SERVER"; '
        "git config remote.origin.uploadpack 'fire promised-rewriting; git-upload-pack'",
        f"{ORIGIN}{ASK}",
    ),
)
