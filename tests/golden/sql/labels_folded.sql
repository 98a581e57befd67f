SELECT
  CASE
    WHEN CASE
      WHEN LENGTH(COALESCE(NULLIF("r"."stage", ''), '')) <= 128
      AND NOT REGEXP_MATCHES(COALESCE(NULLIF("r"."stage", ''), ''), '[\x00-\x1f\x7f-\x{9f}]')
      THEN COALESCE(NULLIF("r"."stage", ''), '')
      WHEN LENGTH(COALESCE(NULLIF("r"."stage", ''), '')) <= 128
      THEN REGEXP_REPLACE(COALESCE(NULLIF("r"."stage", ''), ''), '[\x00-\x1f\x7f-\x{9f}]', '�', 'g')
      ELSE LEFT(
        REGEXP_REPLACE(COALESCE(NULLIF("r"."stage", ''), ''), '[\x00-\x1f\x7f-\x{9f}]', '�', 'g'),
        119
      ) || '~' || LEFT(
        SHA256(
          REGEXP_REPLACE(COALESCE(NULLIF("r"."stage", ''), ''), '[\x00-\x1f\x7f-\x{9f}]', '�', 'g')
        ),
        8
      )
    END = ANY(
      CAST($kept_0 AS TEXT[])
    )
    THEN CASE
      WHEN LENGTH(COALESCE(NULLIF("r"."stage", ''), '')) <= 128
      AND NOT REGEXP_MATCHES(COALESCE(NULLIF("r"."stage", ''), ''), '[\x00-\x1f\x7f-\x{9f}]')
      THEN COALESCE(NULLIF("r"."stage", ''), '')
      WHEN LENGTH(COALESCE(NULLIF("r"."stage", ''), '')) <= 128
      THEN REGEXP_REPLACE(COALESCE(NULLIF("r"."stage", ''), ''), '[\x00-\x1f\x7f-\x{9f}]', '�', 'g')
      ELSE LEFT(
        REGEXP_REPLACE(COALESCE(NULLIF("r"."stage", ''), ''), '[\x00-\x1f\x7f-\x{9f}]', '�', 'g'),
        119
      ) || '~' || LEFT(
        SHA256(
          REGEXP_REPLACE(COALESCE(NULLIF("r"."stage", ''), ''), '[\x00-\x1f\x7f-\x{9f}]', '�', 'g')
        ),
        8
      )
    END
    ELSE '__other__'
  END,
  CASE
    WHEN LENGTH(COALESCE(NULLIF("r"."owner", ''), '')) <= 128
    AND NOT REGEXP_MATCHES(COALESCE(NULLIF("r"."owner", ''), ''), '[\x00-\x1f\x7f-\x{9f}]')
    THEN COALESCE(NULLIF("r"."owner", ''), '')
    WHEN LENGTH(COALESCE(NULLIF("r"."owner", ''), '')) <= 128
    THEN REGEXP_REPLACE(COALESCE(NULLIF("r"."owner", ''), ''), '[\x00-\x1f\x7f-\x{9f}]', '�', 'g')
    ELSE LEFT(
      REGEXP_REPLACE(COALESCE(NULLIF("r"."owner", ''), ''), '[\x00-\x1f\x7f-\x{9f}]', '�', 'g'),
      119
    ) || '~' || LEFT(
      SHA256(
        REGEXP_REPLACE(COALESCE(NULLIF("r"."owner", ''), ''), '[\x00-\x1f\x7f-\x{9f}]', '�', 'g')
      ),
      8
    )
  END,
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
  NOT "r"."deleted" AND "r"."closed_at" >= $start AND "r"."closed_at" < $end
GROUP BY
  1,
  2
ORDER BY
  1,
  2
