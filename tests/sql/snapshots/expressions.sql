SELECT
  "q2"."who_5" AS "c0",
  "q2"."big_3" AS "c1",
  "q2"."first_4" AS "c2"
FROM (
  SELECT
    CASE
      WHEN "v1"."c2" > CAST(4 AS DOUBLE)
      THEN 'yes'
      ELSE REGEXP_REPLACE(CAST("v1"."c2" AS TEXT), '\.0$', '')
    END AS "big_3",
    COALESCE(NULLIF(REGEXP_EXTRACT("v1"."c1", '(?P<first>[ab])', 1), ''), CAST(NULL AS TEXT)) AS "first_4",
    UPPER("v1"."c0") AS "who_5",
    "v1"."row" AS "o6"
  FROM (VALUES
    ('bob', 'a', CAST(1 AS DOUBLE), 0),
    ('bob', 'b', CAST(5 AS DOUBLE), 1),
    ('eve', 'a', CAST(10 AS DOUBLE), 2),
    ('bob', 'a', CAST(3 AS DOUBLE), 3),
    (CAST(NULL AS TEXT), 'b', CAST(9 AS DOUBLE), 4)) AS "v1"("c0", "c1", "c2", "row")
) AS "q2"
WHERE
  REGEXP_MATCHES("q2"."who_5", '^B') AND (
    "q2"."big_3" <> 'yes'
  )
ORDER BY
  "q2"."o6" ASC
