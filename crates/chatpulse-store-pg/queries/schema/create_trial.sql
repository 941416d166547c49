CREATE TABLE chatpulse_check_trial (number integer)
