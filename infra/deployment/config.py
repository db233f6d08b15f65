"""The parameters of each stack, in stacks.toml.

The file has the format of samconfig.toml, with one environment per stack and region, so that a deployment of one stack never
uses the parameters of another. Git ignores it.
"""

import shlex
import tomllib
from pathlib import Path

import tomlkit

from deployment import DeployError

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = "stacks.toml"
QUOTE, ESCAPED = '"', '\\"'


class StackConfig:
    """The file in a directory, which is the repository's root unless a test says otherwise."""

    def __init__(self, directory=ROOT):
        self.path = Path(directory) / FILE
        self.samconfig = Path(directory) / "samconfig.toml"

    def parameters(self, stack, region):
        """The parameters chosen for a stack; empty if none are stored."""
        environments = _read(self.path)
        if _name(stack, region) in environments:
            return _overrides(environments[_name(stack, region)])
        return self._legacy_parameters(stack, region)

    def tags(self, stack, region):
        """The tags chosen for a stack; empty if none are stored."""
        return parse_parameters(_deploy(_read(self.path).get(_name(stack, region), {})).get("tags", []))

    def regions(self, stack):
        """The regions in which the stack has been deployed from here."""
        settings = [_deploy(it) for it in _read(self.path).values()]
        return sorted(it["region"] for it in settings if it.get("stack_name") == stack)

    def region(self, stack):
        """The only region of a stack, or None if there is none."""
        regions = self.regions(stack)
        if len(regions) > 1:
            raise DeployError(f"The stack {stack} exists in {' and '.join(regions)}: choose one with AWS_REGION.")
        return regions[0] if regions else _deploy(_read(self.samconfig).get("default", {})).get("region")

    def save(self, stack, region, parameters, tags=None):
        """Stores the parameters and tags of a stack and leaves the other stacks as they are."""
        document = tomlkit.parse(self.path.read_text()) if self.path.exists() else tomlkit.document()
        settings = {"stack_name": stack, "region": region, "parameter_overrides": sam_overrides(parameters)}
        if tags:
            settings["tags"] = [f"{key}={value}" for key, value in sorted(tags.items())]
        document[_name(stack, region)] = {"deploy": {"parameters": settings}}
        self.path.write_text(tomlkit.dumps(document))

    def _legacy_parameters(self, stack, region):
        """What the guided deployment of earlier versions wrote to samconfig.toml."""
        default = _read(self.samconfig).get("default", {})
        settings = default.get("global", {}).get("parameters", {}) | _deploy(default)
        is_same = settings.get("stack_name") == stack and settings.get("region", region) == region
        return _overrides(default) if is_same else {}


def parse_parameters(pairs):
    """`["Key=value"]` as a dictionary."""
    malformed = [pair for pair in pairs if "=" not in pair]
    if malformed:
        raise DeployError(f"Parameters have the form Key=value, not {', '.join(malformed)}.")
    return dict(pair.split("=", 1) for pair in pairs)


def sam_overrides(parameters):
    """The parameters as the SAM CLI reads them. It accepts an empty value, and one with spaces, only in quotes."""
    if any("\\" in value for value in parameters.values()):
        raise DeployError("The SAM CLI passes on no parameter with a backslash.")
    return [f'{key}="{value.replace(QUOTE, ESCAPED)}"' for key, value in sorted(parameters.items())]


def _read(path):
    return tomllib.loads(path.read_text()) if path.exists() else {}


def _name(stack, region):
    return f"{stack}_{region}"


def _deploy(environment):
    return environment.get("deploy", {}).get("parameters", {})


def _overrides(environment):
    overrides = _deploy(environment).get("parameter_overrides", [])
    found = parse_parameters(shlex.split(overrides) if isinstance(overrides, str) else overrides)
    return {key: _unquoted(value) for key, value in found.items()}


def _unquoted(value):
    """The value of a pair of `sam_overrides`. Earlier versions stored values without quotes."""
    is_quoted = len(value) > 1 and value[0] == value[-1] == QUOTE
    return value[1:-1].replace(ESCAPED, QUOTE) if is_quoted else value
