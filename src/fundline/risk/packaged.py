"""The packaged models: which there are, and whether each can be used."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fundline.risk.artefact import MODELS_DIRECTORY, available_versions, load_model
from fundline.risk.manifest import ModelRefused


class PackagedModels:
    def __init__(self, directory: Path = MODELS_DIRECTORY) -> None:
        self._directory = directory

    def versions(self) -> Sequence[str]:
        return available_versions(self._directory)

    def refuse_unloadable(self, version: str) -> None:
        """Raises ModelRefused."""
        load_model(self._directory / version)

    def describe(self, version: str) -> Mapping[str, Any]:
        """Its kind and its AUC out of time; for an artefact that is refused, why."""
        try:
            manifest = load_model(self._directory / version).manifest
        except ModelRefused as error:
            return {"kind": None, "auc": None, "refusedBecause": str(error)}
        auc = manifest.out_of_time.get("auc")
        return {
            "kind": manifest.kind,
            "auc": None if auc is None else round(auc, 4),
            "refusedBecause": None,
        }
