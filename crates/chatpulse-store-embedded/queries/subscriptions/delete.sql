-- Only this record: a later one of the same broadcaster has another id.
DELETE FROM subscriptions
WHERE broadcaster = :broadcaster
  AND id = :id
