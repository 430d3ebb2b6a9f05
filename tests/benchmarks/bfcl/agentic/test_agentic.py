import pytest

from harness.benchmarks.bfcl import agentic, data, judge, prompts
from harness.benchmarks.bfcl.agentic import tools
from harness.types import Episode, Generation, Reply, Step

pytestmark = pytest.mark.usefixtures("bfcl_data")

ITEM = "memory_kv_0-customer-0"  # "What is my first name?" - Michael


def samples(category):
    return {sample.id: sample for sample in agentic.samples(category)}


def played(sample, before, replies):
    """Messages of every query, and the episode; the last reply is given for ever."""
    play, asked, steps = agentic.play(sample, before), [], []
    query = next(play)
    while True:
        text = replies[min(len(steps), len(replies) - 1)]
        reply = Reply(None, text)
        asked.append(query.messages)
        steps.append(Step(query.turn, Generation(text), reply))
        try:
            query = play.send(reply)
        except StopIteration:
            return asked, Episode(sample.id, tuple(steps))


@pytest.mark.parametrize(
    ("message", "answer", "found"),
    [
        ("The answer is 142", "42", False),
        ("12,000 people", "12000", True),
        ("newyork", "New York", False),
        ("New  York", "New York", False),
        ("12 000", "12000", False),
        ("U.S.A", "USA", True),
        ("3.5", "35", True),
        ("not 42 but 43", "42", True),
        ("50%", "50%", False),
        ("C++", "C++", False),
        ("$5", "$5", False),
        ("state-of-the-art", "state of the art", False),
        ("{'answer': 'Michael', 'context': ''}", "michael", True),
        ("(MICHAEL)", "Michael", True),
    ],
)
def test_answers_are_found_as_upstream_finds_them(monkeypatch, message, answer, found):
    monkeypatch.setattr(agentic.data, "answer", lambda sample_id: [answer])
    verdict = judge(ITEM, [[message]])
    assert verdict.outcome == ("pass" if found else "fail")
    assert verdict.code == (None if found else "agentic:answer_not_found")


@pytest.mark.parametrize("answer", ["$49.99", "50%", "C++"])
def test_quirk_29_answers_that_end_in_a_sign_are_not_found(monkeypatch, answer):
    monkeypatch.setattr(agentic.data, "answer", lambda sample_id: [answer])
    assert judge(ITEM, [[f"It is {answer} exactly."]]).code == "agentic:answer_not_found"


@pytest.mark.parametrize(
    ("raw", "mode", "code"),
    [
        ("Error during inference: timeout", "prompt", "agentic:inference_error"),
        ([], "prompt", "agentic:inference_error"),
        ([["Michael"], ["Michael"]], "prompt", "agentic:inference_error"),
        ([[]], "prompt", "agentic:no_last_message"),
        ([["[f(a=1)]"]], "prompt", "agentic:no_last_message"),
        ([["Michael", ""]], "prompt", "agentic:no_last_message"),
        ([["Michael", "[f(a=1)]"]], "prompt", None),
        ([["no idea", "Michael", [{"f": "{}"}]]], "fc", None),
        ([[{"answer": "Michael"}]], "prompt", None),
        ([[["Michael"]]], "prompt", None),
        ([["I do not know"]], "prompt", "agentic:answer_not_found"),
    ],
)
def test_the_last_message_without_a_call_is_looked_at(raw, mode, code):
    verdict = judge(ITEM, raw, mode=mode)
    assert (verdict.outcome, verdict.code) == ("pass" if code is None else "fail", code)


@pytest.mark.parametrize("category", ["memory_kv", "memory_rec_sum"])
def test_questions_come_first_and_depend_on_all_of_their_scenario(category):
    found = samples(category)
    earlier = [sample for sample in found.values() if agentic.is_earlier(sample.id)]
    assert (len(earlier), len(found)) == (37, 192)
    assert list(found)[155:] == [sample.id for sample in earlier]
    chain = [sample.id for sample in earlier if "-customer-" in sample.id]
    assert [found[name].after for name in chain] == [tuple(chain[:place]) for place in range(len(chain))]
    assert found[f"{category}_0-customer-0"].after == tuple(chain)


def test_what_was_remembered_is_there_in_the_next_conversation_and_in_the_question():
    found = samples("memory_kv")
    first, second = (found[name] for name in found[ITEM].after[:2])
    asked, one = played(first, {}, ["[core_memory_add(key='name', value='Michael')]", "Noted."])
    assert '{"status": "Key-value pair added."}' in [message["content"] for message in asked[1]]
    assert "There is no content in the core memory" in asked[0][0]["content"]
    asked, two = played(second, {first.id: one}, ["[core_memory_add(key='town', value='Bern')]", "Noted."])
    assert '"name": "Michael"' in asked[0][0]["content"]
    before = {first.id: one, second.id: two}
    asked, episode = played(found[ITEM], before, ["[core_memory_retrieve(key='town')]", "{'answer': 'Michael'}"])
    assert '"town": "Bern"' in asked[0][0]["content"]
    assert asked[1][-1]["content"] == '{"value": "Bern"}'
    assert agentic.check(found[ITEM], episode)["memory_kv"].outcome == "pass"
    assert agentic.check(first, one) == {}
    assert played(found[ITEM], before, ["{'answer': 'Michael'}"])[0][0] == asked[0]  # nothing was stored


def test_a_summary_is_carried_over_too():
    found = samples("memory_rec_sum")
    first, second = list(found.values())[155:157]
    _, one = played(first, {}, ["[memory_append(text='Her name is Ann.')]", "Noted."])
    asked, _ = played(second, {first.id: one}, ["ok"])
    assert "Her name is Ann." in asked[0][0]["content"]


def test_system_texts_stand_in_upstreams_order():
    texts = prompts.constants()
    system = played(samples("memory_kv")[ITEM], {}, ["ok"])[0][0][0]
    assert system["role"] == "system"
    assert system["content"].startswith(texts["MEMORY_AGENT_SETTINGS"]["customer"])
    assert system["content"].endswith("\n\n" + texts["ADDITIONAL_SYSTEM_PROMPT_FOR_AGENTIC_RESPONSE_FORMAT"])
    prepared = played(samples("memory_kv")["memory_kv_prereq_0-customer-0"], {}, ["ok"])[0][0][0]
    assert texts["ADDITIONAL_SYSTEM_PROMPT_FOR_AGENTIC_RESPONSE_FORMAT"] not in prepared["content"]


def test_keys_are_searched_by_bm25():
    found = samples("memory_kv")
    first = found["memory_kv_prereq_0-customer-0"]
    replies = [
        "[core_memory_add(key='first_name', value='a'), core_memory_add(key='town', value='b')]",
        "[core_memory_key_search(query='name', k=1)]",
        "done",
    ]
    asked, _ = played(first, {}, replies)
    assert '"first_name"' in asked[2][-1]["content"]
    assert '"town"' not in asked[2][-1]["content"]


def test_a_category_whose_tools_are_missing_is_left_out_with_the_remedy(monkeypatch, caplog):
    monkeypatch.setattr(
        tools, "NEEDS", {**tools.NEEDS, "memory_vector": tools.Needs(("no_such_module",), "memory-vector")}
    )
    assert agentic.samples("memory_vector") == []
    assert "pip install 'faiss-cpu>=" in caplog.text
    monkeypatch.delenv(tools.SEARCH_KEY, raising=False)
    monkeypatch.setattr(tools, "NEEDS", {**tools.NEEDS, "web_search_base": tools.Needs((), "", tools.SEARCH_KEY)})
    assert tools.SEARCH_KEY in (agentic.unavailable("web_search_base") or "")


def test_recorded_results_are_judged_without_the_tools():
    item = data.questions("web_search_base")[0]["id"]
    assert judge(item, [[data.answer(item)[0]]]).outcome == "pass"
