INSERT INTO bot_grants (bot, display_name, granted_at) VALUES ('chatpulse check', 'trial', now())
