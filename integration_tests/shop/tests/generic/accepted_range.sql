{# The shop's own test, of a name that dwell has too: no row is of before the shop was founded. #}
{% test accepted_range(model, column_name) %}
select *
from {{ model }}
where {{ column_name }} < date '2019-01-01'
{% endtest %}
