#!/usr/bin/env python3
"""Fails if a class file needs a Java later than 8. Usage: java_versions.py JAR..."""

import struct
import sys
import zipfile

JAVA_8 = 52


def version(content: bytes) -> int:
    magic, _, major = struct.unpack(">IHH", content[:8])
    assert magic == 0xCAFEBABE
    return major


def main(jars: list[str]) -> None:
    count = 0
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                # Java 8 reads neither these folders nor descriptions of modules.
                later = name.startswith("META-INF/versions/") or name.endswith("module-info.class")
                if name.endswith(".class") and not later:
                    found = version(archive.read(name))
                    if found > JAVA_8:
                        sys.exit(f"{jar}: {name} has version {found}; Java 8 reads {JAVA_8}")
                    count += 1
    assert count > 1_000, f"only {count} class files"
    print(f"{count} class files of {len(jars)} jars run on Java 8")


if __name__ == "__main__":
    main(sys.argv[1:])
