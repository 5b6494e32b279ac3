"""Google's own analyzer of BigQuery's SQL.

python bigquery_analyzer.py < {"tables":, "statements":}

Runs in .venv-bqemulator, and in .venv-engines. Tables are {name: [[column, type], ...]}, types as
BigQuery names them. Writes [null, or the error of the statement, ...].
"""

import json
import sys

from zetasql.api import Analyzer, CatalogBuilder, TableBuilder
from zetasql.types import (
    AnalyzerOptions,
    LanguageOptions,
    ProductMode,
    TypeKind,
    ZetaSQLBuiltinFunctionOptions,
)

KINDS = {
    "STRING": TypeKind.TYPE_STRING,
    "INTEGER": TypeKind.TYPE_INT64,
    "FLOAT": TypeKind.TYPE_DOUBLE,
    "BOOLEAN": TypeKind.TYPE_BOOL,
    "TIMESTAMP": TypeKind.TYPE_TIMESTAMP,
}


def analyzer(tables):
    """Return an analyzer that knows tables, {name: [(column, its kind), ...]}."""
    language = LanguageOptions.maximum_features()
    language.product_mode = ProductMode.PRODUCT_EXTERNAL
    language.reserved_keywords = ["QUALIFY"]
    # of all kinds
    language.supported_statement_kinds = []
    builder = CatalogBuilder("catalog")
    for name, columns in tables.items():
        table = TableBuilder(name)
        for column, kind in columns:
            table = table.add_column(column, kind)
        builder = builder.add_table(table.build())
    catalog = builder.with_builtin_functions(
        ZetaSQLBuiltinFunctionOptions(language_options=language)
    ).build()
    return Analyzer(AnalyzerOptions(language_options=language), catalog)


def main():
    asked = json.load(sys.stdin)
    tables = {
        name: [(column, KINDS[kind]) for column, kind in columns]
        for name, columns in asked["tables"].items()
    }
    errors = []
    for statement in asked["statements"]:
        try:
            analyzer(tables).analyze_statement(statement)
            errors.append(None)
        except Exception as error:
            errors.append(" ".join(str(error).split()))
    json.dump(errors, sys.stdout)


if __name__ == "__main__":
    main()
