"""Packs our extension for VS Code: a zip archive with the two manifests that `--install-extension` wants."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from gitsession.editor.extension_files import TYPES, contents, package
from gitsession.files import write_atomically

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can hold

_MANIFEST = """<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id={name} Version={version} Publisher={publisher}/>
    <DisplayName>{title}</DisplayName>
    <Description xml:space="preserve">{description}</Description>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value={engine}/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value={kind}/>
    </Properties>
    <Icon>extension/{icon}</Icon>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Dependencies/>
  <Assets>
{assets}  </Assets>
</PackageManifest>
"""


_ASSET = '    <Asset Type="Microsoft.VisualStudio.{type_}" Path="extension/{path}" Addressable="true"/>\n'


def pack(target: Path) -> Path:
    """Write the extension as a `.vsix` file; equal sources give an equal file.

    Args:
        target: Written aside and renamed into place; its name must end with `.vsix`.

    Raises:
        OSError: The disk refuses it.
    """
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _entries():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
    write_atomically(target, packed.getvalue())
    return target


def _entries() -> Iterator[tuple[str, bytes]]:
    yield "extension.vsixmanifest", _manifest(package()).encode()
    yield "[Content_Types].xml", _content_types().encode()
    for name, content in contents():
        yield f"extension/{name}", content


def _manifest(package: dict[str, Any]) -> str:
    assets = {
        "Code.Manifest": "package.json",
        "Services.Content.Details": "README.md",
        "Services.Icons.Default": package["icon"],
    }
    return _MANIFEST.format(
        name=quoteattr(package["name"]),
        version=quoteattr(package["version"]),
        publisher=quoteattr(package["publisher"]),
        title=escape(package["displayName"]),
        description=escape(package["description"]),
        engine=quoteattr(package["engines"]["vscode"]),
        kind=quoteattr(",".join(package["extensionKind"])),
        icon=escape(package["icon"]),
        assets="".join(_ASSET.format(type_=type_, path=escape(path)) for type_, path in assets.items()),
    )


def _content_types() -> str:
    known = "".join(
        f'<Default Extension=".{suffix}" ContentType="{type_}"/>' for suffix, type_ in TYPES.items()
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{known}</Types>'
    )
