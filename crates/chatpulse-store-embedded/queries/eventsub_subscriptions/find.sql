SELECT broadcaster, id, reader, conduit
FROM eventsub_subscriptions
WHERE broadcaster = :broadcaster
