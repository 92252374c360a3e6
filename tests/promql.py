"""As much of PromQL as it takes to see that an expression asks for what there is."""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

FUNCTIONS = {"time", "vector", "absent", "increase", "delta", "rate", "label_values"}
AGGREGATIONS = {"sum", "count", "max", "min", "avg"}
WORDS = {"by", "without", "on", "ignoring", "and", "or", "unless", "bool", "group_left", "group_right", "offset"}
LABELS_FOLLOW = {"by", "without", "on", "ignoring", "group_left", "group_right"}
TARGET = {"instance", "job"}
"""Labels that Prometheus adds."""

_TOKEN = re.compile(
    r"""\s+
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<duration>\[(?:\d+[smhdwy]|\$__rate_interval|\$__interval)\])
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<operator>==|!=|>=|<=|=~|!~|[-+*/%^<>=(){},])""",
    re.VERBOSE,
)


class Wrong(Exception):
    """The expression cannot be evaluated, or asks for what is not there."""


@dataclass(frozen=True)
class Token:
    kind: str
    text: str


def tokens(expression: str) -> list[Token]:
    """The expression's words; raises Wrong for what is none."""
    found, place = [], 0
    while place < len(expression):
        match = _TOKEN.match(expression, place)
        if match is None:
            raise Wrong(f"what is {expression[place : place + 20]!r}?")
        if match.lastgroup:
            found.append(Token(match.lastgroup, match.group()))
        place = match.end()
    return found


def check(expression: str, metrics: Mapping[str, Mapping[str, AbstractSet[str]]]) -> list[str]:
    """The metrics that are asked for; raises Wrong when one is none of ``metrics``, or has no such label or value.

    ``metrics`` has the labels by metric, and the values by label; no values: any.
    """
    words = tokens(expression)
    _balanced(words)
    used, labels_wanted, place = list[str](), list[str](), 0
    while place < len(words):
        token, follows = words[place], words[place + 1].text if place + 1 < len(words) else ""
        end = place
        if token.kind != "word" and token.text in {"=", "=~", "!~", "{", "}"}:
            raise Wrong(f"{token.text} outside a selector")
        if token.text in LABELS_FOLLOW:
            end = _end(words, place, ")")
            labels_wanted += [one.text for one in words[place + 2 : end] if one.kind == "word"]
        elif token.text in FUNCTIONS | AGGREGATIONS:
            _called(token.text, follows)
        elif token.kind == "word" and token.text not in WORDS:
            if token.text not in metrics:
                raise Wrong(f"there is no metric {token.text}")
            used.append(token.text)
            if follows == "{":
                end = _end(words, place, "}")
                _selector(token.text, words[place + 2 : end], metrics[token.text])
        place = end + 1
    known = {label for name in used for label in metrics[name]} | TARGET
    if lost := [label for label in labels_wanted if label not in known]:
        raise Wrong(f"no metric here has the labels {lost}")
    return used


def _end(words: list[Token], start: int, sign: str) -> int:
    return next(number for number in range(start, len(words)) if words[number].text == sign)


def _called(word: str, follows: str) -> None:
    if follows != "(" and not (word in AGGREGATIONS and follows in {"by", "without"}):
        raise Wrong(f"{word} is a function")


def _selector(metric: str, words: list[Token], labels: Mapping[str, AbstractSet[str]]) -> None:
    for name, operator, value in _matchers(words):
        if name not in labels:
            raise Wrong(f"{metric} has no label {name}")
        texts = value.split("|") if operator in {"=~", "!~"} else [value]
        for text in texts:
            if labels[name] and not text.startswith("$") and text not in labels[name]:
                raise Wrong(f"{metric} has no {name} {text}")


def _matchers(words: list[Token]) -> Iterator[tuple[str, str, str]]:
    for start in range(0, len(words), 4):
        part = words[start : start + 4]
        kinds = [one.kind for one in part[:3]]
        if kinds != ["word", "operator", "string"] or (len(part) == 4 and part[3].text != ","):
            raise Wrong(f"no matcher: {' '.join(one.text for one in part)}")
        yield part[0].text, part[1].text, part[2].text[1:-1]


def _balanced(words: list[Token]) -> None:
    pairs, opened = {")": "(", "}": "{"}, list[str]()
    for token in words:
        if token.text in {"(", "{"}:
            opened.append(token.text)
        elif token.text in pairs and (not opened or opened.pop() != pairs[token.text]):
            raise Wrong(f"{token.text} closes nothing")
    if opened:
        raise Wrong(f"{opened} is never closed")
