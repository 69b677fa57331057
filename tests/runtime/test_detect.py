"""Which machine this is, where it keeps things, and when it ends."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gitsession.address import parse_address
from gitsession.errors import AuthorisationError, StorageError, UsageError
from gitsession.model import SessionName
from gitsession.proposal import finish
from gitsession.runtime import Cloud, Colab, Kaggle, Local, Runtime, detect
from gitsession.runtime.base import booted_at, estimate, in_kernel
from tests.rig.repositories import bare_repository

COLAB = {"COLAB_RELEASE_TAG": "release-colab_20261101"}
KAGGLE = {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}


@pytest.mark.parametrize(
    ("environ", "vendor", "tag", "kind", "name"),
    [
        ({}, "", "", Local, "this machine"),
        (COLAB, "Google", "", Colab, "Colab"),
        (KAGGLE, "Google", "", Kaggle, "Kaggle"),
        ({**COLAB, **KAGGLE}, "", "", Kaggle, "Kaggle"),
        ({}, "Amazon EC2", "", Cloud, "an AWS machine"),
        ({}, "Google", "", Cloud, "a Google Cloud machine"),
        ({}, "Microsoft Corporation", "7783-7084-3265-9085-8269-3286-77", Cloud, "an Azure machine"),
        ({}, "Microsoft Corporation", "", Local, "this machine"),
        ({}, "LENOVO", "", Local, "this machine"),
    ],
)
def test_detects(
    tmp_path: Path, environ: dict[str, str], vendor: str, tag: str, kind: type[Local], name: str
) -> None:
    (tmp_path / "sys_vendor").write_text(f"{vendor}\n")
    (tmp_path / "chassis_asset_tag").write_text(f"{tag}\n")
    found: Runtime = detect(environ, tmp_path)
    assert (type(found), found.name) == (kind, name)


def test_a_machine_without_firmware_tables(tmp_path: Path) -> None:
    assert type(detect({}, tmp_path / "missing")) is Local


def test_work_trees() -> None:
    assert Colab().default_worktree("x") == Path("/content/x")
    assert Kaggle({}).default_worktree("x") == Path("/kaggle/temp/x")
    assert Local().default_worktree("x") == Path.cwd() / "x"


def test_storage_of_a_plain_machine_is_the_users_data_folder(sealed: Path) -> None:
    assert Local().default_storage() == sealed / "home/.local/share/gitsession"


def test_kaggle_keeps_nothing_and_says_so() -> None:
    assert Kaggle(KAGGLE).default_storage() is None
    assert "GitHub only" in Kaggle(KAGGLE).notes[0]
    assert Kaggle(KAGGLE).interactive
    assert not Kaggle({"KAGGLE_KERNEL_RUN_TYPE": "Batch"}).interactive
    assert "Internet" in Kaggle(KAGGLE).network_hint


@pytest.mark.parametrize("machine", [Local(), Kaggle(KAGGLE)])
def test_drive_is_refused_elsewhere(machine: Runtime) -> None:
    with pytest.raises(StorageError, match="cannot be mounted on"):
        machine.mount()


class TestDeadline:
    def test_is_the_start_and_the_lifetime(self) -> None:
        found = estimate(1000.0, "12h", None)
        assert found is not None
        assert (found.at, found.estimate) == (1000.0 + 43_200, True)

    @pytest.mark.parametrize(("started", "lifetime", "usual"), [(None, "1h", 60.0), (1.0, None, None)])
    def test_is_unknown_without_either(
        self, started: float | None, lifetime: str | None, usual: float | None
    ) -> None:
        assert estimate(started, lifetime, usual) is None

    def test_a_lifetime_that_is_none_is_refused(self) -> None:
        with pytest.raises(UsageError):
            estimate(1.0, "soon", None)

    def test_starts_at_boot_and_stays(self, tmp_path: Path) -> None:
        uptime = tmp_path / "uptime"
        uptime.write_text("3600.25 7000.00\n")
        booted = booted_at(uptime)
        assert booted is not None
        assert abs(booted - (time.time() - 3600.25)) < 60

    @pytest.mark.parametrize("content", [None, "", "soon\n"])
    def test_no_uptime_no_start(self, tmp_path: Path, content: str | None) -> None:
        if content is not None:
            (tmp_path / "uptime").write_text(content)
        assert booted_at(tmp_path / "uptime") is None

    def test_usual_lifetimes(self) -> None:
        assert Colab().lifetime() == 12 * 3600
        assert Kaggle(KAGGLE).lifetime() == 12 * 3600
        assert Kaggle({**KAGGLE, "TPU_WORKER_ID": "0"}).lifetime() == 9 * 3600
        assert Local().lifetime() is None
        assert Local().deadline() is None


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **members: object) -> None:
    """A module of the platform's, which exists nowhere else; it has only what is given."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        module = ModuleType(".".join(parts[:end]))
        module.__path__ = []
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for member, value in members.items():
        setattr(sys.modules[name], member, value)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SimpleNamespace(kernel=object())
    stand_in(monkeypatch, "IPython", get_ipython=lambda: shell)


def raising(name: str) -> object:
    def raise_it(*_arguments: object, **_options: object) -> None:
        raise type(name, (Exception,), {})("the platform's own words")

    return raise_it


class TestColab:
    @pytest.mark.parametrize("name", ["MyDrive", "My Drive"])
    def test_a_mounted_drive_is_found(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "drive" / name).mkdir(parents=True)
        assert Colab(tmp_path).mount() == tmp_path / "drive" / name / "gitsession"
        assert Colab(tmp_path).default_storage() == tmp_path / "drive" / name / "gitsession"

    def test_outside_a_cell_the_way_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match="only from a notebook's cell") as caught:
            Colab(tmp_path).mount()
        assert "drive.mount(" in caught.value.hint

    @pytest.mark.usefixtures("kernel")
    def test_mounts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def mount(place: str, timeout_ms: int) -> None:
            assert timeout_ms > 0
            (Path(place) / "MyDrive").mkdir(parents=True)

        stand_in(monkeypatch, "google.colab.drive", mount=mount)
        assert Colab(tmp_path).mount() == tmp_path / "drive/MyDrive/gitsession"

    @pytest.mark.usefixtures("kernel")
    def test_unmounts_within_a_time_limit(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: dict[str, int] = {}
        stand_in(monkeypatch, "google.colab.drive", flush_and_unmount=asked.update)
        Colab(tmp_path).unmount(2.5)
        assert asked == {"timeout_ms": 2500}
        stand_in(monkeypatch, "google.colab.drive", flush_and_unmount=raising("ValueError"))
        with pytest.raises(StorageError, match="was not unmounted within 2 s") as caught:
            Colab(tmp_path).unmount(2.0)
        assert "goes on uploading" in caught.value.safe

    def test_outside_a_cell_it_stays_mounted(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match="unmounted only from a notebook's cell"):
            Colab(tmp_path).unmount(1.0)

    @pytest.mark.usefixtures("kernel")
    def test_the_end_of_a_session_offers_to_wait_for_drive(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def told(storage: Path | None, machine: Runtime, *, unmount: bool) -> list[str]:
            ground: Any = SimpleNamespace(configuration=SimpleNamespace(storage=storage and str(storage)))
            return finish._leave_storage(ground, machine, unmount=unmount)

        colab, on_drive = Colab(tmp_path), tmp_path / "drive/MyDrive/gitsession"
        on_drive.mkdir(parents=True)
        assert told(on_drive, colab, unmount=False) == [Colab.uploads]
        for storage, machine in ((None, colab), (tmp_path / "else", colab), (on_drive, Local())):
            assert told(storage, machine, unmount=False) == []
        stand_in(monkeypatch, "google.colab.drive", flush_and_unmount={}.update)
        assert told(on_drive, colab, unmount=True) == []
        stand_in(monkeypatch, "google.colab.drive", flush_and_unmount=raising("ValueError"))
        (line,) = told(on_drive, colab, unmount=True)
        assert "was not unmounted within 300 s" in line and "drive.flush_and_unmount()" in line

    @pytest.mark.usefixtures("kernel")
    def test_drive_is_left_last_once_nothing_of_the_session_uses_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        storage, order = tmp_path / "drive/MyDrive/gitsession", []
        storage.mkdir(parents=True)
        configuration = SimpleNamespace(storage=str(storage), publish=False, fork=None, runtime="r1")
        shadow = bare_repository(tmp_path / "shadow.git")
        ground: Any = SimpleNamespace(
            configuration=configuration,
            session=SessionName("ada", "lesson"),
            address=parse_address("ada/digits"),
            places=SimpleNamespace(shadow=shadow),
            token=None,
            pulls=None,
        )

        def close() -> tuple[str, ...]:
            order.append("closed")
            return ()

        def unmount(timeout_ms: int) -> None:
            assert timeout_ms == 300_000
            order.append("unmounted")

        stand_in(monkeypatch, "google.colab.drive", flush_and_unmount=unmount)
        for wanted in (False, True):
            done = finish.finish(ground, ready=False, close=close, runtime=Colab(tmp_path), unmount=wanted)
            assert (Colab.uploads in done.notes) is not wanted
            assert any("vault does not know" in line for line in done.notes)
        assert order == ["closed", "closed", "unmounted"]

    @pytest.mark.usefixtures("kernel")
    def test_a_mount_without_mydrive(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stand_in(monkeypatch, "google.colab.drive", mount=lambda *_place, **_options: None)
        with pytest.raises(StorageError, match="without its MyDrive"):
            Colab(tmp_path).mount()

    @pytest.mark.usefixtures("kernel")
    @pytest.mark.parametrize(
        ("kind", "said"), [("NotImplementedError", "Enterprise"), ("ValueError", "ValueError")]
    )
    def test_a_mount_that_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, said: str
    ) -> None:
        def mount(place: str, timeout_ms: int) -> None:
            raise {"NotImplementedError": NotImplementedError, "ValueError": ValueError}[kind]("no")

        stand_in(monkeypatch, "google.colab.drive", mount=mount)
        with pytest.raises(StorageError, match=said):
            Colab(tmp_path).mount()

    @pytest.mark.usefixtures("kernel")
    def test_gives_a_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stand_in(monkeypatch, "google.colab.userdata", get=lambda name: f"value of {name}")
        assert Colab().secret("GITHUB_TOKEN") == "value of GITHUB_TOKEN"

    @pytest.mark.usefixtures("kernel")
    def test_each_failure_has_its_own_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        said = set()
        for kind in ("SecretNotFoundError", "NotebookAccessError", "TimeoutException", "Surprise"):
            stand_in(monkeypatch, "google.colab.userdata", get=raising(kind))
            with pytest.raises(AuthorisationError) as caught:
                Colab().secret("GITHUB_TOKEN")
            assert caught.value.hint
            assert "the platform's own words" not in str(caught.value)
            said.add(str(caught.value))
        assert len(said) == 4

    def test_no_secrets_outside_a_cell(self) -> None:
        assert not in_kernel()
        with pytest.raises(AuthorisationError, match="only to a notebook's cell"):
            Colab().secret("GITHUB_TOKEN")
        assert Colab().port_url(8080) is None

    @pytest.mark.usefixtures("kernel")
    @pytest.mark.parametrize(
        ("given", "url"),
        [
            ("https://x.googleusercontent.com/", "https://x.googleusercontent.com/"),
            ("javascript:1", None),
            (None, None),
        ],
    )
    def test_its_proxy_for_a_port(
        self, monkeypatch: pytest.MonkeyPatch, given: object, url: str | None
    ) -> None:
        asked = []

        def eval_js(script: str, timeout_sec: int) -> object:
            asked.append(script)
            return given

        stand_in(monkeypatch, "google.colab.output", eval_js=eval_js)
        assert Colab().port_url(8080) == url
        assert asked == ["google.colab.kernel.proxyPort(8080)"]


class TestKaggle:
    def test_gives_a_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client = SimpleNamespace(get_secret=lambda name: f"value of {name}")
        stand_in(monkeypatch, "kaggle_secrets", UserSecretsClient=lambda: client)
        assert Kaggle(KAGGLE).secret("GITHUB_TOKEN") == "value of GITHUB_TOKEN"

    def test_each_failure_has_its_own_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        said = set()
        for kind in ("BackendError", "CredentialError", "ConnectionError", "Surprise"):
            client = SimpleNamespace(get_secret=raising(kind))
            stand_in(monkeypatch, "kaggle_secrets", UserSecretsClient=lambda client=client: client)
            with pytest.raises(AuthorisationError) as caught:
                Kaggle(KAGGLE).secret("GITHUB_TOKEN")
            assert caught.value.hint
            said.add(str(caught.value))
        assert len(said) == 4
        assert any("Switch on 'Internet'" in sentence for sentence in said)

    def test_without_its_package(self) -> None:
        with pytest.raises(AuthorisationError, match="ModuleNotFoundError"):
            Kaggle(KAGGLE).secret("GITHUB_TOKEN")

    def test_no_port_reaches_out(self) -> None:
        assert Kaggle(KAGGLE).port_url(1) is None
        assert Local().port_url(8080) == "http://127.0.0.1:8080/"
        assert Local().secret("GITHUB_TOKEN") is None
