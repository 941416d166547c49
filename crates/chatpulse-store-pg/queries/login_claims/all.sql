SELECT subject, holder
FROM login_claims
ORDER BY subject
