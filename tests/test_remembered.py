"""The bounded memory that tokens and decisions share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gatekeeper.remembered import Remembered


def test_only_the_exact_text_finds_its_value() -> None:
    """A text that differs in one letter is another text; an empty one is a text too."""
    memory: Remembered[str] = Remembered(8)
    memory.keep("a", "1")
    memory.keep("", "2")
    assert ("1", "2", None, None) == tuple(memory.get(text) for text in ("a", "", "A", "a "))


def test_the_longest_unused_makes_room() -> None:
    """However many are kept, no more than so many are held; a look-up counts as use."""
    memory: Remembered[int] = Remembered(3)
    for number in range(3):
        memory.keep(str(number), number)
    assert 0 == memory.get("0")
    for number in range(3, 1000):
        memory.keep("0", 0)
        memory.keep(str(number), number)
    assert 3 == len(memory)
    assert (0, 999, 998, None) == tuple(memory.get(text) for text in ("0", "999", "998", "1"))


def test_a_memory_of_nothing_holds_nothing() -> None:
    """0 switches it off."""
    memory: Remembered[int] = Remembered(0)
    memory.keep("a", 1)
    assert (0, None) == (len(memory), memory.get("a"))


def test_the_text_is_not_kept() -> None:
    """Words, names and tokens do not stay in memory because something was worked out from them."""
    memory: Remembered[int] = Remembered(8)
    memory.keep("SECRET" * 50, 1)
    assert "SECRET" not in repr(dict(memory._held.items()))


def test_threads_share_it() -> None:
    """Sixteen threads that look up and keep at once are never told another text's value."""
    memory: Remembered[int] = Remembered(50)

    def use(seed: int) -> bool:
        right = True
        for number in range(2000):
            text = str((seed * 7919 + number) % 100)
            found = memory.get(text)
            right = right and found in (None, int(text))
            memory.keep(text, int(text))
        return right

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(use, range(16)))
    assert 50 == len(memory)
