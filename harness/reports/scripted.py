"""Pages with a script: data as JSON, one script that the page allows by its hash, and nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.text import templates


def scripted(template: str, scripts: Sequence[str], data: Mapping[str, Any], **words: Any) -> str:
    """Render a page.

    Args:
        template: Its file; gets `script`, `digest` and `data`.
        scripts: Files that make its one script, in order.
        data: What the script reads, as JSON values.
        words: What else the template takes; escaped.

    Returns:
        HTML.
    """
    from markupsafe import Markup

    environment = templates()
    loader = environment.loader
    assert loader is not None
    script = "\n".join(loader.get_source(environment, name)[0] for name in scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # In a script element only "<" can end the text; as an escape it is the same JSON.
    text = json.dumps(data, default=str, separators=(",", ":")).replace("<", "\\u003c")
    page = environment.get_template(template)
    return page.render(words, digest=digest, script=Markup(script), data=Markup(text))
