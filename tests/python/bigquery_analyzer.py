"""Google's own analyzer on statements: python bigquery_analyzer.py < {"tables":, "statements":}.

Runs in .venv-bqemulator. Tables are {name: [[column, type], ...]}, types as BigQuery names them.
Writes [null, or what is wrong with the statement, ...].
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


def main():
    asked = json.load(sys.stdin)
    options = LanguageOptions.maximum_features()
    options.product_mode = ProductMode.PRODUCT_EXTERNAL
    options.supported_statement_kinds = []
    builder = CatalogBuilder("catalog")
    for name, columns in asked["tables"].items():
        table = TableBuilder(name)
        for column, kind in columns:
            table = table.add_column(column, KINDS[kind])
        builder = builder.add_table(table.build())
    catalog = builder.with_builtin_functions(
        ZetaSQLBuiltinFunctionOptions(language_options=options)
    ).build()
    analyzer = Analyzer(AnalyzerOptions(language_options=options), catalog)
    told = []
    for statement in asked["statements"]:
        try:
            analyzer.analyze_statement(statement)
            told.append(None)
        except Exception as error:
            told.append(" ".join(str(error).split()))
    json.dump(told, sys.stdout)


main()
