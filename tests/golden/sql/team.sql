SELECT
  "o"."team",
  COUNT(*)
FROM "deals" AS "r"
JOIN "metric_owner_teams" AS "o"
  ON "o"."source" = "r"."source"
  AND "o"."owner" = "r"."owner"
  AND "o"."since" <= "r"."closed_at"
  AND "o"."until" > "r"."closed_at"
WHERE
  NOT "r"."deleted" AND "r"."closed_at" >= $start AND "r"."closed_at" < $end
GROUP BY
  1
ORDER BY
  1
