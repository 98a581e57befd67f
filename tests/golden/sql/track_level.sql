SELECT
  EPOCH_US(GREATEST("r"."created_at", "o"."since", "x"."since")),
  EPOCH_US(
    LEAST(
      COALESCE("r"."closed_at", CAST('9999-12-31 23:59:59.999999' AS TIMESTAMP)),
      "o"."until",
      "x"."until"
    )
  ),
  "o"."team",
  CASE
    WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
    THEN "r"."amount"
    ELSE "r"."amount" * "x"."rate"
  END
FROM "deals" AS "r"
JOIN "metric_owner_teams" AS "o"
  ON "o"."source" = "r"."source"
  AND "o"."owner" = "r"."owner"
  AND "o"."since" < COALESCE("r"."closed_at", CAST('9999-12-31 23:59:59.999999' AS TIMESTAMP))
  AND "o"."until" > "r"."created_at"
LEFT JOIN "metric_rates" AS "x"
  ON "x"."currency" = "r"."currency"
  AND "x"."since" < COALESCE("r"."closed_at", CAST('9999-12-31 23:59:59.999999' AS TIMESTAMP))
  AND "x"."until" > "r"."created_at"
WHERE
  NOT "r"."deleted"
  AND (
    NOT "r"."created_at" IS NULL
    AND GREATEST("r"."created_at", "o"."since", "x"."since") < LEAST(
      COALESCE("r"."closed_at", CAST('9999-12-31 23:59:59.999999' AS TIMESTAMP)),
      "o"."until",
      "x"."until"
    )
  )
  AND NOT "r"."amount" IS NULL
ORDER BY
  1
