"""Write docs/reference/settings.md: python dev/settings_page.py

The page comes from the macro settings_specification, which dbt evaluates, and the defaults from
dbt_project.yml.
"""

import json
import tempfile
import textwrap
from pathlib import Path

import yaml

from dwell.config import ROOT
from dwell.dbt.runner import Dbt, format_errors

PAGE = ROOT / "docs/reference/settings.md"
# names, types, and descriptions as JSON, from one compilation
QUERY = """
{%- set settings = {} -%}
{%- for name, rule in dwell.settings_specification().items() -%}
    {%- set options = {} -%}
    {%- for option, of_option in (rule.options or {}).items() -%}
        {%- do options.update({option: dict(of_option, values=dwell.describe_type(of_option))}) -%}
    {%- endfor -%}
    {%- set values = dwell.describe_type(rule) -%}
    {%- do settings.update({name: dict(rule, values=values, options=options)}) -%}
{%- endfor -%}
{{ tojson(settings) }}
"""
INTRODUCTION = """\
<!-- Written by dev/settings_page.py. Edit macros/vars/specification.sql, and run it again. -->

# Settings

dwell's settings are dbt variables. Set them for one command, or permanently in `dbt_project.yml`:

```
dbt build --vars '{session_timeout_minutes: 20}'
make VARS='{session_timeout_minutes: 20}'
```

```yaml
vars:
  dwell:
    session_timeout_minutes: 20
```

A run checks all settings before it writes anything. It stops at an unknown name, at a value that
is not allowed, and at settings that contradict each other.

Some settings change rows that are stored already. After you change one of these, the run stops
until you add `--full-refresh` (make: `FULL_REFRESH=1`), so that tables are never a mixture.
"""
SECTIONS = {
    "input": "Input",
    "cleaning": "Cleaning",
    "sessions": "Sessions",
    "streams": "Streams",
    "reporting": "Reporting",
    "privacy": "Privacy",
}


def specification() -> dict:
    """Return {setting: rule}, in order."""
    with tempfile.TemporaryDirectory() as folder:
        dbt = Dbt(Path(folder) / "settings.duckdb", Path(folder), {})
        done = dbt.run("compile", "--inline", QUERY, "--no-introspect", "--no-populate-cache")
    if not done.success:
        raise RuntimeError(format_errors(done))
    return json.loads(done.result.results[0].node.compiled_code)


def defaults() -> dict:
    """Return {setting: default}."""
    return yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["dwell"]


def as_yaml(value) -> str:
    """Return a value as YAML in one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()


def entry(name: str, rule: dict, default) -> str:
    """Return the part of the page on one setting."""
    unit = f" ({rule['unit']})" if "unit" in rule else ""
    refresh = f"yes, of {' and '.join(rule['full_refresh'])}" if rule["full_refresh"] else "no"
    lines = [
        f"### {name}\n",
        " ".join([rule["description"], rule.get("note", "")]).strip() + "\n",
        f"- Value: {rule['values']}{unit}",
    ]
    for option, of_option in rule["options"].items():
        note = f". {of_option['note']}" if "note" in of_option else ""
        lines.append(f"  - `{option}`: {of_option['values']}{note}")
    lines += [
        f"- Default: `{as_yaml(default)}`",
        f"- Example: `{name}: {rule['example']}`",
        f"- Full refresh after a change: {refresh}\n",
    ]
    return "\n".join(map(wrapped, lines))


def wrapped(line: str) -> str:
    """Return a paragraph or an item of a list in lines of 100 columns."""
    indent = len(line) - len(line.lstrip(" -"))
    filled = textwrap.fill(
        line.rstrip("\n"),
        100,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled + "\n" * line.endswith("\n")


def page(rules: dict) -> str:
    """Return the page."""
    given = defaults()
    parts = [INTRODUCTION]
    for section, title in SECTIONS.items():
        parts.append(f"## {title}\n")
        parts += [
            entry(name, rule, given[name])
            for name, rule in rules.items()
            if rule["section"] == section
        ]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(specification()))
