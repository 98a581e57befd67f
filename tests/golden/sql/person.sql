SELECT
  "o"."person",
  COUNT(*)
FROM "deals" AS "r"
JOIN "metric_owner_persons" AS "o"
  ON "o"."source" = "r"."source" AND "o"."owner" = "r"."owner"
WHERE
  NOT "r"."deleted" AND "r"."closed_at" >= $start AND "r"."closed_at" < $end
GROUP BY
  1
ORDER BY
  1
