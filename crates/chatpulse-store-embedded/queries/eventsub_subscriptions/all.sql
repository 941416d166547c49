SELECT broadcaster, id, reader, conduit
FROM eventsub_subscriptions
ORDER BY broadcaster
