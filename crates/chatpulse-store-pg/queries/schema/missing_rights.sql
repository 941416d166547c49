SELECT tables.relname
FROM pg_class AS tables
WHERE tables.relkind = 'r'
  AND tables.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'bot_grants'::regclass)
  AND NOT (has_table_privilege(tables.oid, 'SELECT')
           AND has_table_privilege(tables.oid, 'INSERT')
           AND has_table_privilege(tables.oid, 'UPDATE')
           AND has_table_privilege(tables.oid, 'DELETE'))
ORDER BY tables.relname
