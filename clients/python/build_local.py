"""Builds a wheel that carries compiled programs, so that `pip install` brings them without Rust.

    cargo build --release --workspace --bin placet-local --bin placet
    python clients/python/build_local.py target/release/placet-local target/release/placet --out dist

Its platform tag is that of this machine; on Linux with the version of glibc that the programs need.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import platform
import re
import sys
import sysconfig
import zipfile
from pathlib import Path

NAME = "placet_local"
VERSION = "0.1.0"
METADATA = f"""\
Metadata-Version: 2.4
Name: placet-local
Version: {VERSION}
Summary: placet-serverless on one machine: an inbox where AI agents ask people.
License-Expression: Apache-2.0
License-File: LICENSE
Requires-Python: >=3.8
"""
LICENSE = Path(__file__).parents[2] / "LICENSE"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("programs", nargs="+", type=Path)
    arguments.add_argument("--out", type=Path, default=Path("dist"))
    given = arguments.parse_args()

    tag = f"py3-none-{platform_tag(given.programs)}"
    info = f"{NAME}-{VERSION}.dist-info"
    wheel = f"Wheel-Version: 1.0\nGenerator: build_local\nRoot-Is-Purelib: false\nTag: {tag}\n"
    files = {f"{NAME}-{VERSION}.data/scripts/{program.name}": program.read_bytes() for program in given.programs}
    files[f"{info}/METADATA"] = METADATA.encode()
    files[f"{info}/WHEEL"] = wheel.encode()
    files[f"{info}/licenses/LICENSE"] = LICENSE.read_bytes()

    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / f"{NAME}-{VERSION}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        record = ""
        for name, content in files.items():
            add(archive, name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(content)}\n"
        add(archive, f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode())
    print(path)


def add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """With a fixed date, so that the same programs make the same wheel."""
    entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
    archive.writestr(entry, content)


def platform_tag(programs: list[Path]) -> str:
    """Such as `manylinux_2_34_x86_64` or `macosx_11_0_arm64`."""
    if sys.platform != "linux":
        return re.sub(r"[-.]", "_", sysconfig.get_platform())
    versions = [
        (int(major), int(minor))
        for program in programs
        for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", program.read_bytes())
    ]
    if not versions:
        sys.exit("no program is linked against glibc, so the wheel would need another tag")
    major, minor = max(versions)
    return f"manylinux_{major}_{minor}_{platform.machine()}"


if __name__ == "__main__":
    main()
