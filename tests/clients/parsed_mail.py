"""E-mails as Python's own parser reads them."""

import email
import email.policy


def parsed(raw: bytes) -> dict:
    """The headers by their names in lower case, the media type, the defects of all parts, and the texts of both parts."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return {
        "headers": {name.lower(): str(value) for name, value in message.items()},
        "type": message.get_content_type(),
        "defects": [str(defect) for part in message.walk() for defect in part.defects],
        **{kind: message.get_body(preferencelist=(kind,)).get_content() for kind in ("plain", "html")},
    }
