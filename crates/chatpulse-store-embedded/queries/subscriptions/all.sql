SELECT broadcaster, id, reader, conduit
FROM subscriptions
ORDER BY broadcaster
