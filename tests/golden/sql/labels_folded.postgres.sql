SELECT
  CASE
    WHEN COALESCE(NULLIF("r"."stage", ''), '') = ANY(
      CAST(%(kept_0)s AS VARCHAR[])
    )
    THEN COALESCE(NULLIF("r"."stage", ''), '')
    ELSE '__other__'
  END,
  COALESCE(NULLIF("r"."owner", ''), ''),
  COUNT(
    CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
    END
  ),
  SUM(
    CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
    END
  ),
  COUNT(*) FILTER(WHERE
    NOT "r"."amount" IS NULL
    AND CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
    END IS NULL)
FROM "deals" AS "r"
WHERE
  NOT "r"."deleted" AND "r"."closed_at" >= %(start)s AND "r"."closed_at" < %(end)s
GROUP BY
  1,
  2
ORDER BY
  1,
  2
