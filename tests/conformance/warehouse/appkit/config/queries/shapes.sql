SELECT
  array(1, 2) AS numbers,
  named_struct('a', 1, 'b', 'z') AS pair,
  map('k', 1) AS lookup,
  TIMESTAMP'2024-02-29 12:34:56.789' AS at,
  CAST(NULL AS STRING) AS nothing,
  CAST('ab' AS BINARY) AS bytes,
  '{"a": [1, 2]}' AS document,
  CAST(7 AS TINYINT) AS small
