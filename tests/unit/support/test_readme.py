"""A document's steps run as written: one session, files, what is left out, and nothing that fails unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.readme import Session, blocks

DOCUMENT = """
`greeting.txt`:

```text
hello
```

```sh
export WHO=world
make setup && exit 3
```

<!-- needs: no-such-program -->
```sh
no-such-program
```

```python
not run
```

```sh
cat greeting.txt
echo "to the $WHO"
```
"""


@pytest.fixture
def session(tmp_path: Path) -> Session:
    (tmp_path / "here").mkdir()
    return Session(tmp_path / "here", {"POLYKOMOS_API_KEY": "pk_live_given", "POLYKOMOS_BASE_URL": ""})


def test_the_steps_of_a_document(session: Session, tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(DOCUMENT)
    with session as shell:
        assert [text.strip() for text in shell.follow(blocks(document))] == ["", "", "hello\nto the world"]
        assert shell.run('test "$POLYKOMOS_API_KEY" = pk_live_given; echo "$HOME"').strip().startswith(str(tmp_path))


@pytest.mark.parametrize(
    "step", ["false\necho on", "false | cat", "echo $UNSET_VARIABLE", "exit 3", "echo $POLYKOMOS_API_KEY", "sleep 60"]
)
def test_a_step_that_fails(step: str, session: Session) -> None:
    with session as shell, pytest.raises(AssertionError):
        shell.run(step, seconds=5)
