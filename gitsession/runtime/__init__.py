"""Kinds of machines: what each one stores, knows and forgets. `detect` says which one this is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitsession.runtime.base import Runtime
from gitsession.runtime.cloud import Cloud, provider_of
from gitsession.runtime.colab import CONTENT, CONTENT_VARIABLE, Colab
from gitsession.runtime.kaggle import ROOT, ROOT_VARIABLE, Kaggle
from gitsession.runtime.local import Local

__all__ = ["Cloud", "Colab", "Kaggle", "Local", "Runtime", "detect"]

DMI = Path("/sys/class/dmi/id")


def detect(environ: Mapping[str, str], dmi: Path = DMI) -> Runtime:
    """The kind of machine this is, from what its environment and its firmware say; no network is asked.

    Kaggle comes first because its images carry Colab's packages, and both run on Google's machines.
    """
    if "KAGGLE_KERNEL_RUN_TYPE" in environ:
        return Kaggle(environ, Path(environ.get(ROOT_VARIABLE) or ROOT))
    if "COLAB_RELEASE_TAG" in environ or "COLAB_BACKEND_VERSION" in environ:
        return Colab(Path(environ.get(CONTENT_VARIABLE) or CONTENT))
    provider = provider_of(dmi)
    return Local() if provider is None else Cloud(provider)
