SELECT
  COUNT(*) FILTER(WHERE
    "r"."status" = 'won'),
  COUNT(*) FILTER(WHERE
    "r"."status" IN ('won', 'lost')),
  COUNT(*) FILTER(WHERE
    CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
    END >= 1000
    AND CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
    END < 5000.5),
  COUNT(*) FILTER(WHERE
    (
      CASE
        WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
        THEN "r"."amount"
      END >= 1000
      OR (
        NOT "r"."amount" IS NULL
        AND CASE
          WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
          THEN "r"."amount"
        END IS NULL
      )
    )
    AND (
      CASE
        WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
        THEN "r"."amount"
      END < 5000.5
      OR (
        NOT "r"."amount" IS NULL
        AND CASE
          WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
          THEN "r"."amount"
        END IS NULL
      )
    )
    AND (
      NOT "r"."amount" IS NULL
      AND CASE
        WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
        THEN "r"."amount"
      END IS NULL
    )),
  COUNT(*) FILTER(WHERE
    CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
    END > 0.0000001
    AND CASE
      WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
      THEN "r"."amount"
    END <= 1000000000000000),
  COUNT(*) FILTER(WHERE
    (
      CASE
        WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
        THEN "r"."amount"
      END > 0.0000001
      OR (
        NOT "r"."amount" IS NULL
        AND CASE
          WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
          THEN "r"."amount"
        END IS NULL
      )
    )
    AND (
      CASE
        WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
        THEN "r"."amount"
      END <= 1000000000000000
      OR (
        NOT "r"."amount" IS NULL
        AND CASE
          WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
          THEN "r"."amount"
        END IS NULL
      )
    )
    AND (
      NOT "r"."amount" IS NULL
      AND CASE
        WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
        THEN "r"."amount"
      END IS NULL
    )),
  COUNT(*) FILTER(WHERE
    NULLIF("r"."stage", '') IS NULL OR NOT "r"."stage" = 'new'),
  COUNT(*) FILTER(WHERE
    NULLIF("r"."stage", '') IS NULL OR NOT "r"."stage" IN ('new', 'old')),
  COUNT(*) FILTER(WHERE
    NOT NULLIF("r"."owner", '') IS NULL AND "r"."amount" IS NULL),
  COUNT(*) FILTER(WHERE
    NOT NULLIF("r"."owner", '') IS NULL
    AND (
      "r"."amount" IS NULL
      OR (
        NOT "r"."amount" IS NULL
        AND CASE
          WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
          THEN "r"."amount"
        END IS NULL
      )
    )
    AND (
      NOT "r"."amount" IS NULL
      AND CASE
        WHEN "r"."currency" IS NULL OR "r"."currency" IN ('', 'EUR')
        THEN "r"."amount"
      END IS NULL
    )),
  COUNT(*) FILTER(WHERE
    NULLIF("r"."name", '') ~ '^A.*''s$'),
  COUNT(*) FILTER(WHERE
    JSON_EXTRACT_PATH_TEXT("r"."attributes", 'Deal Type') = 'New'
    AND CASE
      WHEN CAST(JSON_EXTRACT_PATH_TEXT("r"."attributes", 'size') AS DOUBLE PRECISION) BETWEEN -1000000000000000 AND 1000000000000000
      THEN CAST(JSON_EXTRACT_PATH_TEXT("r"."attributes", 'size') AS DOUBLE PRECISION)
    END > 2),
  COUNT(*) FILTER(WHERE
    CASE WHEN "r"."created_at" < %(end)s THEN "r"."created_at" END >= CAST('2024-01-01 00:00:00' AS TIMESTAMP))
FROM "deals" AS "r"
WHERE
  NOT "r"."deleted" AND "r"."closed_at" >= %(start)s AND "r"."closed_at" < %(end)s
