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
    CASE
      WHEN "r"."ended_at" < $end AND "r"."answered_at" < $end
      THEN (
        "r"."ended_at" - "r"."answered_at"
      )
    END
  ),
  SUM(
    CASE
      WHEN "r"."ended_at" < $end AND "r"."answered_at" < $end
      THEN CASE
        WHEN (
          ABS(EXTRACT(EPOCH FROM (
            "r"."ended_at" - "r"."answered_at"
          ))) > 43200
          AND EXTRACT(SECOND FROM "r"."ended_at") = 0
          AND EXTRACT(MINUTE FROM "r"."ended_at") % 15 = 0
          AND EXTRACT(EPOCH FROM (
            "r"."ended_at" - "r"."answered_at"
          )) % 86400 <> 0
        )
        AND CAST("r"."ended_at" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Zurich' AS DATE) > CAST((
          "r"."ended_at" - INTERVAL '1' MICROSECOND
        ) AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Zurich' AS DATE)
        AND CAST("r"."answered_at" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Zurich' AS DATE) > CAST((
          "r"."answered_at" - INTERVAL '1' MICROSECOND
        ) AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Zurich' AS DATE)
        THEN ROUND(EXTRACT(EPOCH FROM (
          "r"."ended_at" - "r"."answered_at"
        )) / 86400) * 86400
        ELSE EXTRACT(EPOCH FROM (
          "r"."ended_at" - "r"."answered_at"
        ))
      END
    END
  )
FROM "calls" AS "r"
WHERE
  NOT "r"."deleted" AND "r"."started_at" >= $start AND "r"."started_at" < $end
