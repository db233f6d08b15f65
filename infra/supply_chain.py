#!/usr/bin/env python3
"""Licences and sources of the dependencies, an SBOM, and a NOTICE.

    supply_chain.py check             licences and sources against deny.toml
    supply_chain.py sbom FILE         a CycloneDX 1.5 document of what is shipped
    supply_chain.py notice FILE       the licence texts of what is shipped

`check` is what `make supply-chain` falls back to where cargo-deny or the advisories are not to be had. It knows no
advisories. All of it reads Cargo.lock and the sources of all platforms; cargo downloads those that no build here needed,
and once they are there it works offline.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What runs for users; the tests and the benchmark are not shipped.
SHIPPED = re.compile(r"/(functions/|infra/|clients/cli)")
LICENCE_FILE = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|UNLICENSE|COPYRIGHT)", re.IGNORECASE)
# Data in the sources that is not ours.
EMBEDDED = [("zxcvbn, list of passwords", "4.5.0", "MIT", ROOT / "shared/src/secrets/common_passwords.LICENSE")]


def metadata():
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--all-features"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"cargo metadata failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def tokens(expression):
    return re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))


def is_allowed(expression, allowed):
    """Whether an SPDX expression can be satisfied by the allowed licences. AND binds closer than OR."""
    rest = tokens(expression)

    def either():
        result = both()
        while rest and rest[0] == "OR":
            rest.pop(0)
            result = both() or result
        return result

    def both():
        result = one()
        while rest and rest[0] == "AND":
            rest.pop(0)
            result = one() and result
        return result

    def one():
        token = rest.pop(0)
        if token == "(":
            result = either()
            rest.pop(0)
            return result
        if rest and rest[0] == "WITH":
            token = f"{token} WITH {rest.pop(0) and rest.pop(0)}"
        return token in allowed

    return either()


def check():
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    allowed = set(rules["licenses"]["allow"])
    exceptions = {entry["crate"]: set(entry["allow"]) for entry in rules["licenses"]["exceptions"]}
    sources = {f"registry+{url}" for url in rules["sources"]["allow-registry"]}
    problems, foreign = [], [package for package in metadata()["packages"] if package["source"]]
    for package in foreign:
        name = f"{package['name']} {package['version']}"
        if package["source"] not in sources:
            problems.append(f"{name}: the source {package['source']} is not allowed")
        licence = package["license"]
        if not licence or not is_allowed(licence, allowed | exceptions.get(package["name"], set())):
            problems.append(f"{name}: the licence {licence} is not allowed")
    problems += [f"deny.toml: {crate} is not a dependency any more" for crate in exceptions
                 if crate not in {package["name"] for package in foreign}]
    if problems:
        sys.exit("\n".join(problems))
    print(f"licences and sources of {len(foreign)} packages are allowed")


def shipped():
    """The packages that programs for users are built of, build scripts and their dependencies among them."""
    data = metadata()
    packages = {package["id"]: package for package in data["packages"]}
    nodes = {node["id"]: node["deps"] for node in data["resolve"]["nodes"]}
    open_, found = [id for id in data["workspace_members"] if SHIPPED.search(packages[id]["manifest_path"])], set()
    while open_:
        id = open_.pop()
        if id in found:
            continue
        found.add(id)
        open_ += [dep["pkg"] for dep in nodes[id] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]
    foreign = [packages[id] for id in found if packages[id]["source"]]
    return sorted(foreign, key=lambda package: (package["name"], package["version"]))


def sbom(path):
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(entry["name"], entry["version"]): entry.get("checksum") for entry in lock}

    def component(package):
        name, version = package["name"], package["version"]
        return {
            "type": "library", "bom-ref": f"pkg:cargo/{name}@{version}", "name": name, "version": version,
            "purl": f"pkg:cargo/{name}@{version}", "licenses": [{"expression": package["license"].replace("/", " OR ")}],
            "hashes": [{"alg": "SHA-256", "content": checksums[name, version]}],
        }

    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": {"type": "application", "name": "placet-serverless", "version": workspace["version"]}},
        "components": [component(package) for package in shipped()],
    }
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(document, indent=2) + "\n")
    print(f"{len(document['components'])} packages: {path}")


def notice(path):
    texts, without = {}, []
    for package in shipped():
        folder = Path(package["manifest_path"]).parent
        title = f"{package['name']} {package['version']} ({package['license']}) {package['repository'] or ''}".strip()
        files = sorted(file for file in folder.iterdir() if file.is_file() and LICENCE_FILE.match(file.name))
        if not files:
            without.append(title)
        for file in files:
            texts.setdefault(file.read_text(errors="replace").strip(), []).append(title)
    for name, version, licence, file in EMBEDDED:
        texts.setdefault(file.read_text().strip(), []).append(f"{name} {version} ({licence})")
    parts = ["placet-serverless contains software and data of others. Their licences:"]
    parts += ["\n".join(sorted(set(titles))) + "\n\n" + text for text, titles in sorted(texts.items(), key=lambda it: it[1])]
    parts += ["Packages whose source has no licence text; the licence is named by its identifier:\n" + "\n".join(without)]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(f"\n\n{'=' * 100}\n\n".join(parts) + "\n")
    print(f"{len(texts)} licence texts, {len(without)} packages without one: {path}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["check"]:
            check()
        case ["sbom", path]:
            sbom(path)
        case ["notice", path]:
            notice(path)
        case _:
            sys.exit(__doc__)
