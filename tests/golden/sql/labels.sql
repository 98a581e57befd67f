SELECT
  CASE
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
  END,
  CASE
    WHEN LENGTH(COALESCE(NULLIF("r"."attributes" ->> '$."Deal Type"', ''), '')) <= 128
    AND NOT REGEXP_MATCHES(
      COALESCE(NULLIF("r"."attributes" ->> '$."Deal Type"', ''), ''),
      '[\x00-\x1f\x7f-\x{9f}]'
    )
    THEN COALESCE(NULLIF("r"."attributes" ->> '$."Deal Type"', ''), '')
    WHEN LENGTH(COALESCE(NULLIF("r"."attributes" ->> '$."Deal Type"', ''), '')) <= 128
    THEN REGEXP_REPLACE(
      COALESCE(NULLIF("r"."attributes" ->> '$."Deal Type"', ''), ''),
      '[\x00-\x1f\x7f-\x{9f}]',
      '�',
      'g'
    )
    ELSE LEFT(
      REGEXP_REPLACE(
        COALESCE(NULLIF("r"."attributes" ->> '$."Deal Type"', ''), ''),
        '[\x00-\x1f\x7f-\x{9f}]',
        '�',
        'g'
      ),
      119
    ) || '~' || LEFT(
      SHA256(
        REGEXP_REPLACE(
          COALESCE(NULLIF("r"."attributes" ->> '$."Deal Type"', ''), ''),
          '[\x00-\x1f\x7f-\x{9f}]',
          '�',
          'g'
        )
      ),
      8
    )
  END,
  COUNT(*)
FROM "deals" AS "r"
WHERE
  NOT "r"."deleted" AND "r"."closed_at" >= $start AND "r"."closed_at" < $end
GROUP BY
  1,
  2
ORDER BY
  1,
  2
