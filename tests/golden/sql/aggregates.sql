SELECT
  COUNT("r"."talk_seconds"),
  SUM("r"."talk_seconds"),
  MIN("r"."talk_seconds"),
  MAX("r"."talk_seconds"),
  COUNT(NULLIF("r"."queue", '')),
  COUNT(DISTINCT NULLIF("r"."queue", '')),
  COUNT("r"."wait_seconds"),
  QUANTILE_CONT("r"."wait_seconds", 0.9
  ORDER BY
    "r"."wait_seconds"),
  COUNT(CAST("r"."resolved" AS INT)),
  SUM(CAST("r"."resolved" AS INT)),
  COUNT(
    CASE
      WHEN TRY_CAST("r"."attributes" ->> '$.Cost' AS DOUBLE) BETWEEN -1000000000000000 AND 1000000000000000
      THEN TRY_CAST("r"."attributes" ->> '$.Cost' AS DOUBLE)
    END
  ),
  SUM(
    CASE
      WHEN TRY_CAST("r"."attributes" ->> '$.Cost' AS DOUBLE) BETWEEN -1000000000000000 AND 1000000000000000
      THEN TRY_CAST("r"."attributes" ->> '$.Cost' AS DOUBLE)
    END
  ),
  COUNT(*),
  COUNT(
    EXTRACT(EPOCH FROM (
      CASE WHEN "r"."ended_at" < $end THEN "r"."ended_at" END - CASE WHEN "r"."answered_at" < $end THEN "r"."answered_at" END
    ))
  ),
  SUM(
    EXTRACT(EPOCH FROM (
      CASE WHEN "r"."ended_at" < $end THEN "r"."ended_at" END - CASE WHEN "r"."answered_at" < $end THEN "r"."answered_at" END
    ))
  )
FROM "calls" AS "r"
WHERE
  NOT "r"."deleted" AND "r"."started_at" >= $start AND "r"."started_at" < $end
