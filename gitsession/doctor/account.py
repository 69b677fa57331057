"""The token and what it may do, asked of GitHub and tried with git."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from gitsession.address import github_server
from gitsession.doctor.case import Case
from gitsession.doctor.finding import Finding
from gitsession.errors import GitsessionError
from gitsession.git import Repository, commits, plain
from gitsession.git.transfer import Update
from gitsession.git.transfer import push as git_push
from gitsession.model import Identity, SessionName
from gitsession.replicas.verdict import push_failed
from gitsession.resume.access import access
from gitsession.resume.rules import in_the_way
from gitsession.wording import human_span

NO_GITHUB = "no repository on GitHub was named"
NO_TOKEN = "without a token nobody can ask"
SOON = 7 * 86_400.0
CLOCK_TOLERANCE = 60.0
PUSH_TIMEOUT = 30.0
NOBODY = Identity("gitsession", "doctor@gitsession.invalid")


def _server(case: Case) -> str:
    return github_server(case.environ)


def token(case: Case) -> Finding:
    """Whether there is a token, whether GitHub takes it, and what it may do."""
    if case.github is None:
        return Finding.skipped(NO_GITHUB)
    page = f"{_server(case)}/settings/tokens/new?scopes=repo,workflow&description=gitsession"
    if case.token is None:
        why = f" ({case.token_trouble.what})" if case.token_trouble else ""
        place = case.token_trouble.hint if case.token_trouble else "Set it as GITHUB_TOKEN."
        return Finding.bad(f"there is none, so nothing is pushed{why}", f"Make one at {page}. {place}")
    facts = case.account
    if facts.scopes is not None and not facts.scopes & {"repo", "public_repo"}:
        return Finding.bad(f"that of {facts.login} lacks the scope `repo`", f"Make another one at {page}.")
    if facts.expires is not None and facts.expires - case.now() < SOON:
        left = human_span(facts.expires - case.now())
        return Finding.warn(f"that of {facts.login} expires in {left}", f"Make another one at {page}.")
    if facts.may_change_workflows is False:
        words = f"that of {facts.login} lacks the scope `workflow`: changed workflows are held"
        return Finding.warn(words, f"Make one with it at {page}, if you change workflows.")
    return Finding.good(f"that of {facts.login} ({facts.kind}), from {case.token.source}")


def repository(case: Case) -> Finding:
    """Whether the token sees the repository, and who else will see what is pushed there."""
    if case.github is None:
        return Finding.skipped(NO_GITHUB)
    if case.token is None:
        return Finding.skipped(NO_TOKEN)
    found = case.hosted
    if found.archived:
        return Finding.bad(
            f"{found.full_name} is archived: it takes no push", "Unarchive it, or open another."
        )
    if not found.can_push:
        words = f"you may not push to {found.full_name}: a session lives in your fork"
        return Finding.warn(words, "Ask its owner for write access, if you want it there.")
    if not found.private:
        words = f"{found.full_name} is public, and so is work in progress within seconds"
        return Finding.warn(words, "Open with `--no-publish` to keep it in the vault.")
    return Finding.good(f"{found.full_name} is private, and you may push")


def rules(case: Case) -> Finding:
    """Whether rules of the repository stop a session branch."""
    if case.github is None:
        return Finding.skipped(NO_GITHUB)
    if case.token is None:
        return Finding.skipped(NO_TOKEN)
    branch = SessionName(case.account.login, "doctor").branch
    stopping = in_the_way(case.hub.rules(case.hosted.full_name, branch))
    if not stopping:
        return Finding.good(f"none stops {branch}")
    page = f"{_server(case)}/{case.hosted.full_name}/settings/rules"
    fix = f"Have `session/**` and `review/**` excluded at {page}, or open with `--branch hidden`."
    return Finding.bad(f"on {branch}: {stopping}", fix)


def push(case: Case) -> Finding:
    """Whether git can push a session branch: everything but the push itself is done."""
    if case.address is None:
        return Finding.skipped("no repository was named")
    if case.github is not None and case.token is None:
        return Finding.skipped("without a token nothing is pushed")
    if case.github is not None and not case.hosted.can_push:
        return Finding.skipped("the fork is made by `open`")
    login = case.account.login if case.github is not None else "doctor"
    _try_to_push(case, SessionName(login, "doctor").branch_ref)
    return Finding.good(f"git reaches {case.address} and would be let in")


def _try_to_push(case: Case, ref: str) -> None:
    assert case.address is not None
    with TemporaryDirectory() as folder, access(case.address, None, case.token) as variables:
        plain("init", "--quiet", "--bare", "--", folder, cwd=Path(folder))
        empty = Repository(Path(folder))
        tree = commits.write_flat_tree(empty, {})
        made = commits.commit(empty, tree, (), "doctor\n", NOBODY)
        done = git_push(
            empty,
            case.address.url,
            [Update(ref, made, None)],
            variables=variables,
            timeout=PUSH_TIMEOUT,
            pretend=True,
        )
    if done.code != 0:
        raise push_failed(done)


def clock(case: Case) -> Finding:
    """Whether this machine and GitHub agree on the time: certificates and snapshots' dates hang on it."""
    if case.github is None:
        return Finding.skipped(NO_GITHUB)
    if case.token is None:
        return Finding.skipped(NO_TOKEN)
    try:
        answered = case.account.answered
    except GitsessionError as error:
        return Finding.skipped(error.what)
    if answered is None:
        return Finding.skipped("GitHub named no time")
    ahead = case.now() - answered
    if abs(ahead) <= CLOCK_TOLERANCE:
        return Finding.good("within a minute of GitHub's")
    words = f"{human_span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} GitHub's"
    return Finding.warn(words, "Set it: `sudo timedatectl set-ntp true`, or `sudo date -s …`.")
