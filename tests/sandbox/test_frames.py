"""The channel's bytes: any cut gives the same frames, anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox import frames


def drained(reader: frames.FrameReader) -> list[frames.Frame]:
    return list(iter(reader.next, None))


@given(st.lists(st.tuples(st.integers(1, 8), st.binary(max_size=20)), max_size=6), st.integers(1, 50))
def test_frames_survive_any_cutting(messages: list[tuple[int, bytes]], step: int) -> None:
    stream = b"".join(frames.HEADER.pack(kind, 0.5, len(body), bytes(16)) + body for kind, body in messages)
    reader, found = frames.FrameReader(20), []
    for start in range(0, len(stream), step):
        reader.feed(stream[start : start + step])
        found += drained(reader)
    assert [(frame.kind, frame.body) for frame in found] == messages


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=20)), max_size=8), st.integers(1, 80))
def test_exactly_the_frames_that_are_as_predicted_are_passed_over(calls: list[tuple[bool, bytes]], step: int) -> None:
    predicted = [frames.predict(b"d" * 16, body) for _, body in calls]
    pairs = zip(calls, predicted, strict=True)
    sent = [frame if right else frames.predict(b"w" * 16, frame) for (right, _), frame in pairs]
    stream, reader, index, others = b"".join(sent), frames.FrameReader(80), 0, []
    for start in range(0, len(stream), step):
        reader.feed(stream[start : start + step])
        while (index := reader.skip(predicted, index)) < len(calls) and reader.next():
            others.append(index)
            index += 1
    assert others == [place for place, (right, _) in enumerate(calls) if not right]
    assert index == len(calls)


@pytest.mark.parametrize(("kind", "length"), [(0, 0), (9, 0), (255, 1), (frames.VALUE, 21), (frames.VALUE, 2**32 - 1)])
def test_what_is_no_frame_is_refused_at_its_header(kind: int, length: int) -> None:
    reader = frames.FrameReader(20)
    reader.feed(frames.HEADER.pack(kind, 0.0, length, bytes(16)))
    with pytest.raises(frames.Malformed):
        reader.next()
