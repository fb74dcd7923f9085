SELECT
  "q12"."host_13" AS "c0",
  "q12"."n_14" AS "c1"
FROM (
  SELECT
    "q7"."host_8" AS "host_13",
    "q7"."n_9" AS "n_14",
    "q7"."o10" AS "o15",
    "q7"."o11" AS "o16"
  FROM (
    SELECT
      "q2"."host_4" AS "host_8",
      "q2"."n_5" AS "n_9",
      "q2"."n_5" AS "o10",
      "q2"."o6" AS "o11"
    FROM (
      SELECT
        CAST(ROW_NUMBER() OVER (PARTITION BY "v1"."c0", "v1"."c1" ORDER BY "v1"."row" ASC) AS DOUBLE) AS "_number1_3",
        "v1"."c1" AS "host_4",
        "v1"."c2" AS "n_5",
        "v1"."row" AS "o6"
      FROM (VALUES
        ('bob', 'a', CAST(1 AS DOUBLE), 0),
        ('bob', 'b', CAST(5 AS DOUBLE), 1),
        ('eve', 'a', CAST(10 AS DOUBLE), 2),
        ('bob', 'a', CAST(3 AS DOUBLE), 3),
        (CAST(NULL AS TEXT), 'b', CAST(9 AS DOUBLE), 4)) AS "v1"("c0", "c1", "c2", "row")
      WHERE
        (
          NOT COALESCE(STARTS_WITH(LOWER("v1"."c0"), 'e'), FALSE)
        )
        AND (
          (
            NOT "v1"."c0" IS NULL
          ) AND (
            NOT "v1"."c1" IS NULL
          )
        )
    ) AS "q2"
    WHERE
      "q2"."_number1_3" <= CAST(1 AS DOUBLE)
  ) AS "q7"
  ORDER BY
    "q7"."o10" DESC,
    "q7"."o11" ASC
  LIMIT 2
) AS "q12"
ORDER BY
  "q12"."o15" DESC,
  "q12"."o16" ASC
