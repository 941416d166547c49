-- Settings of a new account; an account that has some keeps them.
INSERT INTO configs (user_id, settings)
VALUES (:user_id, :settings)
ON CONFLICT (user_id) DO NOTHING
