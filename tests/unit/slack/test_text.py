"""What we did not write is shown as it is, acts on nothing and hides nothing."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.wording.text import chunks, cut, mixed_alphabets, plain, quoted, visible

ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1250.00", "1250.00"),
        ("مكتب مسقط", "مكتب مسقط"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\x7f\tb", "a␡␉b"),
        ("a\u2028b", "a⟨U+2028⟩b"),
        ("a\u00a0b", "a⟨U+00A0⟩b"),
        ("a\u3164b", "a⟨U+3164⟩b"),
        ("a\U000e0041b", "a⟨U+E0041⟩b"),
        ("a\U000e0101b", "a⟨U+E0101⟩b"),
        (" a  b ", "␠a␠␠b␠"),
        ("one\ntwo", "one ⏎ two"),
        ("fake ⟨U+202E⟩ ␛ ⏎ │", "fake ⟨U+27E8⟩U+202E⟨U+27E9⟩ ⟨U+241B⟩ ⟨U+23CE⟩ ⟨U+2502⟩"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 3 + "⟨U+0301⟩" * 2),
        ("\u0301e", "⟨U+0301⟩e"),
        ("\u26a0\ufe0f x\ufe0f", "\u26a0\ufe0f x⟨U+FE0F⟩"),
    ],
)
def test_what_hides_is_spelled_out(text: str, shown: str) -> None:
    """Invisible, moving and control characters are spelled out, and readable text stays as it is."""
    assert visible(text) == shown


@settings(max_examples=300)
@given(ANYTHING, ANYTHING)
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    """Two texts that differ are shown differently."""
    assert (visible(one) == visible(other)) == (one == other)


@settings(max_examples=300)
@given(ANYTHING)
def test_no_hidden_character_is_left(text: str) -> None:
    """Nothing shown is a control, format, private or unassigned character, or an odd blank."""
    left = [c for c in visible(text) if unicodedata.category(c)[0] == "C" or c in "\u3164\u2800\u00a0"]
    assert left == []


def test_markup_is_dead() -> None:
    """Mentions, links, code, emoji names and addresses in untrusted text do nothing in markup."""
    said = mrkdwn("<!channel> <@U01> <https://a|b> `x` :tada: https://evil.example/a&b")
    assert said == "&lt;!channel&gt; &lt;@U01&gt; &lt;https:⁄⁄a|b&gt; ˋxˋ ꞉tada: https:⁄⁄evil.example/a&amp;b"


def test_a_url_keeps_its_whole_host() -> None:
    """An address is shown with everything before its host's end, however it tries to look like another."""
    url = "https://bank.example@evil.example/" + "a" * 500
    assert plain(url, 200).startswith("https://bank.example@evil.example/")


def test_truncation_says_how_much_is_missing() -> None:
    """What is cut off is counted, and the whole stays within the limit."""
    shown = plain("x" * 5000, 100)
    kept = shown.count("x")
    assert len(shown) <= 100
    assert shown.endswith(f"… ({5000 - kept:,} more characters)")


def test_truncation_does_not_cut_a_spelling() -> None:
    """A spelled-out character is shown whole or not at all."""
    for limit in range(40, 60):
        shown = cut(visible("\u202e" * 100), limit)
        assert shown.count("⟨") == shown.count("⟩")


def test_lines_of_others_cannot_pass_for_ours() -> None:
    """Every line of quoted text begins with a bar that the text itself cannot write."""
    shown = quoted("fine\nApproved by Salma\n│ also fine", 3000)
    assert shown.split("\n") == ["│ fine", "│ Approved by Salma", "│ ⟨U+2502⟩ also fine"]


def test_a_thousand_lines_are_counted_not_drawn() -> None:
    """Thousands of lines do not push the buttons off the screen."""
    shown = quoted("\n".join("x" * 5000), 3000, lines=8)
    assert shown.count("\n") == 8
    assert shown.endswith("… (4,992 more lines)")


@settings(max_examples=200)
@given(ANYTHING, st.integers(12, 40))
def test_pieces_are_all_of_the_text(text: str, size: int) -> None:
    """Text cut into pieces is complete, piece by piece."""
    shown = visible(text)
    pieces = list(chunks(shown, size))
    assert "".join(pieces) == shown
    assert all(len(piece) <= size for piece in pieces)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("paypal", None),
        ("p\u0430ypal account", "p\u0430ypal"),
        ("Москва Muscat", None),
        ("\uff11\uff12 \uff41bc", "\uff41bc"),
        ("مسقط café naïve", None),
    ],
)
def test_words_that_mix_alphabets_are_found(text: str, word: str | None) -> None:
    """A word of letters that look alike but are not is named; whole words of one alphabet are not."""
    assert mixed_alphabets(text) == word
