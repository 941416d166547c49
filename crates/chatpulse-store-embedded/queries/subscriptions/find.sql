SELECT broadcaster, id, reader, conduit
FROM subscriptions
WHERE broadcaster = :broadcaster
