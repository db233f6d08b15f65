"""A plugin of an installation's own."""

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path

PAGE = "<!doctype html><html><head></head><body><script>document.title = Placet.data.title</script></body></html>"


@contextmanager
def directory(version="1.0.0"):
    """A new directory with the plugin `own-card`."""
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    manifest = {"name": "own-card", "displayName": "Own card", "version": version, "inputSchema": schema}
    with tempfile.TemporaryDirectory() as it:
        plugin = Path(it) / "own-card"
        plugin.mkdir()
        (plugin / "plugin.json").write_text(json.dumps(manifest))
        (plugin / "render.html").write_text(PAGE)
        yield it
