"""What somebody may plant in a repository so that a program of theirs runs, each with what sets it off.

A plant is two shell scripts: one that plants it in a clone, and the control, an everyday command of plain git
(or Python, Jupyter, a shell) that fires it. A payload is `fire NAME`, which leaves a mark.
"""

from __future__ import annotations

from dataclasses import dataclass

HERE = "git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c commit.gpgSign=false"


@dataclass(frozen=True)
class Plant:
    """One planted execution.

    Args:
        name: What its mark is called.
        plant: A shell script, run in the work tree of a clone that stands for the attacker's gift.
        control: A shell script that fires it with everyday programs; its exit code means nothing.
    """

    name: str
    plant: str
    control: str


def _hook(name: str, control: str) -> Plant:
    path = f".git/hooks/{name}"
    return Plant(
        f"hook-{name}",
        f"mkdir -p .git/hooks; printf '#!/bin/sh\\nfire hook-{name}\\n' > {path}; chmod +x {path}",
        control,
    )


COMMIT = "git commit -qm x --allow-empty"
RECEIVE = """
    rm -rf ../pusher; git clone -q . ../pusher; git -C ../pusher commit -qm pushed --allow-empty
    git -C ../pusher push -q origin HEAD:refs/heads/received HEAD
"""
LOOSE = ".git/objects/17"  # git counts here whether it is time to pack
HOOKS = (
    _hook("pre-commit", COMMIT),
    _hook("prepare-commit-msg", COMMIT),
    _hook("commit-msg", COMMIT),
    _hook("post-commit", COMMIT),
    _hook("reference-transaction", COMMIT),
    _hook("post-checkout", "git checkout -q -b other; git checkout -q -"),
    _hook(
        "post-merge", "git branch -q ahead $(git commit-tree HEAD^{tree} -p HEAD -m a); git merge -q ahead"
    ),
    _hook(
        "pre-merge-commit",
        "git branch -q side $(git commit-tree HEAD^{tree} -p HEAD -m a); git merge -q --no-ff -m x side",
    ),
    _hook("pre-push", 'git push -q --receive-pack=git-receive-pack "$ELSEWHERE" HEAD:refs/heads/x'),
    _hook("post-rewrite", "git commit -q --amend -m y --allow-empty"),
    _hook("pre-rebase", "git rebase -q --no-ff HEAD~1"),
    _hook("applypatch-msg", "git am -q ../patch/*; git am --abort"),
    _hook("pre-applypatch", "git am -q ../patch/*; git am --abort"),
    _hook("post-applypatch", "git am -q ../patch/*; git am --abort"),
    _hook(
        "pre-auto-gc",
        f"mkdir -p {LOOSE}; touch {LOOSE}/{'0' * 38} {LOOSE}/{'1' * 38}; "
        "git -c gc.auto=1 -c gc.autoDetach=false gc --auto -q",
    ),
    _hook("post-index-change", "touch new.txt; git add new.txt"),
    _hook("pre-receive", RECEIVE),
    _hook("update", RECEIVE),
    _hook("post-receive", RECEIVE),
    _hook("post-update", RECEIVE),
    _hook("push-to-checkout", "git config receive.denyCurrentBranch updateInstead;" + RECEIVE),
)


def _setting(name: str, key: str, value: str, control: str) -> Plant:
    return Plant(name, f"git config --add {key} '{value}'", control)


def _driver(name: str, settings: str, attribute: str, control: str) -> Plant:
    """Attributes lie in the tree, so they travel; the program they name lies in the clone's settings."""
    path = f"{name}.{name}"
    plant = f"echo '*.{name} {attribute}' >> .gitattributes; echo 1 > {path}; {HERE} add {path}; {settings}"
    return Plant(name, plant, control)


SETTINGS = (
    _setting("fsmonitor", "core.fsmonitor", "fire fsmonitor; false", "git status -s"),
    _setting("alias", "alias.look", "!fire alias", "git look"),
    _setting("pager", "core.pager", "fire pager; cat", "script -qec 'git log -1' /dev/null"),
    _setting("pager-of-one", "pager.tag", "fire pager-of-one; cat", "script -qec 'git tag -l' /dev/null"),
    _setting("editor", "core.editor", "fire editor; false", "git commit --allow-empty"),
    _setting("sequence-editor", "sequence.editor", "fire sequence-editor; false", "git rebase -i HEAD~1"),
    _setting("ssh", "core.sshCommand", "fire ssh; false", "git fetch -q ssh://nobody.invalid/x"),
    _setting("git-proxy", "core.gitProxy", "fire", "git fetch -q git://git-proxy/x"),
    _setting(
        "credential-helper",
        "credential.helper",
        "!fire credential-helper; :",
        "printf 'protocol=https\\nhost=x.invalid\\n\\n' | GIT_ASKPASS=false git credential fill",
    ),
    _setting(
        "askpass",
        "core.askPass",
        "fire-askpass",
        "printf 'protocol=https\\nhost=x.invalid\\n\\n' | git credential fill",
    ),
    _setting("signer", "commit.gpgSign true; git config gpg.program", "fire-signer", COMMIT),
    _setting(
        "tag-signer",
        "gpg.ssh.program",
        "fire-tag-signer",
        "git -c gpg.format=ssh -c user.signingKey=k tag -s -m x signed",
    ),
    _setting("trailer", "trailer.t.command", "fire trailer", "echo x | git interpret-trailers --trailer t=1"),
    _setting("archiver", "tar.evil.command", "fire archiver; cat", "git archive --format=evil HEAD"),
    _setting(
        "difftool",
        "difftool.evil.cmd",
        "fire difftool",
        "echo >> train.py; git difftool -y --tool=evil -- train.py",
    ),
    _setting(
        "mergetool",
        "mergetool.evil.cmd",
        "fire mergetool",
        """
        echo 0 > m; git add m; git commit -qm m0; git checkout -qb m1; echo 1 > m; git commit -qam m1
        git checkout -q -; echo 2 > m; git commit -qam m2; git merge m1
        echo | git mergetool -y --tool=evil; git merge --abort
        """,
    ),
    _setting(
        "uploadpack", "remote.origin.uploadpack", "fire uploadpack; git-upload-pack", "git fetch -q origin"
    ),
    _setting(
        "receivepack",
        "remote.origin.receivepack",
        "fire receivepack; git-receive-pack",
        "git push -q origin HEAD:refs/heads/y",
    ),
    _setting(
        "alternates",
        "core.alternateRefsCommand",
        "fire alternates; false",
        "git init -q --bare ../alt; echo $PWD/../alt/objects > .git/objects/info/alternates;" + RECEIVE,
    ),
    _setting(
        "submodule-update",
        "submodule.lib.update",
        "!fire submodule-update",
        "git -C lib checkout -q HEAD~1; git submodule update",
    ),
    _setting(
        "lfs-extension",
        "lfs.extension.evil.priority 0; git config lfs.extension.evil.smudge cat; "
        "git config lfs.extension.evil.clean",
        "fire lfs-extension %f",
        "echo 2 | git lfs clean -- a.bin",
    ),
    Plant(
        "include",
        "printf '[alias]\\n\\tincluded = !fire include\\n' > settings.cfg; "
        "git config include.path ../settings.cfg",
        "git included",
    ),
    Plant(
        "promisor",
        "git config remote.away.url 'ext::sh -c fire% promisor'; git config remote.away.promisor true; "
        "git config protocol.ext.allow always",
        "git config core.repositoryFormatVersion 1; git config extensions.partialClone away; "
        f"git cat-file -p {'1' * 40}; git config --unset extensions.partialClone",
    ),
    Plant(
        "instead-of",
        "git config protocol.ext.allow always; git config 'url.ext::sh -c fire% instead-of% .insteadOf' https://127.0.0.1",
        "git fetch -q https://127.0.0.1:1/x",
    ),
    _driver(
        "clean",
        "git config filter.ev1.clean 'fire clean; cat'",
        "filter=ev1",
        "echo 2 >> clean.clean; git add clean.clean",
    ),
    _driver(
        "smudge",
        "git config filter.ev2.smudge 'fire smudge; cat'",
        "filter=ev2",
        "rm smudge.smudge; git checkout -- smudge.smudge",
    ),
    _driver(
        "textconv",
        "git config diff.ev4.textconv 'fire textconv; cat'",
        "diff=ev4",
        "echo 2 >> textconv.textconv; git diff",
    ),
    _driver(
        "external-diff",
        "git config diff.ev5.command 'fire external-diff'",
        "diff=ev5",
        "echo 2 >> external-diff.external-diff; git diff",
    ),
    _setting("external", "diff.external", "fire external", "echo >> train.py; git diff"),
    _driver(
        "merge-driver",
        "git config merge.ev6.driver 'fire merge-driver; false'",
        "merge=ev6",
        f"""
        {HERE} commit -qm d0
        f=merge-driver.merge-driver; git checkout -qb d1; echo a > $f; git commit -qam d1
        git checkout -q -; echo b > $f; git commit -qam d2; git merge -m x d1; git merge --abort
        """,
    ),
    _driver(
        "process",
        "git config filter.ev3.process 'fire process'",
        "filter=ev3",
        "echo 2 >> process.process; git add process.process",
    ),
)

INNER = (
    Plant(
        "nested-fsmonitor",
        "git -C nested config core.fsmonitor 'fire nested-fsmonitor; false'",
        "git -C nested status -s",
    ),
    Plant(
        "nested-hooks-path",
        "mkdir nested/hooks; printf '#!/bin/sh\\nfire nested-hooks-path\\n' > nested/hooks/pre-commit; "
        "chmod +x nested/hooks/pre-commit; git -C nested config core.hooksPath hooks",
        "git -C nested commit -qm x --allow-empty",
    ),
    Plant(
        "nested-filter",
        "git -C nested config filter.n.clean 'fire nested-filter; cat'; "
        "echo '* filter=n' > nested/.gitattributes",
        "git -C nested add n",
    ),
    Plant(
        "submodule-fsmonitor",
        "git -C lib config core.fsmonitor 'fire submodule-fsmonitor; false'",
        "git status -s",
    ),
    Plant(
        "submodule-filter",
        "git -C lib config filter.s.clean 'fire submodule-filter; cat'; "
        "mkdir -p .git/modules/lib/info; echo 'train.py filter=s' > .git/modules/lib/info/attributes; "
        "touch lib/train.py",
        "echo >> lib/train.py; git -C lib add .",
    ),
    Plant(
        "submodule-hook",
        "mkdir -p .git/modules/lib/hooks; printf '#!/bin/sh\\nfire submodule-hook\\n' "
        "> .git/modules/lib/hooks/post-checkout; chmod +x .git/modules/lib/hooks/post-checkout",
        "git -C lib checkout -qb elsewhere",
    ),
)


def _python(name: str, file: str, control: str) -> Plant:
    """A Python file with a payload."""
    code = f'import os; os.system("fire {name}")'
    return Plant(name, f"echo '{code}' > {file}.py", control)


def _module(name: str) -> Plant:
    return _python(f"module-{name}", name, f"$PYTHON -c 'import {name}'")


def _program(name: str) -> Plant:
    plant = f"printf '#!/bin/sh\\nfire program-{name}\\n' > {name}; chmod +x {name}"
    return Plant(f"program-{name}", plant, f"PATH=.:$PATH {name} --version")


def _name(name: str, path: str) -> Plant:
    return Plant(name, f"touch -- '{path}'", 'for f in *fire*; do sh -c "echo $f"; done')


TREE = (
    *map(_module, ("git", "json", "click", "rich", "watchdog", "gitsession", "nbformat", "subprocess")),
    _python("sitecustomize", "sitecustomize", "PYTHONPATH=. $PYTHON -c pass"),
    *map(_program, ("git", "sh", "ssh", "code-server", "git-lfs")),
    _name("name-dollar", "$(fire name-dollar)"),
    _name("name-backquote", "`fire name-backquote`"),
    _name("name-semicolon", "x;fire name-semicolon;"),
    _name("name-pipe", "x|fire name-pipe"),
    _name("name-and", "x && fire name-and"),
    _name("name-newline", "x\nfire name-newline\n"),
    Plant(
        "name-option",
        "touch -- '--upload-pack=fire name-option;git-upload-pack'",
        'git ls-remote ./--upload* .; for f in --upload*; do git ls-remote "$f" .; done',
    ),
    Plant(
        "branch-name",
        f"{HERE} branch '$(fire${{IFS}}branch-name)'",
        'for b in $(git for-each-ref --format="%(refname:short)"); do sh -c "echo $b"; done',
    ),
    Plant(
        "gitmodules-url",
        "git config -f .gitmodules submodule.ext.path ext; "
        "git config -f .gitmodules submodule.ext.url 'ext::sh -c fire% gitmodules-url'; "
        f"{HERE} update-index --add --cacheinfo 160000,$(git rev-parse HEAD),ext",
        "git -c protocol.ext.allow=always submodule update --init ext",
    ),
    Plant(
        "embedded-repository",
        "git init -q --bare inside; git -C inside config core.bare false; "
        "git -C inside config core.worktree ..; "
        "git -C inside config core.fsmonitor 'fire embedded-repository; false'",
        "git -C inside --git-dir=. status -s; cd inside && git status -s",
    ),
)


STOP = """test -d .git/rebase-merge || {
        echo 'exec false' > ../todo
        GIT_SEQUENCE_EDITOR='cp ../todo' git rebase -q -i HEAD || test -d .git/rebase-merge
    }"""


def _step(name: str, line: str) -> Plant:
    plant = f"{STOP}; printf '{line}\\n' >> .git/rebase-merge/git-rebase-todo"
    return Plant(name, plant, "GIT_EDITOR=true git rebase --continue")


REBASE = (
    _step("rebase-exec", "exec fire rebase-exec"),
    _step("rebase-x", "x fire rebase-x"),
    _step("rebase-tab", "exec\\tfire rebase-tab"),
    _step("rebase-indented", "\\texec fire rebase-indented"),
)
PLANTS = (*HOOKS, *SETTINGS, *INNER, *TREE, *REBASE)
