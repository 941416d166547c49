
-- settings -----------------------------------------------------------------------------------------------------

-- The fields of the session that say how votes count. The defaults are those of a caller that knows only momentum.
local function mode_fields(mode, bucket_ms, one_vote_each)
  return { 'mode', mode or 'momentum', 'bucket_ms', bucket_ms or '0', 'one_vote_each', one_vote_each or '0' }
end

-- Stores newer settings, after decaying the value at the old speed. Returns whether it did; nil and the field's name if
-- a field is malformed.
local function store_newer_settings(session_key, session, config_json, version, decay, mode, now)
  local stored = number(redis.call('HGET', session_key, 'config_version'), 0, TIME_MAX)
  if not stored then return nil, 'config_version' end
  if tonumber(version) <= stored then return false end
  redis.call('HSET', session_key, 'value', text(decayed(session, now)), 'last_update', text(now),
    'config_json', config_json, 'config_version', version, 'decay_speed', decay, unpack(mode))
  return true
end

-- The time from which the age of an orphan counts, and whether that is later than its last disconnect: a share until
-- reset goes on counting until then, and is kept.
local function orphan_since(session_key, last_disconnect)
  local fields = redis.call('HMGET', session_key, 'mode', 'bucket_ms')
  local counts_on = fields[1] == 'share' and tonumber(fields[2] or '0') == 0
  if not counts_on then return last_disconnect, false end
  return last_disconnect + COUNTS_ON_MS, true
end

-- What the caller has to do in the indices for an orphan: since when its age counts, and for one that goes on counting
-- the broadcaster whose chat votes in it, else ''. Extends the TTL of that one.
local function note_orphan(session_key, last_disconnect, now)
  local since_when, counts_on = orphan_since(session_key, last_disconnect)
  if not counts_on then return text(since_when), '' end
  expire_after(session_key, math.max(now, since_when), SESSION_TTL_MS)
  return text(since_when), redis.call('HGET', session_key, 'broadcaster_user_id') or ''
end

-- Replaces the settings of a session if these are newer.
-- KEYS     session
-- ARGV     config_json, config_version, decay, mode, bucket_ms, one_vote_each
-- Returns  done · done, orphan since, broadcaster if it counts on · stale · no_session · corrupt, field
local function put_settings(keys, args)
  local session_key = keys[1]
  local config_json, version, decay = unpack(args, 1, 3)
  local mode = mode_fields(args[4], args[5], args[6])
  local now = now_ms()
  local session, malformed = load_session(session_key)
  if not session then return not_loaded(malformed) end
  local stored
  stored, malformed = store_newer_settings(session_key, session, config_json, version, decay, mode, now)
  if stored == nil then return { 'corrupt', malformed } end
  if not stored then return { 'stale' } end
  local last_disconnect = tonumber(redis.call('HGET', session_key, 'last_disconnect'))
  if not last_disconnect then return { 'done' } end
  return { 'done', note_orphan(session_key, last_disconnect, now) }
end

-- attached instances -------------------------------------------------------------------------------------------

-- The entry of an instance: its viewers, and the epoch of its registration when it attached. An instance that was
-- declared dead and comes back has a higher epoch.
local function viewers_and_epoch(entry)
  local viewers, epoch = string.match(entry or '', '^(%d+) (%d+)$')
  return tonumber(viewers), tonumber(epoch)
end

-- Attaches an instance. Only this function creates a session.
-- KEYS     session, instances
-- ARGV     instance, viewers, epoch, broadcaster, config_json, config_version, decay, mode, bucket_ms, one_vote_each,
--          expires at, span
-- Returns  created · joined · late, now · corrupt, field
local function attach(keys, args)
  local session_key, instances_key = unpack(keys)
  local instance, viewers, epoch, broadcaster, config_json, version, decay = unpack(args, 1, 7)
  local mode = mode_fields(args[8], args[9], args[10])
  local now = now_ms()
  if is_late(args[11], args[12], now) then return late(now) end
  local session, malformed = load_session(session_key)
  if malformed then return { 'corrupt', malformed } end
  if session then
    local stored
    stored, malformed = store_newer_settings(session_key, session, config_json, version, decay, mode, now)
    if stored == nil then return { 'corrupt', malformed } end
  else
    redis.call('HSET', session_key, 'value', '0', 'last_update', text(now), 'broadcaster_user_id', broadcaster,
      'config_json', config_json, 'config_version', version, 'decay_speed', decay, unpack(mode))
  end
  local _, known_epoch = viewers_and_epoch(redis.call('HGET', instances_key, instance))
  epoch = math.max(tonumber(epoch), known_epoch or 0)
  redis.call('HSET', instances_key, instance, viewers .. ' ' .. text(epoch))
  redis.call('HDEL', session_key, 'last_disconnect')
  expire_after(session_key, now, SESSION_TTL_MS)
  expire_after(instances_key, now, SESSION_TTL_MS)
  return { session and 'joined' or 'created' }
end

-- Says whether an instance is attached.
-- KEYS     session, instances
-- Returns  attached, config_version · detached, config_version · no_session · corrupt, field
local function attached(keys)
  local version = redis.call('HGET', keys[1], 'config_version')
  if not version then return { 'no_session' } end
  if not number(version, 0, TIME_MAX) then return { 'corrupt', 'config_version' } end
  return { redis.call('HLEN', keys[2]) > 0 and 'attached' or 'detached', version }
end

-- Extends the TTL of a session for an attached instance. `lost`: Redis no longer has the session or the attachment.
-- KEYS     session, instances
-- ARGV     instance, epoch
-- Returns  done · lost
local function touch(keys, args)
  local session_key, instances_key = unpack(keys)
  local instance, epoch = args[1], tonumber(args[2])
  local now = now_ms()
  local _, known_epoch = viewers_and_epoch(redis.call('HGET', instances_key, instance))
  if known_epoch ~= epoch or redis.call('EXISTS', session_key) == 0 then return { 'lost' } end
  expire_after(session_key, now, SESSION_TTL_MS)
  expire_after(instances_key, now, SESSION_TTL_MS)
  return { 'done' }
end

-- Refuses a leader that a later one has replaced, and records the highest token. An instance that acts for itself has
-- token 0 and is never refused.
local function is_fenced(session_key, token)
  local highest = tonumber(redis.call('HGET', session_key, 'fence')) or 0
  if token > 0 and token < highest then return true end
  if token > highest then redis.call('HSET', session_key, 'fence', text(token)) end
  return false
end

-- Detaches an instance, if it attached at this epoch or an earlier one. The last one leaves an orphan.
-- KEYS     session, instances
-- ARGV     instance, epoch, time of the disconnect ('': now), fencing token (0: the instance itself)
-- Returns  orphan, orphan since, broadcaster if it counts on · attached · no_session · fenced
local function release(keys, args)
  local session_key, instances_key = unpack(keys)
  local instance, epoch, at, token = args[1], tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  local now = now_ms()
  if redis.call('EXISTS', session_key) == 0 then
    redis.call('HDEL', instances_key, instance)
    return { 'no_session' }
  end
  if is_fenced(session_key, token) then return { 'fenced' } end
  local entry = redis.call('HGET', instances_key, instance)
  local _, known_epoch = viewers_and_epoch(entry)
  local detaches = entry and (known_epoch or 0) <= epoch
  if detaches then redis.call('HDEL', instances_key, instance) end
  if redis.call('HLEN', instances_key) > 0 then return { 'attached' } end
  if detaches then
    redis.call('HSET', session_key, 'last_disconnect', text(math.min(now, at or now)))
  end
  local last_disconnect = tonumber(redis.call('HGET', session_key, 'last_disconnect'))
  if not last_disconnect then return { 'attached' } end
  return { 'orphan', note_orphan(session_key, last_disconnect, now) }
end

-- orphans ------------------------------------------------------------------------------------------------------

-- The time of the last disconnect of an orphan, and the time from which its age counts; nil and the reply for anything
-- else.
local function orphaned_at(session_key, instances_key)
  if redis.call('EXISTS', session_key) == 0 then return nil, { 'no_session' } end
  if redis.call('HLEN', instances_key) > 0 then return nil, { 'attached' } end
  local last_disconnect = redis.call('HGET', session_key, 'last_disconnect')
  if not last_disconnect then return nil, { 'attached' } end
  local at = number(last_disconnect, -TIME_MAX, TIME_MAX)
  if not at then return nil, { 'corrupt', 'last_disconnect' } end
  return at, (orphan_since(session_key, at))
end

-- Says whether a session has been an orphan for at least this long.
-- KEYS     session, instances
-- ARGV     age
-- Returns  orphan, broadcaster, last_disconnect · young, broadcaster, last_disconnect · attached · no_session
--          · corrupt, field
local function check_orphan(keys, args)
  local session_key, instances_key = unpack(keys)
  local now = now_ms()
  local at, since_or_refused = orphaned_at(session_key, instances_key)
  if not at then return since_or_refused end
  local broadcaster = redis.call('HGET', session_key, 'broadcaster_user_id') or ''
  local word = now - since_or_refused >= tonumber(args[1]) and 'orphan' or 'young'
  return { word, broadcaster, text(at) }
end

-- Deletes an orphan of at least this age. Check and deletion are one step: an instance that attaches comes before it
-- and keeps the session, or after it and creates a new one.
-- KEYS     session, instances, limit, counts
-- ARGV     age, fencing token
-- Returns  deleted, broadcaster, orphan since, now · kept · fenced · corrupt, field
local function delete_orphan(keys, args)
  local session_key, instances_key = unpack(keys)
  local age, token = tonumber(args[1]), tonumber(args[2])
  local now = now_ms()
  local at, since_or_refused = orphaned_at(session_key, instances_key)
  if not at then
    if since_or_refused[1] == 'corrupt' then return since_or_refused end
    return { 'kept' }
  end
  if is_fenced(session_key, token) then return { 'fenced' } end
  if now - since_or_refused < age then return { 'kept' } end
  local broadcaster = redis.call('HGET', session_key, 'broadcaster_user_id') or ''
  redis.call('DEL', unpack(keys))
  return { 'deleted', broadcaster, text(since_or_refused), text(now) }
end

-- Deletes a session even while instances are attached: its address is no longer valid.
-- KEYS     session, instances, limit, counts, tally
-- Returns  deleted, broadcaster, now · no_session
local function delete(keys)
  local now = now_ms()
  local broadcaster = redis.call('HGET', keys[1], 'broadcaster_user_id')
  local was_there = redis.call('EXISTS', keys[1]) == 1
  if redis.call('DEL', unpack(keys)) == 0 or not was_there then return { 'no_session' } end
  return { 'deleted', broadcaster or '', text(now) }
end

-- Reads the recent activity of a session.
-- KEYS     session, instances, counts
-- Returns  found, viewers, is attached (0, 1), last_vote ('': never), votes of the last minute, was limited in the last
--          minute (0, 1) · no_session
local function activity(keys)
  local session_key, instances_key, counts_key = unpack(keys)
  local now = now_ms()
  if redis.call('EXISTS', session_key) == 0 then return { 'no_session' } end
  local viewers, is_attached = 0, 0
  for _, entry in ipairs(redis.call('HVALS', instances_key)) do
    is_attached = 1
    viewers = viewers + (viewers_and_epoch(entry) or 0)
  end
  local times = redis.call('HMGET', session_key, 'last_vote', 'last_limited')
  local last_vote, last_limited = tonumber(times[1]), tonumber(times[2])
  local limited = last_limited and math.floor(last_limited / 1000) >= minute_start(now)
  return { 'found', text(viewers), is_attached, last_vote and text(last_vote) or '',
    text(votes_last_minute(counts_key, now)), limited and 1 or 0 }
end

writing('chatpulse_put_settings', put_settings)
writing('chatpulse_attach', attach)
reading('chatpulse_attached', attached)
writing('chatpulse_touch', touch)
writing('chatpulse_release', release)
reading('chatpulse_check_orphan', check_orphan)
writing('chatpulse_delete_orphan', delete_orphan)
writing('chatpulse_delete', delete)
reading('chatpulse_activity', activity)
