
-- votes --------------------------------------------------------------------------------------------------------

local SEEN_TTL_MS = 600000
local DEBOUNCE_MS = 1000
local LIMIT_TTL_MIN_MS = 300000

local function is_marked(key, span_ms, now)
  local at = tonumber(redis.call('GET', key))
  return at ~= nil and since(now, at) < span_ms
end

local function mark(key, span_ms, now)
  set_with_ttl(key, text(now), now, span_ms)
end

-- The refilled token bucket: tokens, and the time of the refill. A new bucket is full.
local function refilled(limit_key, capacity, per_minute, now)
  local bucket = redis.call('HMGET', limit_key, 'tokens', 'at')
  local tokens, at = number(bucket[1], 0, TIME_MAX), number(bucket[2], -TIME_MAX, TIME_MAX)
  if not (tokens and at) then return capacity, now end
  local per_ms = per_minute / 60000
  return math.min(capacity, tokens + since(now, at) * per_ms), math.max(now, at)
end

-- The bucket expires no earlier than it would be full again.
local function store_tokens(limit_key, tokens, at, capacity, per_minute, now)
  redis.call('HSET', limit_key, 'tokens', text(tokens), 'at', text(at))
  local until_full_ms = SESSION_TTL_MS
  if per_minute > 0 then until_full_ms = math.ceil(capacity * 60000 / per_minute) end
  expire_after(limit_key, now, math.max(LIMIT_TTL_MIN_MS, until_full_ms))
end

-- Decays the value to `now`, moves it one step to the side and stores it. Returns the new value as text.
local function apply_momentum(session_key, counts_key, session, side, now)
  local step = side == 'for' and VOTE_STEP or -VOTE_STEP
  local value = text(math.max(-VALUE_MAX, math.min(VALUE_MAX, decayed(session, now) + step)))
  redis.call('HSET', session_key, 'value', value, 'last_update', text(now), 'last_vote', text(now))
  count_vote(counts_key, now)
  return value
end

-- Counts the vote in the tally. Returns the share as text.
local function apply_share(session_key, counts_key, tally_key, voted_key, session, side, now)
  redis.call('HSET', session_key, 'value', '0', 'last_update', text(now), 'last_vote', text(now))
  count_vote(counts_key, now)
  if not session.one_vote_each then voted_key = nil end
  return count_in_tally(tally_key, voted_key, session.bucket_ms, side, now)
end

-- Casts a vote from chat. The message counts as seen whatever the outcome; debounce and token are spent last, by a vote
-- that is applied. Mode `share` has no token bucket.
-- KEYS     session, seen, debounce, limit, counts, tally, voted
-- ARGV     side (for, against), tokens of a full bucket (0: no limit), tokens per minute, expires at, span
-- Returns  applied, value · duplicate · debounced · rate_limited · no_session · late, now · corrupt, field
local function cast(keys, args)
  local session_key, seen_key, debounce_key, limit_key, counts_key, tally_key, voted_key = unpack(keys)
  local side, capacity, per_minute = args[1], tonumber(args[2]), tonumber(args[3])
  local now = now_ms()
  if is_late(args[4], args[5], now) then return late(now) end
  local session, malformed = load_session(session_key)
  if not session then return not_loaded(malformed) end
  if is_marked(seen_key, SEEN_TTL_MS, now) then return { 'duplicate' } end
  mark(seen_key, SEEN_TTL_MS, now)
  if is_marked(debounce_key, DEBOUNCE_MS, now) then return { 'debounced' } end
  if session.is_share and tally_key then
    mark(debounce_key, DEBOUNCE_MS, now)
    return { 'applied', apply_share(session_key, counts_key, tally_key, voted_key, session, side, now) }
  end
  if capacity > 0 then
    local tokens, at = refilled(limit_key, capacity, per_minute, now)
    if tokens < 1 then
      redis.call('HSET', session_key, 'last_limited', text(now))
      return { 'rate_limited' }
    end
    store_tokens(limit_key, tokens - 1, at, capacity, per_minute, now)
  end
  mark(debounce_key, DEBOUNCE_MS, now)
  return { 'applied', apply_momentum(session_key, counts_key, session, side, now) }
end

-- Marks a message that is not a vote as seen.
-- KEYS     seen
-- ARGV     expires at, span
-- Returns  new · duplicate · late, now
local function note_seen(keys, args)
  local now = now_ms()
  if is_late(args[1], args[2], now) then return late(now) end
  if is_marked(keys[1], SEEN_TTL_MS, now) then return { 'duplicate' } end
  mark(keys[1], SEEN_TTL_MS, now)
  return { 'new' }
end

-- Applies a synthetic vote, without debounce and token bucket.
-- KEYS     session, counts, tally
-- ARGV     side (for, against), expires at, span
-- Returns  applied, value · no_session · late, now · corrupt, field
local function push(keys, args)
  local session_key, counts_key, tally_key = unpack(keys)
  local now = now_ms()
  if is_late(args[2], args[3], now) then return late(now) end
  local session, malformed = load_session(session_key)
  if not session then return not_loaded(malformed) end
  if session.is_share and tally_key then
    return { 'applied', apply_share(session_key, counts_key, tally_key, nil, session, args[1], now) }
  end
  return { 'applied', apply_momentum(session_key, counts_key, session, args[1], now) }
end

-- Reads the bar. Returns the age of the value instead of its time, so that the clocks of readers do not matter.
-- KEYS     session, tally
-- Returns  found, value, age, decay, config_version; in mode share also: share, votes for, votes against
--          · no_session · corrupt, field
local function read(keys)
  local now = now_ms()
  local session, malformed = load_session(keys[1])
  if not session then return not_loaded(malformed) end
  local age = text(since(now, session.last_update))
  if session.is_share and keys[2] then
    local tally = load_tally(keys[2], session.bucket_ms, now)
    return { 'found', share(tally), age, session.decay_text, session.version_text, 'share', text(tally.in_favor),
      text(tally.against) }
  end
  return { 'found', text(session.value), age, session.decay_text, session.version_text }
end

-- Moves the bar to the centre and empties the tally. Also replaces a malformed value.
-- KEYS     session, tally
-- ARGV     expires at, span
-- Returns  done · no_session · late, now
local function reset(keys, args)
  local now = now_ms()
  if is_late(args[1], args[2], now) then return late(now) end
  -- A tally until reset outlives its session.
  if keys[2] then reset_tally(keys[2], now) end
  if redis.call('EXISTS', keys[1]) == 0 then return { 'no_session' } end
  redis.call('HSET', keys[1], 'value', '0', 'last_update', text(now))
  return { 'done' }
end

writing('chatpulse_cast', cast)
writing('chatpulse_note_seen', note_seen)
writing('chatpulse_push', push)
reading('chatpulse_read', read)
writing('chatpulse_reset', reset)
