import decimal
import json
import threading
import time

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.multi_turn import world as worlds
from harness.benchmarks.bfcl.multi_turn.world import World, as_text, pair

pytestmark = pytest.mark.usefixtures("bfcl_data")

ERROR = "Error during execution: "


def question(*classes, category="multi_turn_base", **configs):
    return {"id": f"{category}_0", "involved_classes": list(classes), "initial_config": configs}


def files(**contents):
    tree = {name: {"type": "file", "content": text} for name, text in contents.items()}
    return {"root": {"home": {"type": "directory", "contents": tree}}}


@pytest.fixture
def math(bfcl_data):
    return World.of(question("MathAPI"))


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("add(a=1, b=2)", '{"result": 3}'),
        ("add(a=1.0, b=2)", '{"result": 3.0}'),
        ("logarithm(value=10, base=10, precision=5)", "{'result': mpf('1.0')}"),
        ("square_root(number=4, precision=3)", "{'result': Decimal('2')}"),
        ("divide(a=1, b=0)", '{"error": "Cannot divide by zero"}'),
        ("mean(numbers=[1, 2])", '{"result": 1.5}'),
        ("mean([1, 2])", '{"result": 1.5}'),
        ("add(a=1)", ERROR + "MathAPI.add() missing 1 required positional argument: 'b'"),
        ("add(a=1, b=2, c=3)", ERROR + "MathAPI.add() got an unexpected keyword argument 'c'"),
        ("power(base=0, exponent=-1)", ERROR + "0.0 cannot be raised to a negative power"),
        ("power(bass=2, exponent=1)", ERROR + "MathAPI.power() got an unexpected keyword argument 'bass'"),
        ("nothing(a=1)", ERROR + "name 'nothing' is not defined"),
        ("add", ERROR + "name 'add' is not defined"),
        ("exit()", ERROR + "Function call exit is not allowed."),
        ("os.kill(1)", ERROR + "Function call kill is not allowed."),
        ("(1, add(a=1, b=2))", "(1, {'result': 3})"),
        ("[add(a=1, b=1)]", "[{'result': 2}]"),
        ("'text'", "text"),
        ("None", "None"),
    ],
)
def test_results_and_errors_are_written_as_upstream_writes_them(math, call, result):
    assert math.execute(call) == result


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
)


@given(st.dictionaries(st.text(), json_values))
def test_maps_are_written_as_json(value):
    assert as_text(value) == json.dumps(value)


def test_what_json_cannot_hold_is_written_by_str():
    knot = {}
    knot["itself"] = knot
    for value in ({(1, 2): 3}, {"a": {1}}, {"a": decimal.Decimal(1)}, knot, {1, 2}, None, 1.0):
        assert as_text(value) == str(value)


def test_blanks_between_a_word_and_a_bracket_are_lost_also_in_text():
    world = World.of(question("GorillaFileSystem", GorillaFileSystem=files(a="")))
    assert world.execute("echo (content='see (x)')") == '{"terminal_output": "see(x)"}'


def test_private_methods_are_not_reachable(math):
    assert "is not defined" in World.of(question("MessageAPI")).execute("_generate_id()")


def test_each_world_starts_from_the_question():
    asked = question("GorillaFileSystem", GorillaFileSystem=files(a="1"))
    World.of(asked).execute("rm(file_name='a')")
    assert World.of(asked).execute("ls()") == '{"current_directory_content": ["a"]}'


def test_default_lists_are_shared_inside_a_judgement_and_forgotten_after_it():
    asked = question("TwitterAPI", TwitterAPI={"authenticated": True})
    one, other = pair(asked)
    one.execute("post_tweet(content='x')")
    one.execute("mention(tweet_id=0, mentioned_usernames=['@a'])")
    assert '"mentions": ["@a"]' in other.execute("post_tweet(content='x')")
    assert '"mentions": []' in World.of(asked).execute("post_tweet(content='x')")


def test_quirk_26_shared_cards_do_not_leak():
    asked = question("TravelAPI", category="multi_turn_long_context", TravelAPI={"access_token": "t"})
    one, other = pair(asked)
    booking = (
        "book_flight(access_token='t', card_id='1234567812345678', travel_date='2024-10-01', travel_from='SFO', "
        "travel_to='LAX', travel_class='economy')"
    )
    balance = "get_credit_card_balance(access_token='t', card_id='1234567812345678')"
    before = other.execute(balance)
    assert '"booking_status": true' in one.execute(booking)
    assert one.execute(balance) != before == other.execute(balance) == World.of(asked).execute(balance)


@pytest.mark.parametrize("call", ["print('x')", "str(1)", "len([1])", "open('/etc/hostname').read()", "json.dumps(1)"])
def test_quirk_27_only_methods_of_environments_are_called(math, capsys, call):
    name = call.partition("(")[0].partition(".")[0]
    assert math.execute(call) == ERROR + f"name '{name}' is not defined"
    assert capsys.readouterr().out == ""


def test_quirk_28_a_methods_name_inside_a_text_stays_as_it_is():
    world = World.of(question("GorillaFileSystem", GorillaFileSystem=files(a="")))
    assert world.execute("echo(content='run sort (x)')") == '{"terminal_output": "run sort(x)"}'


def test_precision_does_not_leak(math):
    before = mpmath.mp.dps, decimal.getcontext().prec
    math.execute("logarithm(value=10, base=2, precision=50)")
    math.execute("square_root(number=2, precision=50)")
    assert (mpmath.mp.dps, decimal.getcontext().prec) == before


def test_the_clock_stands_still_in_utc(monkeypatch):
    asked = question("TradingBot", TradingBot={"authenticated": True, "market_status": "Open"})
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        world = World.of(asked)
        world.execute("fund_account(amount=1)")
        assert '"timestamp": "2024-09-02 05:40:15"' in world.execute("get_transaction_history()")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_worlds_can_be_used_by_many_threads():
    calls = [f"logarithm(value={value}, base=2, precision={value})" for value in range(5, 25)]
    alone = [World.of(question("MathAPI")).execute(call) for call in calls]
    found: dict[int, list[str]] = {}

    def work(index):
        own = World.of(question("MathAPI"))
        found[index] = [own.execute(call) for call in calls]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(results == alone for results in found.values())


def test_an_item_cannot_cost_without_end(math, monkeypatch):
    monkeypatch.setattr(worlds, "MAX_CALLS", 2)
    assert [math.execute("add(a=1, b=2)").startswith("Error") for _ in range(4)] == [False, False, True, True]
    math.new_session()
    assert math.execute("add(a=1, b=2)") == '{"result": 3}'


@pytest.mark.parametrize("category", data.MULTI_TURN)
def test_documents_and_methods_coincide(category):
    for record in data.questions(category)[:40]:
        world = World.of(record)
        named = [tool["name"] for name in record["involved_classes"] for tool in data.function_docs(name)]
        assert sorted(named) == sorted(world._methods)
