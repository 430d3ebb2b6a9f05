"""The channel's bytes: any cut gives the same frames, anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox import frames


@given(st.lists(st.tuples(st.integers(1, 7), st.binary(max_size=20)), max_size=6), st.integers(1, 50))
def test_frames_survive_any_cutting(messages: list[tuple[int, bytes]], step: int) -> None:
    stream = b"".join(frames.HEADER.pack(kind, 0.5, len(body), bytes(16)) + body for kind, body in messages)
    reader, found = frames.FrameReader(20), []
    for start in range(0, len(stream), step):
        found += reader.feed(stream[start : start + step])
    assert [(frame.kind, frame.body) for frame in found] == messages


@pytest.mark.parametrize(("kind", "length"), [(0, 0), (8, 0), (255, 1), (frames.VALUE, 21), (frames.VALUE, 2**32 - 1)])
def test_what_is_no_frame_is_refused_at_its_header(kind: int, length: int) -> None:
    with pytest.raises(frames.Malformed):
        frames.FrameReader(20).feed(frames.HEADER.pack(kind, 0.0, length, bytes(16)))
