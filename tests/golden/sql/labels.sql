SELECT
  COALESCE(NULLIF("r"."stage", ''), ''),
  COALESCE(NULLIF("r"."attributes" ->> '$."Deal Type"', ''), ''),
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
