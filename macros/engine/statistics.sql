{# The density of a normal distribution. #}
{% macro normal_density(x, mean, sd) -%}
    exp(-power({{ x }} - {{ mean }}, 2) / (2 * {{ sd }} * {{ sd }})) / ({{ sd }} * sqrt(2 * pi()))
{%- endmacro %}


{# Its logarithm, also where the density is too small for a number. #}
{% macro normal_log_density(x, mean, sd) -%}
    (-power({{ x }} - {{ mean }}, 2) / (2 * {{ sd }} * {{ sd }}) - ln({{ sd }} * sqrt(2 * pi())))
{%- endmacro %}


{# A standard deviation from weighted sums; never less than a bin's width, where a hump would close
   around a single bin. #}
{% macro standard_deviation(weight, total, squares) -%}
    greatest(
        sqrt(greatest({{ squares }} / {{ weight }} - power({{ total }} / {{ weight }}, 2), 0)), 0.05e0
    )
{%- endmacro %}
