"""Generates src/tidu from the .proto files. `pip install` runs it."""

from __future__ import annotations

import importlib.resources
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent


def protos() -> Path:
    """In the repository they lie above the client, in a source distribution inside it."""
    inside = HERE / "proto"
    return inside if inside.is_dir() else HERE.parent.parent / "proto"


def generate() -> None:
    from grpc_tools import protoc

    # protoc finds its plugins on the path: those of this interpreter, which may not be activated.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    source, target = protos(), HERE / "src"
    shutil.rmtree(target / "tidu", ignore_errors=True)
    outputs = ("python", "grpc_python", "mypy", "mypy_grpc")
    arguments = ["protoc", f"-I{source}", f"-I{importlib.resources.files('grpc_tools') / '_proto'}"]
    arguments += [f"--{name}_out={target}" for name in outputs]
    arguments += sorted(str(path) for path in (source / "tidu").rglob("*.proto"))
    if protoc.main(arguments) != 0:
        raise RuntimeError(f"protoc cannot generate code from {source}")
    for directory in (target / "tidu", target / "tidu" / "v1"):
        (directory / "__init__.py").touch()
        (directory / "py.typed").touch()


class GenerateHook(BuildHookInterface[Any]):
    """The build hook that pyproject.toml names."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel":
            generate()


if __name__ == "__main__":
    generate()
