-- Only this record: a later one of the same broadcaster has another id.
DELETE FROM eventsub_subscriptions
WHERE broadcaster = :broadcaster
  AND id = :id
