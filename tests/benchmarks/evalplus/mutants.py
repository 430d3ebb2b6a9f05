"""Programs made from a right one, each wrong, odd or slow in its own way."""

from __future__ import annotations

WRAP = """
{reference}

_right = {name}
_calls = 0


def {name}(*arguments):
    global _calls
    _calls += 1
{body}


def _change(value, change):
    if type(value) in (list, tuple):
        return type(value)([_change(item, change) for item in value])
    if type(value) is dict:
        return {{key: _change(item, change) for key, item in value.items()}}
    return change(value)
"""

RETURNS = {
    "right": "_right(*arguments)",
    "none": "None",
    "zero": "0",
    "true": "True",
    "nan": "float('nan')",
    "object": "object()",
    "off by one": "_change(_right(*arguments), lambda x: x + 1 if isinstance(x, (int, float)) else x)",
    "negated": "_change(_right(*arguments), lambda x: -x if isinstance(x, (int, float)) else x)",
    "as text": "str(_right(*arguments))",
    "as floats": "_change(_right(*arguments), lambda x: float(x) if isinstance(x, int) and abs(x) < 2**50 else x)",
    "as integers": "_change(_right(*arguments), lambda x: int(x) if isinstance(x, float) and x == x // 1 else x)",
    "slightly off": "_change(_right(*arguments), lambda x: x * (1 + 1e-9) if isinstance(x, (int, float)) else x)",
    "within tolerance": "_change(_right(*arguments), lambda x: x + 5e-7 if isinstance(x, float) else x)",
    "beyond tolerance": "_change(_right(*arguments), lambda x: x + 1e-3 if isinstance(x, float) else x)",
    "integers slightly off": "_change(_right(*arguments), lambda x: x + 1 if type(x) is int and x > 10**8 else x)",
    "list and tuple swapped": "(lambda x: tuple(x) if type(x) is list else list(x) if type(x) is tuple else x)"
    "(_right(*arguments))",
    "set": "(lambda x: set(x) if type(x) is list else x)(_right(*arguments))",
    "iterator": "(lambda x: iter(x) if type(x) in (list, tuple) else x)(_right(*arguments))",
    "reversed": "(lambda x: x[::-1] if type(x) in (list, tuple, str) else x)(_right(*arguments))",
    "numpy scalars": "_change(_right(*arguments), lambda x: __import__('numpy').int64(x) if type(x) is int and "
    "abs(x) < 2**60 else __import__('numpy').float64(x) if type(x) is float else x)",
    "numpy array": "(lambda x: __import__('numpy').array(x) if type(x) is list else x)(_right(*arguments))",
    "single precision": "_change(_right(*arguments), lambda x: __import__('numpy').float32(x) "
    "if type(x) in (int, float) and abs(x) < 1e38 else x)",
    "half precision": "_change(_right(*arguments), "
    "lambda x: __import__('numpy').float16(x) if type(x) is float else x)",
    "half precision off": "_change(_right(*arguments), lambda x: __import__('numpy').float16(x * 1.002) "
    "if type(x) is float else x)",
    "single precision array": "(lambda x: __import__('numpy').array(x, dtype='f') if type(x) is float else "
    "[__import__('numpy').array(i, dtype='f') for i in x] if type(x) is list and x and type(x[0]) is float else x)"
    "(_right(*arguments))",
    "long double": "_change(_right(*arguments), "
    "lambda x: __import__('numpy').longdouble(x) if type(x) is float else x)",
    "long double off": "_change(_right(*arguments), lambda x: __import__('numpy').longdouble(x) + "
    "__import__('numpy').longdouble('1e-18') if type(x) is float else x)",
    "user classes": "(lambda x, c=__import__('collections'): c.UserList(x) if type(x) is list else c.UserString(x) "
    "if type(x) is str else c.UserDict(x) if type(x) is dict else x)(_right(*arguments))",
    "user lists inside": "(lambda x, c=__import__('collections'): [c.UserList(i) if type(i) is list else i for i in x] "
    "if type(x) is list else x)(_right(*arguments))",
    "chain map": "(lambda x: __import__('collections').ChainMap(x) if type(x) is dict else x)(_right(*arguments))",
    "mapping proxy": "(lambda x: __import__('types').MappingProxyType(x) if type(x) is dict else x)"
    "(_right(*arguments))",
    "user list off": "(lambda x, c=__import__('collections'): c.UserList(_change(x, lambda i: i + 1e-9 "
    "if type(i) is float else i)) if type(x) is list else x)(_right(*arguments))",
    "decimal": "_change(_right(*arguments), lambda x: __import__('decimal').Decimal(x) if type(x) is int else x)",
    "list subclass": "(lambda x: type('L', (list,), {{}})(x) if type(x) is list else x)(_right(*arguments))",
    "ordered": "(lambda x: __import__('collections').OrderedDict(x) if type(x) is dict else x)(_right(*arguments))",
    "other order": "(lambda x: dict(reversed(x.items())) if type(x) is dict else x)(_right(*arguments))",
}

BODIES = {
    "raises": "raise ValueError('no')",
    "raises later": "if _calls == 3:\n    raise KeyError(1)\nreturn _right(*arguments)",
    "wrong later": "return _right(*arguments) if _calls != 4 else 'wrong'",
    "exits": "raise SystemExit(0)",
    "exits hard": "import os\nos._exit(0)",
    "recursion": "return {name}(*arguments)",
    "endless": "while True:\n    pass",
    "endless later": "while _calls == 2:\n    pass\nreturn _right(*arguments)",
    "endless, catching": "while True:\n    try:\n        while True:\n            pass\n"
    "    except BaseException:\n        pass",
    "sleeps": "import time\ntime.sleep(2.5)\nreturn _right(*arguments)",
    "sleeps a little": "import time\ntime.sleep(0.2 if _calls < 4 else 0)\nreturn _right(*arguments)",
    "slow": "import time\nend = time.process_time() + 0.3 * (_calls < 3)\nwhile time.process_time() < end:\n    pass\n"
    "return _right(*arguments)",
    "memory": "block = bytearray(6 << 30)\nreturn _right(*arguments)",
    "memory in pieces": "blocks = []\nwhile True:\n    blocks.append([0] * (1 << 24))",
    "reads input": "return input()",
    "reads input, catching": "try:\n    input()\nexcept Exception:\n    pass\nreturn _right(*arguments)",
    "prints": "print('x' * 1000)\nreturn _right(*arguments)",
    "changes its arguments": "result = _right(*arguments)\nfor item in arguments:\n    if type(item) is list:\n"
    "        item.clear()\nreturn result",
    "keeps state": "return _right(*arguments) if _calls < 2 else _last[0] if len(_last) > 5 else _right(*arguments)",
    "swallows its exception": "try:\n    raise ValueError\nexcept ValueError:\n    return _right(*arguments)",
}

PROGRAMS = {
    "empty": "",
    "syntax error": "def {name}(:\n    pass",
    "another name": "def another(*arguments):\n    return None",
    "import error": "import no_such_module_here\n{reference}",
    "raises on import": "{reference}\nraise RuntimeError('import')",
    "exits on import": "{reference}\nimport sys\nsys.exit(0)",
    "only main": "if __name__ == '__main__':\n    pass\n{reference}",
    "not a function": "{name} = 3",
    "null byte": "{reference}\n\0",
    "guarded main": "{reference}\nif __name__ == '__main__':\n    raise SystemExit(1)",
    "future import": "from __future__ import annotations\n{reference}",
}

EXPENSIVE = {"endless", "endless later", "endless, catching", "sleeps", "memory in pieces", "exits hard", "memory"}
"""Mutants that cost evalplus a time limit each."""


def mutants(name: str, reference: str) -> dict[str, str]:
    """All mutants of a program by what was done to it.

    Args:
        name: Its function.
        reference: The right program.

    Returns:
        Complete programs.
    """
    bodies = {key: f"return {value}" for key, value in RETURNS.items()} | BODIES
    made = {}
    for key, body in bodies.items():
        indented = "\n".join(f"    {line}" for line in body.format(name=name).split("\n"))
        made[key] = WRAP.format(reference=reference, name=name, body=indented)
    for key, program in PROGRAMS.items():
        made[key] = program.format(name=name, reference=reference)
    return made
