SELECT
  EPOCH_US("r"."closed_at"),
  "o"."person",
  CASE
    WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
    THEN "r"."amount"
    ELSE "r"."amount" * "x"."rate"
  END
FROM "deals" AS "r"
JOIN "metric_owner_persons" AS "o"
  ON "o"."source" = "r"."source" AND "o"."owner" = "r"."owner"
LEFT JOIN "metric_rates" AS "x"
  ON "x"."currency" = "r"."currency"
  AND "x"."since" <= "r"."closed_at"
  AND "x"."until" > "r"."closed_at"
WHERE
  NOT "r"."deleted"
  AND NOT "r"."closed_at" IS NULL
  AND "r"."status" = 'won'
  AND NOT "r"."amount" IS NULL
ORDER BY
  1
