SELECT
  COUNT(*)
FROM "deals" AS "r"
WHERE
  NOT "r"."deleted"
  AND "r"."created_at" <= $end
  AND (
    "r"."closed_at" IS NULL OR "r"."closed_at" > $end
  )
