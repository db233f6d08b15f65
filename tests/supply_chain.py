"""What infra/supply_chain.py lets pass: `python3 tests/supply_chain.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "infra"))
import supply_chain  # noqa: E402

ALLOWED = {"MIT", "Apache-2.0", "BSD-3-Clause", "Apache-2.0 WITH LLVM-exception"}

for expression, expected in {
    "MIT": True,
    "MIT/Apache-2.0": True,
    "GPL-3.0": False,
    "MIT OR GPL-3.0": True,
    "GPL-3.0 OR MIT": True,
    "MIT AND GPL-3.0": False,
    "(MIT OR GPL-3.0) AND BSD-3-Clause": True,
    "(MIT OR Apache-2.0) AND GPL-3.0": False,
    "GPL-3.0 OR MIT AND BSD-3-Clause": True,
    "MIT AND GPL-3.0 OR GPL-2.0": False,
    "Apache-2.0 WITH LLVM-exception": True,
    "GPL-2.0 WITH LLVM-exception": False,
    "Apache-2.0 WITH LLVM-exception OR GPL-2.0": True,
}.items():
    assert supply_chain.is_allowed(expression, ALLOWED) is expected, expression

shipped = {package["name"] for package in supply_chain.shipped()}
assert {"axum", "lambda_http", "dynoxide-rs", "argon2"} <= shipped, "what is shipped is found"
assert not shipped & {"insta", "reqwest-eventsource"}, "what only tests need is not shipped"
print("supply chain: ok")
