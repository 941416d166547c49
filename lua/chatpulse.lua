#!lua name=chatpulse

-- The live state of a Fleet as Redis functions. Each call is one atomic step.
--
-- `store-redis/src/library.rs` joins five files into one library, in this order:
--   chatpulse.lua   conventions, helpers, the state of a session (this file)
--   tally.lua       the tally of mode `share`
--   votes.lua       votes, reads and resets; read `cast` for the path of a vote
--   sessions.lua    settings, attached instances, orphans
--   fleet.lua       index entries, instances, the leader's lease, shards
-- Each file registers its functions at its end. The lines KEYS, ARGV and Returns above a function are its signature.
--
-- Rules for changes:
-- - `chatpulse-domain` has the same rules in Rust. The test `redis_agrees_with_process_memory_on_any_steps` gives both
--   the same random steps. A change here needs the same change there.
-- - Raise VERSION with every change: a server keeps the highest version that was loaded.
-- - During a deploy instances of two versions run side by side. A released function therefore keeps its KEYS, ARGV and
--   result, to which more may be appended; a breaking change gets a new function name.
-- - Call `now_ms` once per function and pass the time on. Tests replace `now_ms` by their own clock. Whether a message
--   was seen or a chatter is debounced is decided by stored times; TTLs only remove garbage.
--
-- Times are Unix milliseconds and spans are milliseconds. Numbers travel as text with 17 digits, so none is lost.
--
-- Keys of one session share the hash tag {UUID}, and so a cluster slot:
--   name       key                        holds
--   session    session:{UUID}             hash: value, last_update, decay_speed, broadcaster_user_id, config_json,
--                                         config_version, mode (momentum, share), bucket_ms (0: until reset),
--                                         one_vote_each (0, 1), last_vote, last_limited, last_disconnect (while no
--                                         instance is attached), fence (highest fencing token seen)
--   instances  ref_count:{UUID}           hash: instance -> "viewers epoch"
--   counts     votes_last_minute:{UUID}   hash: second modulo 60 -> "unix_second votes"
--   limit      rate_limit:votes:{UUID}    hash: tokens, at
--   seen       seen:{UUID}:MESSAGE        time of the message
--   debounce   debounce:{UUID}:CHATTER    time of the chatter's last applied vote
--   tally      tally:{UUID}               hash, see tally.lua
--   voted      voted:{UUID}:CHATTER       where in the tally the chatter's vote is, see tally.lua
--
-- A function whose ARGV end with `expires at, span` does nothing and returns `late` and its time once the caller no longer
-- waits for it, see `is_late`.
-- A function on a session returns `corrupt` and the name of the field if a stored value is malformed. It then has
-- changed nothing.

local VERSION = 5

-- A vote moves the bar by this much, and the bar stays within -VALUE_MAX and VALUE_MAX.
local VOTE_STEP = 10
local VALUE_MAX = 100
-- A bar without a vote for this long is at 0.
local DECAYED_AFTER_MS = 3600000
local DECAY_MIN, DECAY_MAX = 0.1, 2.0
-- An attached instance refreshes its sessions and index entries within this span.
local SESSION_TTL_MS = 3600000
-- A share until reset goes on counting for this long after its last overlay left: scenes come and go.
local COUNTS_ON_MS = 43200000
local PROBE_TTL_MS = 10000
local TIME_MAX = 2 ^ 53

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Whether the caller no longer waits for this call, and reports it as failed: it must do nothing then. `expires_at` is the
-- caller's deadline on this server's clock, and at most `span` away; if it is further, the caller is wrong about the
-- clock. Earlier versions pass neither.
local function is_late(expires_at, span, now)
  expires_at, span = tonumber(expires_at), tonumber(span)
  if not (expires_at and span) then return false end
  return now >= expires_at or expires_at - now > span
end

-- Milliseconds since an earlier time; 0 if the clock went back.
local function since(now, earlier)
  return math.max(0, now - earlier)
end

local function text(number)
  return string.format('%.17g', number)
end

-- The reply of a function that is late.
local function late(now)
  return { 'late', text(now) }
end

-- The number in a text; nil for anything but a number in range. NaN is in no range.
local function number(text_or_nil, low, high)
  local value = tonumber(text_or_nil)
  if value and value >= low and value <= high then return value end
  return nil
end

local function expire_after(key, now, span_ms)
  redis.call('PEXPIREAT', key, text(now + span_ms))
end

local function set_with_ttl(key, value, now, span_ms)
  redis.call('SET', key, value, 'PXAT', text(now + span_ms))
end

-- Redis gives a library no loop over its functions while it loads, so each is registered by a call.
local function reading(name, callback)
  redis.register_function { function_name = name, callback = callback, flags = { 'no-writes' } }
end
local function writing(name, callback)
  redis.register_function(name, callback)
end

-- session ------------------------------------------------------------------------------------------------------

-- Loads what a vote needs of a session. Returns nil without a session, and nil with the field's name if a field is
-- malformed.
local function load_session(session_key)
  local fields = redis.call('HMGET', session_key, 'value', 'last_update', 'decay_speed', 'config_version',
    'mode', 'bucket_ms', 'one_vote_each')
  if not (fields[1] or fields[2] or fields[3]) then
    if redis.call('EXISTS', session_key) == 0 then return nil end
  end
  local session = {
    value = number(fields[1], -VALUE_MAX, VALUE_MAX),
    last_update = number(fields[2], -TIME_MAX, TIME_MAX),
    decay = number(fields[3], DECAY_MIN, DECAY_MAX),
    decay_text = fields[3],
    version_text = fields[4] or '0',
    is_share = fields[5] == 'share',
    bucket_ms = number(fields[6] or '0', 0, TIME_MAX),
    one_vote_each = fields[7] == '1',
  }
  if not session.value then return nil, 'value' end
  if not session.last_update then return nil, 'last_update' end
  if not session.decay then return nil, 'decay_speed' end
  if not session.bucket_ms then return nil, 'bucket_ms' end
  return session
end

-- The reply when `load_session` returned nil.
local function not_loaded(malformed_field)
  if malformed_field then return { 'corrupt', malformed_field } end
  return { 'no_session' }
end

-- The value at `now`.
local function decayed(session, now)
  local elapsed = since(now, session.last_update)
  if elapsed >= DECAYED_AFTER_MS then return 0 end
  return session.value * math.exp(-session.decay * (elapsed / 1000))
end

-- Applied votes of a session by second. A counter is used again a minute later.
local function count_vote(counts_key, now)
  local second = math.floor(now / 1000)
  local slot = second % 60
  local entry = redis.call('HGET', counts_key, slot) or ''
  local at, votes = string.match(entry, '^(%-?%d+) (%d+)$')
  if tonumber(at) ~= second then votes = 0 end
  redis.call('HSET', counts_key, slot, text(second) .. ' ' .. text(votes + 1))
  expire_after(counts_key, now, 60000)
end

-- The first second of the last minute.
local function minute_start(now)
  return math.floor(now / 1000) - 59
end

local function votes_last_minute(counts_key, now)
  local oldest = minute_start(now)
  local votes = 0
  for _, entry in ipairs(redis.call('HVALS', counts_key)) do
    local at, count = string.match(entry, '^(%-?%d+) (%d+)$')
    if at and tonumber(at) >= oldest then votes = votes + tonumber(count) end
  end
  return votes
end

-- the library --------------------------------------------------------------------------------------------------

-- Returns VERSION.
local function version()
  return VERSION
end

-- Returns the time.
local function time()
  return now_ms()
end

-- Writes a key, to learn whether this server accepts writes: votes need that.
-- KEYS     probe
-- Returns  VERSION
local function probe(keys)
  local now = now_ms()
  set_with_ttl(keys[1], text(now), now, PROBE_TTL_MS)
  return VERSION
end

reading('chatpulse_version', version)
reading('chatpulse_time', time)
writing('chatpulse_probe', probe)
