SELECT
  COUNT(
    CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
      ELSE "r"."amount" * "x"."rate"
    END
  ) FILTER(WHERE
    "r"."status" = 'won'),
  SUM(
    CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
      ELSE "r"."amount" * "x"."rate"
    END
  ) FILTER(WHERE
    "r"."status" = 'won'),
  COUNT(*) FILTER(WHERE
    "r"."status" = 'won'
    AND NOT "r"."amount" IS NULL
    AND CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
      ELSE "r"."amount" * "x"."rate"
    END IS NULL),
  QUANTILE_CONT(
    CAST(CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
      ELSE "r"."amount" * "x"."rate"
    END AS DOUBLE),
    0.5
  
  ORDER BY
    CAST(CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
      ELSE "r"."amount" * "x"."rate"
    END AS DOUBLE)) FILTER(WHERE
    "r"."status" = 'won')
FROM "deals" AS "r"
LEFT JOIN "metric_rates" AS "x"
  ON "x"."currency" = "r"."currency"
  AND "x"."since" <= "r"."closed_at"
  AND "x"."until" > "r"."closed_at"
WHERE
  NOT "r"."deleted" AND "r"."closed_at" >= $start AND "r"."closed_at" < $end
