"""`open` in a Colab kernel: what is asked of the page, in which order, and what is said when it says no."""

from __future__ import annotations

import pytest

from tests.notebook.conftest import OpenNotebook, opening
from tests.rig.colab import Front, Notebook
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def colab(open_notebook: OpenNotebook, git_server: GitServer, hub: Hub) -> OpenNotebook:
    """A Colab whose GitHub is the git server."""

    def start(front: Front | None = None, **env: str) -> Notebook:
        return open_notebook(front, GITHUB_SERVER_URL=git_server.site, **env)

    return start


def test_one_cell_and_no_question_where_the_secret_is_there(colab: OpenNotebook, runtime: Runtime) -> None:
    notebook = colab(Front(secrets={"GITHUB_TOKEN": ADA_TOKEN}, foreign=True))
    ran = notebook.run(opening("ada/digits", runtime))
    assert ran.ok, ran.error
    assert notebook.requests[0] == "GetSecret"
    assert "request_auth" not in notebook.requests
    assert len(ran.new_cards) == 1
    assert 'class="steps"' not in ran.cards[-1]
    pushed = notebook.run("!git -C {session.worktree} push origin HEAD:refs/heads/from-a-cell && echo pushed")
    assert "pushed" in pushed.stdout, pushed
    printed = notebook.run("import os; print(dict(os.environ)); print(session, vars(session))")
    assert ADA_TOKEN not in str(ran) + str(pushed) + str(printed)


FAILURES = [
    (Front(), "Colab has no secret named GITHUB_TOKEN", "key symbol"),
    (Front(secrets={"GITHUB_TOKEN": None}), "may not read the secret GITHUB_TOKEN", "Notebook access"),
    (Front(silent={"GetSecret"}), "did not answer", "run the cell again"),
    (Front(secrets={"GITHUB_TOKEN": "two words"}), "is no token", "one word"),
]


def test_each_failure_has_its_sentence_its_remedy_and_three_steps(
    colab: OpenNotebook, runtime: Runtime
) -> None:
    notebook = colab()
    for front, said, remedy in FAILURES:
        notebook.front = front
        ran = notebook.run(opening("ada/digits", runtime))
        assert not ran.ok
        assert said in ran.error
        assert remedy in ran.error
        assert "Traceback" not in ran.error
        assert "settings/tokens/new?scopes=repo&amp;description=gitsession" in ran.cards[-1]
        assert ran.cards[-1].count("<li>") == 3
        assert not (runtime.work / "tree").exists()
    notebook.front = Front(
        secrets={"GITHUB_TOKEN": ADA_TOKEN}, delay=1.5, foreign=True
    )  # late, and not alone
    again = notebook.run(opening("ada/digits", runtime))
    assert again.ok, again.error


class TestDrive:
    """Asked last, with the reason, and not where the remote has the session."""

    def test_is_asked_after_the_token_with_its_reason(self, colab: OpenNotebook, runtime: Runtime) -> None:
        notebook = colab(Front(secrets={"GITHUB_TOKEN": ADA_TOKEN}))
        ran = notebook.run(opening("ada/digits", runtime, storage=None))
        assert ran.ok, ran.error
        asked = [kind for kind in notebook.requests if kind in ("GetSecret", "request_auth")]
        assert asked == ["GetSecret", "request_auth"]
        assert "a second copy of your work" in ran.stderr
        assert "<b>Drive</b>" in ran.cards[-1]
        done = notebook.run("session.flush(30); print(session.status().replicas)")
        assert "vault" in done.stdout, done

    def test_a_no_is_remembered(self, colab: OpenNotebook, runtime: Runtime) -> None:
        notebook = colab(Front(secrets={"GITHUB_TOKEN": ADA_TOKEN}, consent=False))
        ran = notebook.run(opening("ada/digits", runtime, storage=None))
        assert ran.ok, ran.error
        assert "Drive" not in ran.cards[-1].partition('class="meter"')[2].partition("</ol>")[0]
        assert "There is no vault" in ran.cards[-1]
        notebook.run("session.close()")
        again = notebook.run(opening("ada/digits", runtime, storage=None))
        assert again.ok, again.error
        assert notebook.requests.count("request_auth") == 1
        assert any("Drive is left out, as you said" in card for card in again.cards)

    def test_is_not_asked_for_where_the_remote_has_the_session(
        self, colab: OpenNotebook, runtime: Runtime
    ) -> None:
        notebook = colab(Front(secrets={"GITHUB_TOKEN": ADA_TOKEN}))
        notebook.run(opening("ada/digits", runtime, storage=False, session="s"))
        saved = "open(session.worktree / 'a.txt', 'w').write('x'); session.flush(30, 'safe'); session.close()"
        assert notebook.run(saved).ok
        again = notebook.run(
            opening("ada/digits", runtime, storage=None, session="s", workdir=str(runtime.work / "other"))
        )
        assert again.ok, again.error
        assert "request_auth" not in notebook.requests
        assert "Drive was not asked for" in again.cards[-1]

    def test_where_nothing_else_keeps_the_work_a_no_is_an_error(
        self, colab: OpenNotebook, runtime: Runtime
    ) -> None:
        notebook = colab(Front(secrets={"GITHUB_TOKEN": ADA_TOKEN}, consent=False))
        ran = notebook.run(opening("ada/digits", runtime, storage=None, publish=False))
        assert not ran.ok
        assert "Google Drive was not mounted" in ran.error


def test_a_token_that_comes_later_makes_the_session_push(
    colab: OpenNotebook, git_server: GitServer, runtime: Runtime
) -> None:
    git_server.forge.repository("ada/digits").private = False
    notebook = colab(Front())
    ran = notebook.run(opening("ada/digits", runtime))
    assert ran.ok, ran.error
    assert "settings/tokens/new" in ran.cards[-1]
    notebook.front.secrets["GITHUB_TOKEN"] = ADA_TOKEN
    again = notebook.run(opening("ada/digits", runtime))
    assert again.ok, again.error
    assert 'class="steps"' not in again.cards[-1]
    assert notebook.run("session.flush(30, 'safe')").ok


def test_the_tunnels_token_is_asked_for_only_when_an_editor_may_need_it(
    colab: OpenNotebook, runtime: Runtime
) -> None:
    notebook = colab(Front(secrets={"GITHUB_TOKEN": ADA_TOKEN}))
    ran = notebook.run(opening("ada/digits", runtime, editor="auto", tunnel="ngrok"))
    assert not ran.ok
    assert "Colab has no secret named NGROK_AUTHTOKEN" in ran.error
