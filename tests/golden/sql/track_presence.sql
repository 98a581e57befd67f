SELECT
  EPOCH_US("r"."closed_at"),
  "o"."team"
FROM "deals" AS "r"
JOIN "metric_owner_teams" AS "o"
  ON "o"."source" = "r"."source"
  AND "o"."owner" = "r"."owner"
  AND "o"."since" <= "r"."closed_at"
  AND "o"."until" > "r"."closed_at"
WHERE
  NOT "r"."deleted" AND NOT "r"."closed_at" IS NULL
ORDER BY
  1
