"""The texts the simulator writes: Markdown of every kind, and filler of any length."""

from __future__ import annotations

import random
from collections.abc import Iterator

from flux_tui.sim.tokens import pieces

_VOCABULARY = """
terminal stream answer question model window pane cursor history switch vendor token budget
measure render steady quiet careful plain narrow wide early late return value branch merge
signal worker buffer request reply compare choose remember continue
"""
_WORDS = _VOCABULARY.split()

TABLE = """\
Here is a comparison as a table:

| Model family | Context | Good at | Price per million |
|:-------------|--------:|:-------:|------------------:|
| Opus         | 1 000 k | hard problems | $5.00 |
| Sonnet       | 1 000 k | everyday work | $3.00 |
| Luna         | 1 050 k | **fast** answers | $0.25 |
| Local        |   128 k | privacy, `no key` | free |

The last column is made up: this is the simulator.
"""

CODE = '''\
Two versions, first in Python:

```python
from collections.abc import Iterator


def fibonacci(limit: int) -> Iterator[int]:
    """Yield the Fibonacci numbers below *limit*."""
    a, b = 0, 1
    while a < limit:
        yield a
        a, b = b, a + b


print(list(fibonacci(100)))  # [0, 1, 1, 2, 3, 5, 8, ...]
```

and the same in Rust:

```rust
fn fibonacci(limit: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some((0, 1)), |&(a, b)| Some((b, a + b)))
        .map(|(a, _)| a)
        .take_while(move |&a| a < limit)
}
```

Run it with `python fibonacci.py`, or for a diff of both:

```diff
-    a, b = b, a + b
+    a, b = b, (a + b) % modulus
```

```sh
$ python fibonacci.py | tee out.txt
```
'''

LIST = """\
A few things to look at, in order:

1. **Read** the error from the top.
   - the first line names the file
   - the last line names the cause
     - and sometimes the fix
2. **Reproduce** it with the smallest input.
3. Then choose:
   * fix it, and write the test first
   * work round it, and say so
4. Tidy up:
   - [x] run the tests
   - [ ] write the changelog
"""

QUOTE = """\
As the old advice goes:

> Programs must be written for people to read,
> and only incidentally for machines to execute.
>
> > A quote inside a quote is rendered one level deeper.

That is *still* true, and ~~mostly~~ always worth repeating.

---

After a rule, life goes on.
"""

EMOJI = """\
Wide and joined characters, for the layout:

- 日本語のテキストは全角です。
- 中文字符也是全角的,换行要正确。
- 한국어 문장도 마찬가지입니다.
- Emoji: 🎉 🚀 ✅ ⚠️ 👩‍💻 👨‍👩‍👧 🏳️‍🌈 🇫🇷
- Combining: é ñ ü, and right to left: שלום, مرحبا
- Mathematics: ∑ᵢ xᵢ² ≤ ‖x‖², α → β

| 名前 | 値 |
|---|---|
| 東京 | 🗼 |
| 北京 | 🏯 |
"""

LINKS = """\
Some references: the [Anthropic documentation](https://platform.claude.com/docs "Messages API"),
the [OpenAI documentation](https://platform.openai.com/docs), and a bare one: <https://example.org>.

An image is only named: ![a diagram](https://example.org/diagram.png)

And one very long line without a break, so that wrapping and scrolling can be seen: \
https://example.org/a/very/long/path/that/goes/on/and/on/and/on/and/on/and/on/and/on/and/on/and/\
on/until/it/is/wider/than/any/terminal/anybody/has?with=a&query=string&and=another&one=too
"""

CITED = """\
I looked nothing up, but I name two pages as a model that searches would: below this answer stands
what it refers to.
"""

MARKDOWN = f"""\
# Everything at once

Markdown of **every** kind: *emphasis*, `inline code`, ~~strike~~, and a [link](https://example.org).

## A list

{LIST}
## A table

{TABLE}
## Code

{CODE}
## A quote

{QUOTE}
### Links and long lines

{LINKS}
#### Other scripts

{EMOJI}
"""

THOUGHTS = (
    "Let me see what is being asked.",
    "The request has one part that is clear and one that is open.",
    "I could answer at once, but a check is cheap.",
    "Nothing in the history speaks against it.",
    "A short answer is better here than a long one.",
    "I should say that I am the simulator, so that nobody is misled.",
)


def thoughts(sentences: int) -> str:
    """*sentences* sentences of reasoning."""
    return " ".join(THOUGHTS[index % len(THOUGHTS)] for index in range(sentences))


def filler(tokens: int, kind: str, seed: str, marker: str = "") -> tuple[str, ...]:
    """Exactly *tokens* tokens of Markdown of one *kind*: md, prose, code, list or table.

    With a *marker* the text begins with `alpha<marker>` and ends with `omega<marker>`, words a
    program that measures can look for on a screen. An open code fence is closed before the end.
    """
    head = pieces(f"alpha{marker}\n\n") if marker else ()
    tail = pieces(f"\n\nomega{marker}") if marker else ()
    room = max(0, tokens - len(head) - len(tail))
    body: list[str] = []
    for block in _blocks(random.Random(f"{kind}/{seed}"), kind):  # noqa: S311 - not for secrets
        if len(body) >= room:
            break
        body.extend(pieces(block))
    body = body[:room]
    if "".join(body).count("```") % 2 and len(body) >= 2:
        # What makes room for the closing fence may be the opening one.
        still_open = "".join(body[:-2]).count("```") % 2
        body[-2:] = ["\n", "```" if still_open else "\n"]
    return (*head, *body, *tail)


def _sentence(rng: random.Random, words: int) -> str:
    chosen = [rng.choice(_WORDS) for _ in range(words)]
    chosen[words // 2] = f"**{chosen[words // 2]}**"
    if words > 8:
        chosen[-2] = f"`{chosen[-2]}`"
    return " ".join(chosen).capitalize() + "."


def _paragraph(rng: random.Random) -> str:
    return " ".join(_sentence(rng, rng.randint(7, 14)) for _ in range(4)) + "\n\n"


def _code(rng: random.Random) -> str:
    lines = [
        f"def {rng.choice(_WORDS)}_{number}(value: int, name: str = {rng.choice(_WORDS)!r}) -> int:"
        f"\n    # {_sentence(rng, 5)}\n    return value + {rng.randint(1, 99)} * len(name)\n"
        for number in range(8)
    ]
    return "```python\n" + "\n".join(lines) + "```\n\n"


def _list(rng: random.Random) -> str:
    rows = [f"- {_sentence(rng, 6)}\n  - {_sentence(rng, 5)}\n" for _ in range(4)]
    return "".join(rows) + "\n"


def _table(rng: random.Random) -> str:
    rows = [
        f"| {rng.choice(_WORDS)} | {rng.randint(1, 9999)} | {rng.choice(_WORDS)} |\n"
        for _ in range(6)
    ]
    return "| name | value | note |\n|:-----|------:|------|\n" + "".join(rows) + "\n"


def _blocks(rng: random.Random, kind: str) -> Iterator[str]:
    makers = {"prose": [_paragraph], "text": [_paragraph], "code": [_code], "list": [_list]}
    makers["table"] = [_table]
    chosen = makers.get(kind, [_paragraph, _list, _code, _table])
    section = 0
    while True:
        for make in chosen:
            section += 1
            if kind not in {"prose", "text", "code"}:
                yield f"## {section}. {rng.choice(_WORDS).capitalize()}\n\n"
            yield make(rng)
