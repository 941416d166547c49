INSERT INTO eventsub_subscriptions (broadcaster, id, reader, conduit)
VALUES (:broadcaster, :id, :reader, :conduit)
ON CONFLICT (broadcaster) DO UPDATE
SET id = excluded.id,
    reader = excluded.reader,
    conduit = excluded.conduit
