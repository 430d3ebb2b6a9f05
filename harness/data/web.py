"""Getting a published file from the network."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from harness.errors import DataError

if TYPE_CHECKING:
    from harness.data.pins import DataSet

LARGEST = 256 * 2**20
"""No published file is near this size in bytes; what is larger is refused."""
SECONDS = 60
"""How long a server may be silent."""


def get(url: str, data: DataSet) -> bytes:
    """The content of an address.

    Args:
        url: The address.
        data: The data set that it belongs to, which says what a user can do without a network.

    Returns:
        At most `LARGEST` bytes.

    Raises:
        DataError: It cannot be had, or is larger.
    """
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            content: bytes = answer.read(LARGEST + 1)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise DataError(f"could not download {url}: {error}", data.remedy) from error
    if len(content) > LARGEST:
        raise DataError(f"{url} is larger than any known data set", data.remedy)
    return content
