from __future__ import annotations

import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gitsession.editor import extension_files, settings, vsx
from gitsession.editor.install import Installed
from gitsession.editor.server import Layout

MANIFEST = "{http://schemas.microsoft.com/developer/vsx-schema/2011}"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"


@pytest.fixture
def packed(tmp_path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(vsx.pack(tmp_path / "gitsession.vsix"))


def test_everything_is_packed_and_every_name_leads_to_a_file(packed: zipfile.ZipFile) -> None:
    names = set(packed.namelist())
    sources = {
        path.relative_to(extension_files.SOURCE).as_posix()
        for path in extension_files.SOURCE.rglob("*")
        if path.is_file()
    }
    assert names == {"extension.vsixmanifest", "[Content_Types].xml"} | {
        f"extension/{one}" for one in sources
    }
    manifest = ElementTree.fromstring(packed.read("extension.vsixmanifest"))
    assert {asset.attrib["Path"] for asset in manifest.iter(f"{MANIFEST}Asset")} <= names
    package = json.loads(packed.read("extension/package.json"))
    assert f"extension/{package['main'].removeprefix('./')}" in names
    assert package["capabilities"]["untrustedWorkspaces"] == {"supported": True}
    assert "dependencies" not in package and "scripts" not in package


def test_each_kind_of_file_has_a_type(packed: zipfile.ZipFile) -> None:
    listed = ElementTree.fromstring(packed.read("[Content_Types].xml"))
    known = {entry.attrib["Extension"] for entry in listed.iter(f"{TYPES}Default")}
    assert {Path(name).suffix for name in packed.namelist() if not name.startswith("[")} <= known


def test_equal_sources_give_an_equal_file(tmp_path: Path) -> None:
    once, again = (vsx.pack(tmp_path / name).read_bytes() for name in ("a.vsix", "b.vsix"))
    assert once == again


def test_commands_of_menus_are_declared(packed: zipfile.ZipFile) -> None:
    contributes = json.loads(packed.read("extension/package.json"))["contributes"]
    declared = {command["command"] for command in contributes["commands"]}
    used = {entry["command"] for menu in contributes["menus"].values() for entry in menu}
    assert used <= declared
    views = {view["id"] for view in contributes["views"]["gitsession"]}
    assert {welcome["view"] for welcome in contributes["viewsWelcome"]} <= views


@pytest.mark.browser
@pytest.mark.slow
def test_code_server_installs_it_without_a_network(
    code_server: Installed, sealed: Path, environment: dict[str, str]
) -> None:
    layout = Layout(sealed / "e")
    layout.create()
    nowhere = {**environment, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    vsix = vsx.pack(layout.directory / "gitsession.vsix")
    settings.install_extension(code_server, layout, nowhere, str(vsix))
    assert settings.installed_extensions(layout) == (extension_files.identity(),)
