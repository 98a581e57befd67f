SELECT
  "o"."team",
  COUNT(
    CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
      ELSE "r"."amount" * "x"."rate"
    END
  ) FILTER(WHERE
    CASE
      WHEN "r"."status" IN ('won', 'lost') AND "r"."closed_at" > $end
      THEN 'open'
      ELSE "r"."status"
    END = 'won'),
  SUM(
    CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
      ELSE "r"."amount" * "x"."rate"
    END
  ) FILTER(WHERE
    CASE
      WHEN "r"."status" IN ('won', 'lost') AND "r"."closed_at" > $end
      THEN 'open'
      ELSE "r"."status"
    END = 'won'),
  COUNT(*) FILTER(WHERE
    CASE
      WHEN "r"."status" IN ('won', 'lost') AND "r"."closed_at" > $end
      THEN 'open'
      ELSE "r"."status"
    END = 'won'
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
    CASE
      WHEN "r"."status" IN ('won', 'lost') AND "r"."closed_at" > $end
      THEN 'open'
      ELSE "r"."status"
    END = 'won')
FROM "deals" AS "r"
JOIN "metric_owner_teams" AS "o"
  ON "o"."source" = "r"."source"
  AND "o"."owner" = "r"."owner"
  AND "o"."since" <= $end
  AND "o"."until" > $end
LEFT JOIN "metric_rates" AS "x"
  ON "x"."currency" = "r"."currency" AND "x"."since" <= $end AND "x"."until" > $end
WHERE
  NOT "r"."deleted"
  AND "r"."created_at" <= $end
  AND (
    "r"."closed_at" IS NULL OR "r"."closed_at" > $end
  )
GROUP BY
  1
ORDER BY
  1
