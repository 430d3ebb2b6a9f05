"""The OpenAI engine against a real server on the loopback interface that misbehaves in every known way."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engines import _servers, _wire
from harness.engines.openai import PLUGIN, OpenAISession, base_urls
from harness.errors import UsageProblem
from harness.types import Completion, EngineSettings, NativeCall, Prompt, RequestKey, Sampling
from tests.servers import Answer, Asked, Loopback, chat, loopback
from tests.tinymodels import make_tiny_qwen2

ASK = Prompt(({"role": "user", "content": "Hi \ud800"},))
THINK_PLAIN = Prompt(({"role": "user", "content": "Hi"},), prefix="<think>\n")
THINK = Prompt(ASK.messages, prefix="<think>\n")
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_servers, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(_servers, "REST", 0.5)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")


def opened(*servers: Loopback, **settings: Any) -> OpenAISession:
    urls = tuple(server.url for server in servers)
    return PLUGIN.open(EngineSettings(**{"model": "m", "base_urls": urls, "request_timeout": 5.0} | settings))


def drain(session: OpenAISession) -> Iterator[Completion]:
    while batch := session.collect():
        yield from batch


def one(session: OpenAISession, prompt: Prompt = ASK, sampling: Sampling = Sampling()) -> Completion:  # noqa: B008
    session.submit(RequestKey("a", 0, 0), prompt, sampling)
    [completion] = drain(session)
    session.close()
    return completion


def always(body: Any, **more: Any) -> Callable[[Asked], Answer]:
    return lambda asked: Answer({"data": []}) if asked.path.endswith("/models") else Answer(body, **more)


def in_turn(*answers: Answer) -> Callable[[Asked], Answer]:
    """The answers in order, and the last one for ever."""
    left = list(answers)

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/models"):
            return Answer({"data": [{"id": "m"}]})
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def test_a_request_says_what_was_asked_and_the_reply_is_read() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=7, seed=3, stop=("\n",))
    schema = {"type": "object"}
    with loopback(always(chat())) as server:
        session = opened(server, options={"check_tools": False})
        done = one(session, Prompt(ASK.messages, (TOOL,), schema=schema), sampling)
    assert done.generation is not None
    assert (done.generation.text, done.generation.finish) == ("[f(a=1)]", "stop")
    assert (done.generation.prompt_tokens, done.generation.completion_tokens) == (11, 5)
    assert done.generation.seconds > 0
    [asked] = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer sk-secret"
    assert asked.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi \ud800"}],
        "tools": [TOOL],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "seed": 3,
        "stop": ["\n"],
        "response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}},
    }


def test_a_prefix_is_a_message_to_be_continued() -> None:
    with loopback(always(chat("so.\n</think>\n\n[f()]"))) as server:
        done = one(opened(server), THINK)
    assert done.generation
    assert done.generation.text == "so.\n</think>\n\n[f()]"
    body = server.asked[0].body
    assert body["messages"][-1] == {"role": "assistant", "content": "<think>\n"}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)


RAW = Prompt(({"role": "user", "content": "def f():\n"},), prefix="    ", raw=True)
STOPS = ("\ndef ", "\nclass ", "\nif ", "\nprint(", "\nassert")


def written(text: str) -> dict[str, Any]:
    return {"choices": [{"text": text, "finish_reason": "length"}], "usage": {}}


def test_text_is_continued_without_a_tokenizer_and_without_a_template() -> None:
    with loopback(always(written("return 1\nassert f()"))) as server:
        done = one(opened(server), RAW, Sampling(stop=STOPS))
    assert done.generation
    assert (done.generation.text, done.generation.finish) == ("return 1", "stop")  # the server did not stop there
    [asked] = server.asked
    assert asked.path == "/v1/completions"
    assert asked.body["prompt"] == "def f():\n    "
    assert asked.body["stop"] == list(STOPS)
    assert "add_special_tokens" not in asked.body


def test_a_server_that_takes_few_stop_strings_is_sent_four_and_all_end_the_reply() -> None:
    refusal = Answer({"error": {"message": "'stop' is too long: at most 4", "param": "stop"}}, status=400)
    with loopback(in_turn(refusal, Answer(written("return 1\nassert f()")))) as server:
        done = one(opened(server), RAW, Sampling(stop=STOPS))
    assert done.generation
    assert done.generation.text == "return 1"
    assert [asked.body["stop"] for asked in server.asked] == [list(STOPS), list(STOPS[:4])]


def test_a_server_that_refuses_four_stop_strings_too_is_a_fault() -> None:
    refusal = Answer({"error": {"message": "no stop strings here"}}, status=400)
    with loopback(in_turn(refusal)) as server:
        done = one(opened(server), RAW, Sampling(stop=STOPS[:4]))
    assert done.generation is None
    assert "no stop strings here" in str(done.fault)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<think>\nso.\n</think>\n\n[f()]", "so.\n</think>\n\n[f()]"),
        ("\n<think>so.\n</think>\n\n[f()]", "so.\n</think>\n\n[f()]"),
        ("<thinking> is hard", "<thinking> is hard"),
        ("so <think>\n", "so <think>\n"),
        ("", ""),
    ],
)
def test_an_echoed_prefix_is_dropped(content: str, text: str) -> None:
    with loopback(always(chat(content))) as server:
        done = one(opened(server), THINK)
    assert done.generation
    assert done.generation.text == text


def test_what_no_prefix_was_forced_on_is_left_as_it_is() -> None:
    with loopback(always(chat("<think>\nso."))) as server:
        done = one(opened(server))
    assert done.generation
    assert done.generation.text == "<think>\nso."


def with_tools(tokens: int) -> Callable[[Asked], Answer]:
    """A server for which a tool costs so many tokens."""

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/models"):
            return Answer({"data": []})
        usage = {"prompt_tokens": 7 + tokens * ("tools" in asked.body), "completion_tokens": 1}
        return Answer(chat() | {"usage": usage})

    return answer


def test_a_server_whose_template_drops_tools_is_found_out_once() -> None:
    with loopback(with_tools(0)) as server:
        session = opened(server)
        for name in "abc":
            session.submit(RequestKey(name, 0, 0), Prompt(ASK.messages, (TOOL,)), Sampling())
        session.submit(RequestKey("bare", 0, 0), ASK, Sampling())
        done = {completion.key.sample_id: completion for completion in drain(session)}
        session.close()
    assert done["bare"].generation
    for name in "abc":
        assert "chat template drops tools: 7 prompt tokens with and without one" in (done[name].fault or "")
    assert len(server.asked) == 3


@pytest.mark.parametrize("usage", [None, 5])
def test_a_server_that_takes_tools_or_does_not_tell_is_asked(usage: int | None) -> None:
    silent = always({key: value for key, value in chat().items() if key != "usage"})
    with loopback(silent if usage is None else with_tools(usage)) as server:
        done = one(opened(server), Prompt(ASK.messages, (TOOL,)))
    assert done.generation
    assert [len(asked.body.get("tools", ())) for asked in server.asked] == [0, 1, 1]
    assert server.asked[-1].body["tools"] == [TOOL]


def refusing(*fields: str, status: int = 422) -> Callable[[Asked], Answer]:
    """A server that names the fields it does not know, as `transformers serve` does."""

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/models"):
            return Answer({"data": []})
        if strange := [field for field in fields if field in asked.body]:
            return Answer({"detail": f"Unexpected fields in the request: {set(strange)}"}, status)
        choice = {"text": "x", "message": {"content": "x"}, "finish_reason": "stop"}
        return Answer({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}})

    return answer


@pytest.mark.parametrize("status", [400, 422])
def test_a_field_that_is_refused_and_can_be_spared_is_left_out_from_then_on(folder: Path, status: int) -> None:
    fields = ("continue_final_message", "add_generation_prompt", "add_special_tokens", "seed")
    with loopback(refusing(*fields, status=status)) as server:
        session = opened(server, tokenizer=str(folder), concurrency=1)
        for name in "abc":
            session.submit(RequestKey(name, 0, 0), THINK_PLAIN, Sampling(seed=1))
        done = list(drain(session))
        session.close()
    assert [completion.fault for completion in done] == [None] * 3
    asked = [(asked.path.removeprefix("/v1/"), len(asked.body)) for asked in server.asked]
    assert asked[:3] == [("chat/completions", 7), ("chat/completions", 6), ("completions", 5)]
    assert asked[3:] == [("completions", 4)] * 3
    assert server.asked[-1].body["prompt"] == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n"


def test_a_continuation_is_never_left_out() -> None:
    with loopback(refusing("continue_final_message", "add_generation_prompt")) as server:
        done = one(opened(server), THINK)
    assert "--model-args api=completions --tokenizer" in (done.fault or "")
    assert len(server.asked) == 1


def test_a_server_that_adds_special_tokens_gets_a_text_without_them() -> None:
    class Tokenizer:
        bos_token = "<s>"

        def encode(self, text: str, add_special_tokens: bool = True) -> list[str]:
            words = text.replace("<s>", "<s> ").split()
            return ["<s>", *words] if add_special_tokens else words

    assert _wire.unmarked(Tokenizer(), "<s>Hi there") == "Hi there"
    with pytest.raises(ValueError, match="would add tokens"):
        _wire.unmarked(Tokenizer(), "Hi there")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen2(tmp_path_factory.mktemp("openai") / "model")


def test_completions_send_the_text_rendered_here(folder: Path) -> None:
    with loopback(always({"choices": [{"text": "x", "finish_reason": "length"}]})) as server:
        done = one(
            opened(server, options={"api": "completions"}, tokenizer=str(folder)),
            Prompt(({"role": "user", "content": "Hi"},), prefix="<think>\n"),
        )
    assert done.generation
    assert (done.generation.text, done.generation.finish, done.generation.prompt_tokens) == ("x", "length", 0)
    [asked] = server.asked
    assert asked.path == "/v1/completions"
    assert asked.body["prompt"] == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n"
    assert asked.body["add_special_tokens"] is False


def test_auto_turns_to_completions_when_a_continuation_is_refused(folder: Path) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/chat/completions"):
            return Answer({"error": "unknown parameter continue_final_message"}, status=400)
        return Answer({"choices": [{"text": "x", "finish_reason": "stop"}]})

    ask = Prompt(({"role": "user", "content": "Hi"},), prefix="<think>\n")
    with loopback(answer) as server:
        session = opened(server, tokenizer=str(folder), concurrency=1)
        for step in range(3):
            session.submit(RequestKey("a", 0, step), ask, Sampling())
        assert all(done.generation for done in drain(session))
        session.close()
        assert [asked.path.rpartition("v1/")[2] for asked in server.asked] == ["chat/completions", *["completions"] * 3]
        refused = one(opened(server), ask)
    assert "api=completions" in (refused.fault or "")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}]}, (NativeCall("f", '{"a": 1}'),)),
        ({"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}, (NativeCall("f", '{"a": 1}'),)),
        ({"tool_calls": [{"function": {"name": "f", "arguments": "{broken"}}]}, (NativeCall("f", "{broken"),)),
        ({"tool_calls": [{"function": {"name": "f"}}]}, (NativeCall("f", "{}"),)),
        ({"tool_calls": []}, None),
        ({"tool_calls": None}, None),
        ({}, None),
    ],
)
def test_native_calls_come_back_as_received(message: dict[str, Any], expected: object) -> None:
    with loopback(always(chat(None, "tool_calls", **message))) as server:
        done = one(opened(server))
    assert done.generation
    assert done.generation.tool_calls == expected
    assert done.generation.text == ""


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_that_a_server_parsed_is_kept_apart(name: str) -> None:
    with loopback(always(chat("[f()]", **{name: "so"}))) as server:
        done = one(opened(server))
    assert done.generation
    assert (done.generation.reasoning, done.generation.text) == ("so", "[f()]")


BROKEN = {
    "429": Answer({"error": "slow down"}, status=429, headers=(("retry-after", "0.01"),)),
    "500": Answer(b"<html>oops", status=500),
    "garbage": Answer(b"\x00\xff garbage"),
    "half": Answer(chat(), cut=20),
    "no body": Answer(b""),
    "deep": Answer(b"[" * 100_000),
    "no choices": Answer({"choices": []}),
    "null choice": Answer({"choices": None}),
    "not an object": Answer([1, 2]),
    "no message": Answer({"choices": [{"finish_reason": "stop"}]}),
    "content is a number": Answer(chat(7)),  # type: ignore[arg-type]
    "reasoning is a list": Answer(chat("x", reasoning=["a"])),
    "unfinished": Answer(chat(finish=None)),
    "aborted": Answer(chat("x", "abort")),
    "nameless call": Answer(chat(None, tool_calls=[{"function": {"name": None, "arguments": "{}"}}])),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_reply_is_asked_again(kind: str) -> None:
    with loopback(in_turn(BROKEN[kind], BROKEN[kind], Answer(chat()))) as server:
        done = one(opened(server))
    assert done.generation is not None, done.fault
    assert len(server.asked) == 3


@pytest.mark.parametrize("kind", BROKEN)
def test_a_server_that_stays_broken_is_a_fault_and_never_a_reply(kind: str) -> None:
    with loopback(in_turn(BROKEN[kind])) as server:
        done = one(opened(server, options={"retries": 2}))
    assert done.generation is None
    assert "(3 attempts)" in (done.fault or "")
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_a_fault_at_once_and_shows_no_key(status: int) -> None:
    with loopback(always({"error": "bad key sk-secret"}, status=status)) as server:
        done = one(opened(server))
    assert f"HTTP {status}" in (done.fault or "")
    assert "***" in (done.fault or "")
    assert "sk-secret" not in (done.fault or "")
    assert len(server.asked) == 1


def test_a_hanging_server_is_tried_twice_and_given_up() -> None:
    with loopback(always(chat(), delay=60.0)) as server:
        began = time.monotonic()
        done = one(opened(server, request_timeout=0.3))
    assert "no reply in 0.3 s" in (done.fault or "")
    assert len(server.asked) == 2
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("header", ["0.6", "soon"])
def test_retry_after_is_obeyed(header: str) -> None:
    slow_down = Answer(b"", status=429, headers=(("retry-after", header),))
    with loopback(in_turn(slow_down, Answer(chat()))) as server:
        done = one(opened(server))
    assert done.generation
    assert (done.generation.seconds >= 0.6) == (header == "0.6")


def test_retry_after_may_be_a_date() -> None:
    assert _servers._asked_for("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert _servers._asked_for("Wed, 21 Oct 2115 07:28:00 GMT") > 1e9  # type: ignore[operator]
    assert _servers._asked_for("") is None


def test_concurrency_is_bounded_and_used() -> None:
    with loopback(always(chat(), delay=0.05)) as server:
        session = opened(server, concurrency=8)
        for step in range(40):
            session.submit(RequestKey("a", 0, step), ASK, Sampling())
        assert len({done.key for done in drain(session)}) == 40
        session.close()
    assert server.most == 8
    assert session.slots == 8


def test_servers_share_the_load_and_a_dead_ones_requests_go_to_the_others() -> None:
    with loopback(always(chat(), delay=0.02)) as first, loopback(always(chat(), delay=0.02)) as second:
        session = opened(first, second, concurrency=4)
        for step in range(40):
            session.submit(RequestKey("a", 0, step), ASK, Sampling())
        list(drain(session))
        assert min(len(first.asked), len(second.asked)) >= 15
        with loopback(always(chat())) as dying:
            three = opened(dying, first, concurrency=4)
        for step in range(20):
            three.submit(RequestKey("b", 0, step), ASK, Sampling())
        done = list(drain(three))
        assert len(done) == 20
        assert all(completion.generation for completion in done)
        session.close()
        three.close()


def test_no_server_and_a_refused_key_are_errors_before_the_run() -> None:
    with loopback(always(chat())) as server:
        pass
    with pytest.raises(UsageProblem, match=f"no server at {server.url}"):
        opened(server)
    with (
        loopback(lambda asked: Answer({"error": "wrong key sk-secret"}, status=401)) as server,
        pytest.raises(UsageProblem, match=r"refuses the key: .*\*\*\*.*\n.*OPENAI_API_KEY"),
    ):
        opened(server)


def test_a_model_that_the_server_does_not_list_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), loopback(in_turn(Answer(chat()))) as server:
        opened(server, model="n").close()
    assert "does not list 'n', but: m" in caplog.text


def test_the_environments_proxy_is_used_and_its_exceptions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with loopback(always(chat())) as server:
        monkeypatch.setenv("http_proxy", server.url.replace("//", "//me:s%20t@").removesuffix("/v1"))
        for url in ("http://gpu.example:8000/v1", server.url):
            assert one(PLUGIN.open(EngineSettings("m", base_urls=(url,)))).generation
    proxied, direct = server.asked
    assert proxied.path == "http://gpu.example:8000/v1/chat/completions"
    assert proxied.headers["proxy-authorization"] == "Basic bWU6cyB0"
    assert direct.path == "/v1/chat/completions"
    assert "proxy-authorization" not in direct.headers


def test_a_key_cannot_smuggle_in_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk\r\nx-evil: 1")
    with pytest.raises(UsageProblem, match="OPENAI_API_KEY holds a line break"):
        PLUGIN.open(EngineSettings("m", base_urls=("http://localhost:1",)))


def test_closing_gives_up_what_is_under_way() -> None:
    with loopback(always(chat(), delay=60.0)) as server:
        session = opened(server)
        session.submit(RequestKey("a", 0, 0), ASK, Sampling())
        time.sleep(0.1)
        began = time.monotonic()
        session.close()
        session.close()
        assert time.monotonic() - began < 2


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(*urls: str, **more: Any) -> list[str]:
        return base_urls(EngineSettings(model="m", base_urls=urls, **more))

    assert of("http://gpu:8000", "http://gpu/api/v3/") == ["http://gpu:8000/v1", "http://gpu/api/v3"]
    assert of() == ["https://api.openai.com/v1"]
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    assert of(offline=True) == ["http://localhost:1/v1"]
    with pytest.raises(UsageProblem, match="is not an address"):
        of("localhost:8000")
    with pytest.raises(UsageProblem, match="not on this machine"):
        of("http://gpu:8000", offline=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"options": {"retry": 1}}, "Did you mean retries"),
        ({"options": {"api": "chats"}}, "Did you mean chat"),
        ({"options": {"api": "completions"}}, "--tokenizer"),
        ({"options": {"extra_body": "top_k"}}, "extra_body is not an object"),
        ({"adapter": "lora"}, "--lora-modules"),
        ({"base_urls": (), "api_key_env": "NO_SUCH_KEY"}, "NO_SUCH_KEY is not set"),
    ],
)
def test_settings_that_cannot_be_honoured_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        PLUGIN.open(EngineSettings(**{"model": "m", "base_urls": ("http://localhost:1",)} | settings))
