SELECT
  "q7"."user_11" AS "c0",
  "q7"."count_8" AS "c1",
  "q7"."hosts_9" AS "c2",
  "q7"."max_n__10" AS "c3"
FROM (
  SELECT
    "a2"."count_4" AS "count_8",
    "a2"."hosts_5" AS "hosts_9",
    "a2"."max_n__6" AS "max_n__10",
    "a2"."user_3" AS "user_11",
    "a2"."count_4" AS "o12",
    "a2"."user_3" AS "o13"
  FROM (
    SELECT
      "v1"."c0" AS "user_3",
      CAST(COUNT(*) AS DOUBLE) AS "count_4",
      CAST(COUNT(DISTINCT "v1"."c1") AS DOUBLE) AS "hosts_5",
      MAX("v1"."c2") AS "max_n__6"
    FROM (VALUES
      ('bob', 'a', CAST(1 AS DOUBLE), 0),
      ('bob', 'b', CAST(5 AS DOUBLE), 1),
      ('eve', 'a', CAST(10 AS DOUBLE), 2),
      ('bob', 'a', CAST(3 AS DOUBLE), 3),
      (CAST(NULL AS TEXT), 'b', CAST(9 AS DOUBLE), 4)) AS "v1"("c0", "c1", "c2", "row")
    WHERE
      NOT "v1"."c0" IS NULL
    GROUP BY
      "v1"."c0"
  ) AS "a2"
  WHERE
    "a2"."count_4" > CAST(1 AS DOUBLE)
) AS "q7"
ORDER BY
  "q7"."o12" DESC,
  "q7"."o13" ASC
