"""The tree of messages: random branching against a plain model of it, and rows that no sound file holds."""

from hypothesis import given
from hypothesis import strategies as st

from gui.models.message import ChatMessage
from gui.models.tree import MessageTree

STEPS = st.lists(st.tuples(st.sampled_from(["append", "beside", "switch"]), st.integers(0, 30), st.integers(-2, 2)), max_size=30)


def message(message_id: str, parent_id: str = "") -> ChatMessage:
    return ChatMessage("user", message_id, message_id=message_id, parent_id=parent_id)


def ids(tree: MessageTree) -> list[str]:
    return [each.message_id for each in tree.path]


class PathModel:
    """The slow, obvious twin: every path that was ever on screen, newest first; a path is looked up, never computed."""

    def __init__(self) -> None:
        self.order: list[str] = []  # ids as they were added
        self.parents: dict[str, str] = {}
        self.shown: list[list[str]] = [[]]

    def add(self, name: str, before: list[str]) -> None:
        self.order.append(name)
        self.parents[name] = before[-1] if before else ""
        self.shown.insert(0, [*before, name])

    def siblings(self, name: str) -> list[str]:
        return [other for other in self.order if self.parents[other] == self.parents[name]]

    def show(self, name: str) -> None:
        self.shown.insert(0, next(path for path in self.shown if name in path))


@given(STEPS)
def test_any_branching_shows_what_was_seen_last(steps):
    """After each step the path, and the siblings of every message on it, are those of the twin."""
    tree, twin = MessageTree(), PathModel()
    for number, (action, index, delta) in enumerate(steps):
        name, path = f"m{number}", twin.shown[0]
        if action == "append" or not path:
            tree.append(message(name))
            twin.add(name, path)
        elif action == "beside":
            tree.add_beside(index % len(path), message(name))
            twin.add(name, path[: index % len(path)])
        else:
            siblings = twin.siblings(path[index % len(path)])
            target = siblings[(siblings.index(path[index % len(path)]) + delta) % len(siblings)]
            changed = tree.show(tree.find(target))
            twin.show(target)
            common = next((i for i, pair in enumerate(zip(path, twin.shown[0], strict=False)) if pair[0] != pair[1]), None)
            assert changed == (min(len(path), len(twin.shown[0])) if common is None else common)
        assert ids(tree) == twin.shown[0]
        for place, each in enumerate(tree.path):
            assert [other.message_id for other in tree.siblings(place)] == twin.siblings(each.message_id)
            assert each.parent_id == (tree.path[place - 1].message_id if place else "")


@given(STEPS)
def test_the_path_comes_back_from_the_messages_and_the_last_of_them(steps):
    """`fill` with the messages in the order in which they were added gives the same path and the same siblings."""
    tree, added = MessageTree(), []
    for number, (action, index, delta) in enumerate(steps):
        if action == "switch" and tree.path:
            siblings = tree.siblings(index % len(tree.path))
            tree.show(siblings[delta % len(siblings)])
            continue
        added.append(message(f"m{number}"))
        if action == "beside" and tree.path:
            tree.add_beside(index % len(tree.path), added[-1])
        else:
            tree.append(added[-1])
    again = MessageTree()
    again.fill(added, ids(tree)[-1] if tree.path else "")
    assert ids(again) == ids(tree)
    assert [again.siblings(i) for i in range(len(tree.path))] == [tree.siblings(i) for i in range(len(tree.path))]


NAMES = st.sampled_from(["", "a", "b", "c", "d"])


@given(rows=st.lists(st.tuples(NAMES, NAMES), max_size=8), shown=NAMES)
def test_damaged_rows_make_a_tree_all_the_same(rows, shown):
    """Cycles, parents that come later or never, ids twice or empty: every id once, each below an earlier one."""
    tree = MessageTree()
    tree.fill([message(*row) for row in rows], shown)
    first = list(dict.fromkeys(name for name, _ in rows if name))
    assert [name for name in ("a", "b", "c", "d") if tree.find(name)] == sorted(first)
    for place, name in enumerate(first):
        assert tree.find(name).parent_id in ["", *first[:place]]
    assert bool(tree.path) == bool(first)
    if shown in first:
        assert shown in ids(tree)


def test_a_message_whose_parent_is_not_there_follows_the_one_before_it():
    """So the conversation can still be read to its end."""
    tree = MessageTree()
    tree.fill([message("a"), message("b", "a"), message("c", "lost"), message("d", "c"), message("e", "e")], "")
    assert ids(tree) == ["a", "b", "c", "d", "e"]
