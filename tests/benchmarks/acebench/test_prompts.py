"""What is sent, to the byte: lengths and hashes of the prompts that the official program builds.

They need the official sources, which come from the network; without them these tests are skipped.
"""

import hashlib

import pytest

from harness.benchmarks.acebench import data, prompts, texts
from harness.benchmarks.acebench.benchmark import PLUGIN
from harness.data import datasets
from harness.errors import DataError
from harness.types import Reply


@pytest.fixture(scope="module", autouse=True)
def official_sources(acebench_data):
    try:
        datasets.path(texts.SOURCES)
    except DataError as error:
        pytest.skip(str(error).splitlines()[0])


def mark(text):
    return f"{len(text)} {hashlib.sha256(text.encode()).hexdigest()[:12]}"


SINGLE = {
    "normal_single_turn_single_function": (
        ("4272 cc6e2c0a9a92", "255 c08386593f56", "15f41f908b71"),
        ("2265 d92d71c5001f", "81 f5e7d5881cf9", "c5abe565fcd9"),
    ),
    "normal_single_turn_parallel_function": (
        ("6826 5e05a03cdf45", "334 46cbfbf3e685", "61a2ec90b6c2"),
        ("1466 0b448756a650", "317 0d154dff9412", "e922055d1f43"),
    ),
    "normal_multi_turn_user_adjust": (
        ("3482 b5b0fd67bc54", "432 867381e7e1aa", "ac97aaf97952"),
        ("1838 92537dff835a", "398 ba0ead6624c7", "4e9716b2cc1f"),
    ),
    "normal_multi_turn_user_switch": (
        ("6693 396e8ef868e7", "370 df1716abe236", "0a57357f8939"),
        ("3713 fd57355d7200", "96 accc0178c3e2", "e6cad07dd653"),
    ),
    "normal_similar_api": (
        ("2833 0e6d7b4269b8", "195 d1f86cab4d79", "708613655b1b"),
        ("1311 d33cd0e30e94", "217 43d37b7bbfab", "62e4f7f9f046"),
    ),
    "normal_preference": (
        ("7235 e33e778544ba", "330 2ffa512151b4", "c64b0ca77dd4"),
        ("4136 f114d7fa33c8", "91 130718c64939", "df1607358c60"),
    ),
    "normal_atom_bool": (
        ("6926 5e8035d4ecaf", "257 70e0d31d17ef", "8c0554bccf9c"),
        ("3679 3f119f3f4be9", "126 0cbe2e6aa7d0", "85a016c5af30"),
    ),
    "normal_atom_enum": (
        ("5994 a36649759ebf", "200 ca0f34afc17b", "38526899ecf6"),
        ("5506 baa019c0b3e8", "96 8be652d84eef", "30281ccd8717"),
    ),
    "normal_atom_number": (
        ("4684 ee5a63c44dcd", "390 dd9ad4a571cd", "9b48787eee94"),
        ("3476 6f4f6d68d154", "105 22ca3852a500", "c26348aa06f3"),
    ),
    "normal_atom_list": (
        ("9474 1551fa916b1e", "205 f30ef9b5ea87", "31258e832ca0"),
        ("2663 af556033d04c", "77 210413f211cd", "eac0a666950e"),
    ),
    "normal_atom_object_deep": (
        ("4657 ee3932c125e0", "440 b4a90a4c9203", "0685932ba2ce"),
        ("3227 bf507371dc85", "164 18dcda7cbbf0", "40266ee15fab"),
    ),
    "normal_atom_object_short": (
        ("3780 d401ac202aa5", "710 8730e2cb9b17", "8e184a781873"),
        ("1830 903fc261eb4f", "102 000542b45009", "2077cc11643a"),
    ),
    "special_incomplete": (
        ("10122 fe808c7a29b6", "156 9b8a8447f250", "23c15b38fa98"),
        ("2981 3c2deccec122", "52 c7abd0ae1965", "15d42bd5960d"),
    ),
    "special_error_param": (
        ("5968 a7bddd34194a", "122 d33d674fde0d", "e648dde8cb6a"),
        ("1515 596540204bf7", "62 26e182f3a082", "6325caf59359"),
    ),
    "special_irrelevant": (
        ("4110 35536728d446", "255 c08386593f56", "0f573a018a41"),
        ("3311 7cc38303aa36", "143 b3e6c90500e2", "ae4f09439ff9"),
    ),
}
"""Category -> for English and Chinese: system and user text of the first question, and one hash over all of them."""


@pytest.mark.parametrize("place", [0, 1], ids=data.LANGUAGES)
@pytest.mark.parametrize("category", SINGLE)
def test_single_questions(category, place):
    language = data.LANGUAGES[place]
    asked = [prompts.single(language, question) for question in data.questions(language, category).values()]
    pairs = [(system["content"], user["content"]) for system, user in asked]
    whole = hashlib.sha256("\0".join(text for pair in pairs for text in pair).encode()).hexdigest()[:12]
    assert (*map(mark, pairs[0]), whole) == SINGLE[category][place]


AGENTS = {
    ("en", "agent_multi_step_0"): ("1921 c6d52166e494", "5042 ea756c20da0e", "5118 d7fb99e79fce"),
    ("en", "agent_multi_turn_0"): ("4448 ff008df61d76", "4766 529432e490a4", "4858 ce1db0742c0b"),
    ("en", "agent_multi_turn_20"): ("6809 0e5e1d9aa174", "3606 d3f2c2e1ad67", "3800 f4331443136e"),
    ("zh", "agent_multi_step_0"): ("788 639da606b6f7", "2346 4cf9280ef69c", "2403 67f569783869"),
    ("zh", "agent_multi_turn_0"): ("1431 20533056ae7d", "1690 8365cac26ef1", "1763 b93941af8ab2"),
    ("zh", "agent_multi_turn_20"): ("2067 d6ef19771288", "2513 7ed32caf46ab", "2707 a4219a7a79fe"),
}
"""System text, and the user text of the first and the second time that the agent is asked."""
USERS = {
    ("en", "agent_multi_turn_0"): "1553 643a7d409b08",
    ("en", "agent_multi_turn_20"): "1658 6385b7f8a37a",
    ("zh", "agent_multi_turn_0"): "569 1c9cf353feb0",
    ("zh", "agent_multi_turn_20"): "544 a58945fc198f",
}
"""System text of the simulated user."""


@pytest.mark.parametrize(("language", "name"), AGENTS)
def test_agents_and_their_users(language, name):
    leaf = f"{data.category_of(name)}_{language}"
    sample = next(sample for sample in PLUGIN.load((leaf,)) if sample.id == f"{language}:{name}")
    play, queries = PLUGIN.play(sample, {}), []
    query = next(play)
    while sum(query.asks == "model" for query in queries) < 2:
        queries.append(query)
        query = play.send(Reply(None, "Hello." if query.asks == "user" else "[login_device()]"))
    first, second = (query.messages for query in queries if query.asks == "model")
    assert tuple(mark(message["content"]) for message in (*first, second[1])) == AGENTS[language, name]
    if (language, name) in USERS:
        assert mark(queries[0].messages[0]["content"]) == USERS[language, name]


def test_every_text_is_found(states):
    for language in data.LANGUAGES:
        for name, digests in texts._digests().items():
            if digests[data.LANGUAGES.index(language)] is not None:
                assert texts.text(language, name)
        assert texts.states(language) == states[language]
