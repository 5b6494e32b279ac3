"""Words that dwell no longer uses are counted, and the counts only fall.

words.yml has the words, what to use instead, and how often each still occurs. After a change that
removes some: `python tests/python/docs/test_words.py` lowers the counts.
"""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
LIST = Path(__file__).with_name("words.yml")
TEXT = re.compile(r"(\.(sql|yml|yaml|py|md|sh|toml|html|js|css|ipynb|java|in)|Makefile|run)$")
# its own lists, and a history that is not rewritten
NOT_COUNTED = {"tests/python/docs/words.yml", "CHANGELOG.md"}


def counts():
    """Return {word: how often it occurs} in the files of this checkout."""
    listed = yaml.safe_load(LIST.read_text())
    paths = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    texts = [
        (ROOT / path).read_text()
        for path in paths.splitlines()
        if TEXT.search(path) and path not in NOT_COUNTED and (ROOT / path).is_file()
    ]
    text = re.sub("|".join(listed["allowed"]), " ", "\n".join(texts), flags=re.IGNORECASE)
    # a word within a name, between underscores, is one too
    return {
        word: len(re.findall(rf"(?<![a-z]){entry['pattern']}(?![a-z])", text, re.IGNORECASE))
        for word, entry in listed["words"].items()
    }


@pytest.fixture(scope="module")
def counted():
    return counts()


@pytest.mark.parametrize("word", yaml.safe_load(LIST.read_text())["words"])
def test_a_retired_word_is_not_used_again(word, counted):
    entry = yaml.safe_load(LIST.read_text())["words"][word]
    assert counted[word] <= entry["count"], f"instead of {word}: {entry['use']}"
    assert counted[word] == entry["count"], (
        "lower the count: python tests/python/docs/test_words.py"
    )


def lower() -> None:
    """Write the counts of today, where they are lower."""
    text = LIST.read_text()
    for word, count in counts().items():
        before = yaml.safe_load(text)["words"][word]["count"]
        if count < before:
            text = re.sub(rf"(?m)^(  {re.escape(word)}: .*count: )\d+", rf"\g<1>{count}", text)
    LIST.write_text(text)


if __name__ == "__main__":
    lower()
