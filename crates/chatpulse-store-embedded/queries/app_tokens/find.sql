SELECT sealed
FROM app_tokens
