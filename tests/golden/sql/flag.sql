SELECT
  COUNT(*) FILTER(WHERE
    "r"."resolved" = FALSE)
FROM "calls" AS "r"
WHERE
  NOT "r"."deleted" AND "r"."started_at" >= $start AND "r"."started_at" < $end
