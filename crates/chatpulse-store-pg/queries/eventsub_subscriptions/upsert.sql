INSERT INTO eventsub_subscriptions (broadcaster, id, reader, conduit)
VALUES ($1, $2, $3, $4)
ON CONFLICT (broadcaster) DO UPDATE
SET id = excluded.id,
    reader = excluded.reader,
    conduit = excluded.conduit
