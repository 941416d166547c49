#!lua name=chatpulse

-- Fleet's live state, as functions of Redis: each call is one atomic step. Start with `cast`, the path of a vote.
--
-- The same rules stand in Rust in `chatpulse-domain` (sentiment.rs, vote.rs); a test drives both with the same
-- random steps. Every call reads the time once, through `now_ms`; that test puts its own clock in there and changes
-- nothing else. What was seen or debounced is decided by times kept in the values; TTLs only collect garbage, and
-- are set as points in time of the same clock.
--
-- Instances of two versions run side by side during a deploy: a function keeps its KEYS, ARGV and result for ever
-- (more of each may follow); a breaking change is a new function with a new name. Whoever changes
-- this file raises VERSION, since a server keeps the highest.
--
-- Times are Unix milliseconds, spans milliseconds, numbers travel as text (%.17g: no digit is lost).
-- Keys of one session share the hash tag {UUID} and thus a cluster slot:
--   session   session:{UUID}           hash: value, last_update, decay_speed, broadcaster_user_id, config_json,
--                                      config_version, last_disconnect (once nobody holds it), last_vote, last_limited,
--                                      fence (highest fencing token that acted on it), measure (momentum or share),
--                                      bucket_ms (a sixtieth of the share's window; 0: until reset), one_vote_each (0, 1)
--   holders   ref_count:{UUID}         hash: instance -> "sockets epoch"
--   counts    votes_last_minute:{UUID} hash: second modulo 60 -> "unix_second votes"
--   bucket    rate_limit:votes:{UUID}  hash: tokens, at
--   seen      seen:{UUID}:MESSAGE      when it was noted
--   debounce  debounce:{UUID}:CHATTER  when their last vote was applied
--   tally     tally:{UUID}             hash: votes of a share's window; see there
--   voted     voted:{UUID}:CHATTER     where in the tally their vote is
--
-- | function                   | KEYS                                       | ARGV                                        | result |
-- |----------------------------|--------------------------------------------|---------------------------------------------|--------|
-- | chatpulse_version          |                                            |                                             | VERSION |
-- | chatpulse_probe            | probe                                      |                                             | VERSION, and that one may write here |
-- | chatpulse_cast             | session, seen, debounce, bucket, counts, tally, voted | for/against, capacity (0: none), per minute | word, then value if applied |
-- | chatpulse_note_seen        | seen                                       |                                             | new / duplicate |
-- | chatpulse_push             | session, counts, tally                     | for/against                                 | applied + value / no_session |
-- | chatpulse_read             | session, tally                             |                                             | found + value, age, decay, config_version; of a share also share, for, against / no_session |
-- | chatpulse_reset            | session, tally                             |                                             | done / no_session |
-- | chatpulse_put_settings     | session                                    | config_json, version, decay, measure, bucket_ms, one_vote_each | done / stale / no_session |
-- | chatpulse_activity         | session, holders, counts                   |                                             | found + sockets, held 0/1, last_vote or '', votes, limited 0/1 / no_session |
-- | chatpulse_held             | session, holders                           |                                             | held or free + config_version / no_session |
-- | chatpulse_hold             | session, holders                           | instance, sockets, epoch, broadcaster, config_json, version, decay, measure, bucket_ms, one_vote_each | created / joined |
-- | chatpulse_touch            | session, holders                           | instance, epoch                             | done / lost |
-- | chatpulse_release          | session, holders                           | instance, epoch, at ('': now), token        | orphan + last_disconnect / held / no_session / fenced |
-- | chatpulse_orphan           | session, holders                           | age                                         | orphan or young + broadcaster, last_disconnect / held / no_session |
-- | chatpulse_delete_orphan    | session, holders, bucket, counts           | age, token                                  | deleted + broadcaster, last_disconnect, now / kept / fenced |
-- | chatpulse_delete           | session, holders, bucket, counts, tally    |                                             | deleted + broadcaster, now / no_session |
-- | chatpulse_unindex          | broadcaster:ID                             | UUID                                        | done / kept |
-- | chatpulse_keep_index       | broadcaster:ID                             | UUID                                        | done / other + UUID that it points to |
-- | chatpulse_mention          | list by time                               | UUID, at ('': now)                          | done |
-- | chatpulse_unmention        | list by time                               | UUID, up to                                 | done / kept |
-- | chatpulse_mentioned        | list by time                               | age, at most                                | UUID, at, UUID, at, … |
-- | chatpulse_beat             | instances, instance_epochs:{instances}     | instance, dead after                        | fresh/alive, epoch, living instances |
-- | chatpulse_dead             | instances, instance_epochs:{instances}     | dead after                                  | instance, last beat, epoch, … |
-- | chatpulse_leave            | instances, instance_epochs:{instances}     | instance                                    | done |
-- | chatpulse_bury             | instances, instance_epochs:{instances}     | instance, last beat                         | done / kept |
-- | chatpulse_lead             | cleanup:leader, fence:{cleanup:leader}     | instance, token held (0: none), lease       | leader + token / follower |
-- | chatpulse_resign           | cleanup:leader, fence:{cleanup:leader}     | instance, token held                        | done / kept |
-- | chatpulse_hold_shard       | eventsub_shards                            | instance, lease                             | held + shard, how many there are |
-- | chatpulse_leave_shard      | eventsub_shards                            | instance                                    | done |
--
-- Lists by time: disconnected_sessions (when nobody held it any more), sessions (when a holder last spoke of it).
--
-- Any function on a session answers `corrupt` and the field's name where a field is not what is written here; it
-- then has changed nothing.

local VERSION = 3

local VOTE_STEP = 10
local LIMIT = 100
local FORGOTTEN_AFTER_MS = 3600000
local SEEN_FOR_MS = 600000
local DEBOUNCE_MS = 1000
local BUCKET_KEPT_MS = 300000
-- A holder says once a minute that it is still there; without any for an hour nobody is.
local SESSION_KEPT_MS = 3600000
local PROBE_KEPT_MS = 10000
-- An entry that its session no longer needs. Somebody may just be opening it again: its holder then has these
-- minutes to say so.
local UNINDEXED_KEPT_MS = 300000

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A clock that went back counts as no time.
local function since(now, earlier)
  return math.max(0, now - earlier)
end

local function text(number)
  return string.format('%.17g', number)
end

-- nil for anything but a number in range; NaN is in no range.
local function number(text_or_nil, low, high)
  local value = tonumber(text_or_nil)
  if value and value >= low and value <= high then return value end
  return nil
end

local TIME_MAX = 2 ^ 53

local function keep(key, now, span_ms)
  redis.call('PEXPIREAT', key, text(now + span_ms))
end

-- session ------------------------------------------------------------------------------------------------------

-- The part that moves. Returns nil without a session; nil and a field's name if that field is odd.
local function load_session(session_key)
  local fields = redis.call('HMGET', session_key, 'value', 'last_update', 'decay_speed', 'config_version',
    'measure', 'bucket_ms', 'one_vote_each')
  if not (fields[1] or fields[2] or fields[3]) then
    if redis.call('EXISTS', session_key) == 0 then return nil end
  end
  local session = {
    value = number(fields[1], -LIMIT, LIMIT),
    last_update = number(fields[2], -TIME_MAX, TIME_MAX),
    decay = number(fields[3], 0.1, 2.0),
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

local function refusal(odd_field)
  if odd_field then return { 'corrupt', odd_field } end
  return { 'no_session' }
end

local function decayed(session, now)
  local elapsed = since(now, session.last_update)
  if elapsed >= FORGOTTEN_AFTER_MS then return 0 end
  return session.value * math.exp(-session.decay * (elapsed / 1000))
end

local function step_to(side)
  if side == 'for' then return VOTE_STEP end
  return -VOTE_STEP
end

-- Once more in this second; the same counter is used again a minute later.
local function count_vote(counts_key, now)
  local second = math.floor(now / 1000)
  local slot = second % 60
  local entry = redis.call('HGET', counts_key, slot) or ''
  local at, votes = string.match(entry, '^(%-?%d+) (%d+)$')
  if tonumber(at) ~= second then votes = 0 end
  redis.call('HSET', counts_key, slot, text(second) .. ' ' .. text(votes + 1))
  keep(counts_key, now, 60000)
end

local function votes_last_minute(counts_key, now)
  local oldest = math.floor(now / 1000) - 59
  local votes = 0
  for _, entry in ipairs(redis.call('HVALS', counts_key)) do
    local at, count = string.match(entry, '^(%-?%d+) (%d+)$')
    if at and tonumber(at) >= oldest then votes = votes + tonumber(count) end
  end
  return votes
end

-- Decays to now, one step to the side, clamps, writes. Returns the new value as text.
local function apply(session_key, counts_key, session, side, now)
  local value = decayed(session, now) + step_to(side)
  value = text(math.max(-LIMIT, math.min(LIMIT, value)))
  redis.call('HSET', session_key, 'value', value, 'last_update', text(now), 'last_vote', text(now))
  count_vote(counts_key, now)
  return value
end

-- tally --------------------------------------------------------------------------------------------------------

-- Votes of a window that is cut into sixty parts, and their sum: a vote is counted in its part and leaves with it. Parts
-- that have passed are taken off the sum by the next vote, so a vote costs the same whatever came before it. The hash:
--   bucket_ms, newest (number of the newest part), in_favor, against, at (last vote), epoch (rises with each beginning),
--   0 to 59 -> "for against" of the part with this number modulo 60
-- voted:{UUID}:CHATTER is "epoch part side at": where their vote is, so that their next one can take it back.
local BUCKETS = 60
local UNENDED_KEPT_MS = 86400000

local function in_slot(slot_text)
  local in_favor, against = string.match(slot_text or '', '^(%d+) (%d+)$')
  return tonumber(in_favor) or 0, tonumber(against) or 0
end

-- As it is now, with the parts that passed since it was written. A tally of another window is none.
local function load_tally(tally_key, bucket_ms, now)
  local fields = redis.call('HMGET', tally_key, 'bucket_ms', 'newest', 'in_favor', 'against', 'at', 'epoch')
  local newest, at = tonumber(fields[2]), tonumber(fields[5])
  local epoch = tonumber(fields[6])
  local unknown = not (newest and at and tonumber(fields[1]) == bucket_ms)
  if unknown or (bucket_ms == 0 and since(now, at) >= UNENDED_KEPT_MS) then
    local first = 0
    if bucket_ms > 0 then first = math.floor(now / bucket_ms) end
    return { fresh = true, newest = first, in_favor = 0, against = 0, passed = {}, epoch = epoch and epoch + 1 or now }
  end
  local tally = { newest = newest, in_favor = tonumber(fields[3]) or 0, against = tonumber(fields[4]) or 0, epoch = epoch or now,
    passed = {} }
  if bucket_ms == 0 then return tally end
  local index = math.max(newest, math.floor(now / bucket_ms))
  for part = math.max(newest + 1, index - BUCKETS + 1), index do
    tally.passed[#tally.passed + 1] = text(part % BUCKETS)
  end
  tally.newest = index
  if #tally.passed > 0 then
    for _, slot_text in ipairs(redis.call('HMGET', tally_key, unpack(tally.passed))) do
      local in_favor, against = in_slot(slot_text)
      tally.in_favor, tally.against = tally.in_favor - in_favor, tally.against - against
    end
  end
  return tally
end

local function share(tally)
  local total = tally.in_favor + tally.against
  if total == 0 then return '0' end
  return text(100 * (tally.in_favor - tally.against) / total)
end

-- One more, or one less, in a part and in the sum.
local function add(tally_key, tally, part, side, count)
  local slot = text(part % BUCKETS)
  local in_favor, against = in_slot(redis.call('HGET', tally_key, slot))
  if side == 'for' then
    if in_favor + count < 0 then return end
    in_favor, tally.in_favor = in_favor + count, tally.in_favor + count
  else
    if against + count < 0 then return end
    against, tally.against = against + count, tally.against + count
  end
  redis.call('HSET', tally_key, slot, text(in_favor) .. ' ' .. text(against))
end

local function take_back(tally_key, tally, voted_key, bucket_ms, now)
  local epoch, part, side, at = string.match(redis.call('GET', voted_key) or '', '^(%d+) (%d+) (%a+) (%d+)$')
  if tonumber(epoch) ~= tally.epoch or tonumber(part) <= tally.newest - BUCKETS then return end
  if bucket_ms == 0 and since(now, tonumber(at)) >= UNENDED_KEPT_MS then return end
  add(tally_key, tally, tonumber(part), side, -1)
end

-- Counts a vote. With `voted_key` it replaces what that viewer voted before. Returns the share as text.
local function count_share(tally_key, voted_key, bucket_ms, side, now)
  local tally = load_tally(tally_key, bucket_ms, now)
  if tally.fresh then
    redis.call('DEL', tally_key)
  elseif #tally.passed > 0 then
    redis.call('HDEL', tally_key, unpack(tally.passed))
  end
  local kept_ms = UNENDED_KEPT_MS
  if bucket_ms > 0 then kept_ms = (BUCKETS + 1) * bucket_ms end
  if voted_key then
    take_back(tally_key, tally, voted_key, bucket_ms, now)
    local place = table.concat({ text(tally.epoch), text(tally.newest), side, text(now) }, ' ')
    redis.call('SET', voted_key, place, 'PXAT', text(now + kept_ms))
  end
  add(tally_key, tally, tally.newest, side, 1)
  redis.call('HSET', tally_key, 'bucket_ms', text(bucket_ms), 'newest', text(tally.newest), 'in_favor',
    text(tally.in_favor), 'against', text(tally.against), 'at', text(now), 'epoch', text(tally.epoch))
  keep(tally_key, now, kept_ms)
  return share(tally)
end

-- Nothing counts any more; who voted before may vote anew.
local function reset_tally(tally_key, now)
  local epoch = tonumber(redis.call('HGET', tally_key, 'epoch'))
  if not epoch then return end
  redis.call('DEL', tally_key)
  redis.call('HSET', tally_key, 'epoch', text(epoch))
  keep(tally_key, now, UNENDED_KEPT_MS)
end

local function apply_share(session_key, counts_key, tally_key, voted_key, session, side, now)
  redis.call('HSET', session_key, 'value', '0', 'last_update', text(now), 'last_vote', text(now))
  count_vote(counts_key, now)
  if not session.one_vote_each then voted_key = nil end
  return count_share(tally_key, voted_key, session.bucket_ms, side, now)
end

-- votes --------------------------------------------------------------------------------------------------------

local function noted_within(key, span_ms, now)
  local at = tonumber(redis.call('GET', key))
  return at ~= nil and since(now, at) < span_ms
end

local function note(key, span_ms, now)
  redis.call('SET', key, text(now), 'PXAT', text(now + span_ms))
end

-- Tokens in the bucket now. A new one is full.
local function tokens_now(bucket_key, capacity, per_minute, now)
  local bucket = redis.call('HMGET', bucket_key, 'tokens', 'at')
  local tokens, at = number(bucket[1], 0, TIME_MAX), number(bucket[2], -TIME_MAX, TIME_MAX)
  if not (tokens and at) then return capacity, now end
  local per_ms = per_minute / 60000
  return math.min(capacity, tokens + since(now, at) * per_ms), math.max(now, at)
end

-- Forgotten only after it would be full again anyway.
local function put_tokens(bucket_key, tokens, at, capacity, per_minute, now)
  redis.call('HSET', bucket_key, 'tokens', text(tokens), 'at', text(at))
  local until_full_ms = SESSION_KEPT_MS
  if per_minute > 0 then until_full_ms = math.ceil(capacity * 60000 / per_minute) end
  keep(bucket_key, now, math.max(BUCKET_KEPT_MS, until_full_ms))
end

-- "Seen" is noted first, whatever comes after; token and debounce are spent last, by a vote that counts.
local function cast(keys, args)
  local session_key, seen_key, debounce_key, bucket_key, counts_key, tally_key, voted_key = unpack(keys)
  local side, capacity, per_minute = args[1], tonumber(args[2]), tonumber(args[3])
  local now = now_ms()
  local session, odd_field = load_session(session_key)
  if not session then return refusal(odd_field) end
  if noted_within(seen_key, SEEN_FOR_MS, now) then return { 'duplicate' } end
  note(seen_key, SEEN_FOR_MS, now)
  if noted_within(debounce_key, DEBOUNCE_MS, now) then return { 'debounced' } end
  if session.is_share and tally_key then
    note(debounce_key, DEBOUNCE_MS, now)
    return { 'applied', apply_share(session_key, counts_key, tally_key, voted_key, session, side, now) }
  end
  if capacity > 0 then
    local tokens, at = tokens_now(bucket_key, capacity, per_minute, now)
    if tokens < 1 then
      redis.call('HSET', session_key, 'last_limited', text(now))
      return { 'rate_limited' }
    end
    put_tokens(bucket_key, tokens - 1, at, capacity, per_minute, now)
  end
  note(debounce_key, DEBOUNCE_MS, now)
  return { 'applied', apply(session_key, counts_key, session, side, now) }
end

-- A message that is no vote.
local function note_seen(keys)
  local now = now_ms()
  if noted_within(keys[1], SEEN_FOR_MS, now) then return { 'duplicate' } end
  note(keys[1], SEEN_FOR_MS, now)
  return { 'new' }
end

-- A synthetic vote: past debounce and bucket.
local function push(keys, args)
  local session_key, counts_key, tally_key = unpack(keys)
  local now = now_ms()
  local session, odd_field = load_session(session_key)
  if not session then return refusal(odd_field) end
  if session.is_share and tally_key then
    return { 'applied', apply_share(session_key, counts_key, tally_key, nil, session, args[1], now) }
  end
  return { 'applied', apply(session_key, counts_key, session, args[1], now) }
end

-- Value and age instead of a time, so that no reader's clock matters.
local function read(keys)
  local now = now_ms()
  local session, odd_field = load_session(keys[1])
  if not session then return refusal(odd_field) end
  local age = text(since(now, session.last_update))
  if session.is_share and keys[2] then
    local tally = load_tally(keys[2], session.bucket_ms, now)
    return { 'found', share(tally), age, session.decay_text, session.version_text, 'share', text(tally.in_favor),
      text(tally.against) }
  end
  return { 'found', text(session.value), age, session.decay_text, session.version_text }
end

-- Mends an odd value too.
local function reset(keys)
  local now = now_ms()
  -- A count until reset outlives its session.
  if keys[2] then reset_tally(keys[2], now) end
  if redis.call('EXISTS', keys[1]) == 0 then return { 'no_session' } end
  redis.call('HSET', keys[1], 'value', '0', 'last_update', text(now))
  return { 'done' }
end

-- settings -----------------------------------------------------------------------------------------------------

-- An older caller says nothing of it, and knows momentum only.
local function measuring_fields(measure, bucket_ms, one_vote_each)
  return { 'measure', measure or 'momentum', 'bucket_ms', bucket_ms or '0', 'one_vote_each', one_vote_each or '0' }
end

-- Takes settings that are newer, after folding the value at the old speed. Returns whether they were; nil and a
-- field's name if that field is odd.
local function take_settings(session_key, session, config_json, version, decay, measuring, now)
  local stored = number(redis.call('HGET', session_key, 'config_version'), 0, TIME_MAX)
  if not stored then return nil, 'config_version' end
  if tonumber(version) <= stored then return false end
  redis.call('HSET', session_key, 'value', text(decayed(session, now)), 'last_update', text(now),
    'config_json', config_json, 'config_version', version, 'decay_speed', decay, unpack(measuring))
  return true
end

local function put_settings(keys, args)
  local session_key = keys[1]
  local config_json, version, decay = unpack(args, 1, 3)
  local measuring = measuring_fields(args[4], args[5], args[6])
  local now = now_ms()
  local session, odd_field = load_session(session_key)
  if not session then return refusal(odd_field) end
  local taken, odd_version = take_settings(session_key, session, config_json, version, decay, measuring, now)
  if taken == nil then return { 'corrupt', odd_version } end
  return { taken and 'done' or 'stale' }
end

-- who serves it ------------------------------------------------------------------------------------------------

-- "sockets epoch": an instance that was given up for dead comes back with a higher epoch.
local function sockets_and_epoch(holder)
  local sockets, epoch = string.match(holder or '', '^(%d+) (%d+)$')
  return tonumber(sockets), tonumber(epoch)
end

-- The only function that creates a session.
local function hold(keys, args)
  local session_key, holders_key = unpack(keys)
  local instance, sockets, epoch, broadcaster, config_json, version, decay = unpack(args, 1, 7)
  local measuring = measuring_fields(args[8], args[9], args[10])
  local now = now_ms()
  local session, odd_field = load_session(session_key)
  if odd_field then return { 'corrupt', odd_field } end
  if session then
    local taken, odd_version = take_settings(session_key, session, config_json, version, decay, measuring, now)
    if taken == nil then return { 'corrupt', odd_version } end
  else
    redis.call('HSET', session_key, 'value', '0', 'last_update', text(now), 'broadcaster_user_id', broadcaster,
      'config_json', config_json, 'config_version', version, 'decay_speed', decay, unpack(measuring))
  end
  local _, known_epoch = sockets_and_epoch(redis.call('HGET', holders_key, instance))
  epoch = math.max(tonumber(epoch), known_epoch or 0)
  redis.call('HSET', holders_key, instance, sockets .. ' ' .. text(epoch))
  redis.call('HDEL', session_key, 'last_disconnect')
  keep(session_key, now, SESSION_KEPT_MS)
  keep(holders_key, now, SESSION_KEPT_MS)
  return { session and 'joined' or 'created' }
end

-- Whether anybody holds it, and which settings it has.
local function held(keys)
  local version = redis.call('HGET', keys[1], 'config_version')
  if not version then return { 'no_session' } end
  if not number(version, 0, TIME_MAX) then return { 'corrupt', 'config_version' } end
  return { redis.call('HLEN', keys[2]) > 0 and 'held' or 'free', version }
end

-- A holder is still there. `lost`: Redis does not know the session or its holder any more.
local function touch(keys, args)
  local session_key, holders_key = unpack(keys)
  local instance, epoch = args[1], tonumber(args[2])
  local now = now_ms()
  local _, known_epoch = sockets_and_epoch(redis.call('HGET', holders_key, instance))
  if known_epoch ~= epoch or redis.call('EXISTS', session_key) == 0 then return { 'lost' } end
  keep(session_key, now, SESSION_KEPT_MS)
  keep(holders_key, now, SESSION_KEPT_MS)
  return { 'done' }
end

-- Refuses a leader that a later one has replaced. 0 is nobody's token: the caller acts for itself.
local function is_fenced(session_key, token)
  local highest = tonumber(redis.call('HGET', session_key, 'fence')) or 0
  if token > 0 and token < highest then return true end
  if token > highest then redis.call('HSET', session_key, 'fence', text(token)) end
  return false
end

-- For itself an instance lets go whatever the epoch; the leader lets go of what a dead one held up to its epoch.
local function release(keys, args)
  local session_key, holders_key = unpack(keys)
  local instance, epoch, at, token = args[1], tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  local now = now_ms()
  if redis.call('EXISTS', session_key) == 0 then
    redis.call('HDEL', holders_key, instance)
    return { 'no_session' }
  end
  if is_fenced(session_key, token) then return { 'fenced' } end
  local holder = redis.call('HGET', holders_key, instance)
  local _, known_epoch = sockets_and_epoch(holder)
  local holds = holder and (known_epoch or 0) <= epoch
  if holds then redis.call('HDEL', holders_key, instance) end
  if redis.call('HLEN', holders_key) > 0 then return { 'held' } end
  if holds then
    redis.call('HSET', session_key, 'last_disconnect', text(math.min(now, at or now)))
  end
  local last_disconnect = redis.call('HGET', session_key, 'last_disconnect')
  if not last_disconnect then return { 'held' } end
  return { 'orphan', last_disconnect }
end

-- Since when nobody holds it. nil and a word where that is not so.
local function orphaned_at(session_key, holders_key)
  if redis.call('EXISTS', session_key) == 0 then return nil, { 'no_session' } end
  if redis.call('HLEN', holders_key) > 0 then return nil, { 'held' } end
  local text_or_nil = redis.call('HGET', session_key, 'last_disconnect')
  if not text_or_nil then return nil, { 'held' } end
  local at = number(text_or_nil, -TIME_MAX, TIME_MAX)
  if not at then return nil, { 'corrupt', 'last_disconnect' } end
  return at
end

local function orphan(keys, args)
  local session_key, holders_key = unpack(keys)
  local now = now_ms()
  local at, refused = orphaned_at(session_key, holders_key)
  if not at then return refused end
  local broadcaster = redis.call('HGET', session_key, 'broadcaster_user_id') or ''
  local word = since(now, at) >= tonumber(args[1]) and 'orphan' or 'young'
  return { word, broadcaster, text(at) }
end

-- Check and deletion in one step: whoever joins comes before it, and keeps the session, or after, and makes a new one.
local function delete_orphan(keys, args)
  local session_key, holders_key = unpack(keys)
  local age, token = tonumber(args[1]), tonumber(args[2])
  local now = now_ms()
  local at, refused = orphaned_at(session_key, holders_key)
  if not at then
    if refused[1] == 'corrupt' then return refused end
    return { 'kept' }
  end
  if is_fenced(session_key, token) then return { 'fenced' } end
  if since(now, at) < age then return { 'kept' } end
  local broadcaster = redis.call('HGET', session_key, 'broadcaster_user_id') or ''
  redis.call('DEL', unpack(keys))
  return { 'deleted', broadcaster, text(at), text(now) }
end

-- Whoever holds it: its address is no longer valid.
local function delete(keys)
  local now = now_ms()
  local broadcaster = redis.call('HGET', keys[1], 'broadcaster_user_id')
  local was_there = redis.call('EXISTS', keys[1]) == 1
  if redis.call('DEL', unpack(keys)) == 0 or not was_there then return { 'no_session' } end
  return { 'deleted', broadcaster or '', text(now) }
end

local function activity(keys)
  local session_key, holders_key, counts_key = unpack(keys)
  local now = now_ms()
  if redis.call('EXISTS', session_key) == 0 then return { 'no_session' } end
  local sockets, held = 0, 0
  for _, holder in ipairs(redis.call('HVALS', holders_key)) do
    held = 1
    sockets = sockets + (sockets_and_epoch(holder) or 0)
  end
  local times = redis.call('HMGET', session_key, 'last_vote', 'last_limited')
  local last_vote, last_limited = tonumber(times[1]), tonumber(times[2])
  local oldest = math.floor(now / 1000) - 59
  local limited = last_limited and math.floor(last_limited / 1000) >= oldest
  return { 'found', text(sockets), held, last_vote and text(last_vote) or '',
    text(votes_last_minute(counts_key, now)), limited and 1 or 0 }
end

-- indices: on slots of their own, written before the session and cleared after it, so that one may hold a false
-- entry but never misses one ------------------------------------------------------------------------------------

-- The session is gone. If the chat still points to it, the entry goes too, but not at once: somebody may have opened
-- the session again a moment ago, and their entry is this one.
local function unindex(keys, args)
  local now = now_ms()
  if redis.call('GET', keys[1]) ~= args[1] then return { 'kept' } end
  keep(keys[1], now, UNINDEXED_KEPT_MS)
  return { 'done' }
end

-- Its holder is still there. An entry that points elsewhere is not turned, and not kept alive either: the streamer's
-- newer address, or one that is gone.
local function keep_index(keys, args)
  local now = now_ms()
  local overlay = redis.call('GET', keys[1])
  if overlay and overlay ~= args[1] then return { 'other', overlay } end
  redis.call('SET', keys[1], args[1], 'PXAT', text(now + SESSION_KEPT_MS))
  return { 'done' }
end

local function mention(keys, args)
  local now = now_ms()
  redis.call('ZADD', keys[1], text(tonumber(args[2]) or now), args[1])
  -- Its newest session has expired by then.
  keep(keys[1], now, SESSION_KEPT_MS)
  return { 'done' }
end

-- Only an entry as old as the one that was looked at: a later one is somebody else's news.
local function unmention(keys, args)
  local at = tonumber(redis.call('ZSCORE', keys[1], args[1]))
  if not at or at > tonumber(args[2]) then return { 'kept' } end
  redis.call('ZREM', keys[1], args[1])
  return { 'done' }
end

local function mentioned(keys, args)
  local now = now_ms()
  local newest = text(now - tonumber(args[1]))
  return redis.call('ZRANGE', keys[1], '-inf', newest, 'BYSCORE', 'LIMIT', 0, args[2], 'WITHSCORES')
end

-- instances ----------------------------------------------------------------------------------------------------

-- `fresh`: unknown, or silent for so long that others may have given it up; it begins a new epoch.
local function beat(keys, args)
  local instances_key, epochs_key = unpack(keys)
  local instance, dead_after = args[1], tonumber(args[2])
  local now = now_ms()
  local last = tonumber(redis.call('ZSCORE', instances_key, instance))
  local epoch = tonumber(redis.call('HGET', epochs_key, instance))
  local fresh = not (last and epoch) or since(now, last) >= dead_after
  if fresh then
    epoch = math.max((epoch or 0) + 1, now)
    redis.call('HSET', epochs_key, instance, text(epoch))
  end
  redis.call('ZADD', instances_key, text(now), instance)
  -- With the last of them, what they held has expired too.
  keep(instances_key, now, SESSION_KEPT_MS)
  keep(epochs_key, now, SESSION_KEPT_MS)
  local living = redis.call('ZCOUNT', instances_key, '(' .. text(now - dead_after), '+inf')
  return { fresh and 'fresh' or 'alive', text(epoch), living }
end

local function dead(keys, args)
  local instances_key, epochs_key = unpack(keys)
  local now = now_ms()
  local found = {}
  local silent = redis.call('ZRANGE', instances_key, '-inf', text(now - tonumber(args[1])), 'BYSCORE')
  for _, instance in ipairs(silent) do
    found[#found + 1] = instance
    found[#found + 1] = redis.call('ZSCORE', instances_key, instance)
    found[#found + 1] = redis.call('HGET', epochs_key, instance) or '0'
  end
  return found
end

-- It stops, after it let go of everything.
local function leave(keys, args)
  redis.call('ZREM', keys[1], args[1])
  redis.call('HDEL', keys[2], args[1])
  return { 'done' }
end

-- Unless it was heard of since.
local function bury(keys, args)
  local instances_key, epochs_key = unpack(keys)
  if tonumber(redis.call('ZSCORE', instances_key, args[1])) ~= tonumber(args[2]) then return { 'kept' } end
  redis.call('ZREM', instances_key, args[1])
  redis.call('HDEL', epochs_key, args[1])
  return { 'done' }
end

-- leader -------------------------------------------------------------------------------------------------------

-- Takes a free lease, or extends one's own: name and token must both be right, so that a process is never mistaken
-- for an earlier one of the same name. Tokens only rise, also after Redis lost its memory.
local function lead(keys, args)
  local leader_key, fence_key = unpack(keys)
  local instance, token, lease = args[1], tonumber(args[2]), tonumber(args[3])
  local now = now_ms()
  local leader = redis.call('GET', leader_key)
  local last = tonumber(redis.call('GET', fence_key)) or 0
  if not leader then
    token = math.max(last + 1, token + 1, now)
    redis.call('SET', fence_key, text(token))
    redis.call('SET', leader_key, instance, 'PX', text(lease))
    return { 'leader', text(token) }
  end
  if leader == instance and token > 0 and token == last then
    redis.call('PEXPIRE', leader_key, text(lease))
    return { 'leader', text(token) }
  end
  return { 'follower' }
end

local function resign(keys, args)
  local leader_key, fence_key = unpack(keys)
  local token = tonumber(args[2])
  local last = tonumber(redis.call('GET', fence_key))
  if redis.call('GET', leader_key) ~= args[1] or token ~= last then return { 'kept' } end
  redis.call('DEL', leader_key)
  return { 'done' }
end

-- shards -------------------------------------------------------------------------------------------------------

-- eventsub_shards, a hash: shard -> "time instance" of the last word from whoever has it. An instance takes the lowest
-- free one; whoever has the highest moves down when a lower one becomes free, so that no gap stays.
local function hold_shard(keys, args)
  local shards_key, instance, lease = keys[1], args[1], tonumber(args[2])
  local now = now_ms()
  local entries = redis.call('HGETALL', shards_key)
  local taken, own, highest = {}, nil, -1
  for i = 1, #entries, 2 do
    local shard = tonumber(entries[i])
    local at, holder = string.match(entries[i + 1], '^(%d+) (.+)$')
    if shard and holder == instance and not own then
      own = shard
    elseif shard and at and since(now, tonumber(at)) < lease then
      taken[shard] = true
      highest = math.max(highest, shard)
    else
      redis.call('HDEL', shards_key, entries[i])
    end
  end
  local lowest_free = 0
  while taken[lowest_free] do lowest_free = lowest_free + 1 end
  local shard = own
  if not own or (own > highest and lowest_free < own) then shard = lowest_free end
  if own and own ~= shard then redis.call('HDEL', shards_key, text(own)) end
  redis.call('HSET', shards_key, text(shard), text(now) .. ' ' .. instance)
  keep(shards_key, now, SESSION_KEPT_MS)
  return { 'held', text(shard), text(math.max(highest, shard) + 1) }
end

local function leave_shard(keys, args)
  local entries = redis.call('HGETALL', keys[1])
  for i = 1, #entries, 2 do
    if string.match(entries[i + 1], '^%d+ (.+)$') == args[1] then redis.call('HDEL', keys[1], entries[i]) end
  end
  return { 'done' }
end

-- A sign of life that only a server which takes writes can give: votes need one.
local function probe(keys)
  local now = now_ms()
  redis.call('SET', keys[1], text(now), 'PXAT', text(now + PROBE_KEPT_MS))
  return VERSION
end

-- While a library is loaded there are no loops to register its functions with: Redis gives it nothing but its own API.
local function reading(name, callback)
  redis.register_function { function_name = name, callback = callback, flags = { 'no-writes' } }
end
local function writing(name, callback)
  redis.register_function(name, callback)
end

reading('chatpulse_version', function() return VERSION end)
writing('chatpulse_probe', probe)
writing('chatpulse_cast', cast)
writing('chatpulse_note_seen', note_seen)
writing('chatpulse_push', push)
reading('chatpulse_read', read)
writing('chatpulse_reset', reset)
writing('chatpulse_put_settings', put_settings)
reading('chatpulse_activity', activity)
reading('chatpulse_held', held)
writing('chatpulse_hold', hold)
writing('chatpulse_touch', touch)
writing('chatpulse_release', release)
reading('chatpulse_orphan', orphan)
writing('chatpulse_delete_orphan', delete_orphan)
writing('chatpulse_delete', delete)
writing('chatpulse_unindex', unindex)
writing('chatpulse_keep_index', keep_index)
writing('chatpulse_mention', mention)
writing('chatpulse_unmention', unmention)
reading('chatpulse_mentioned', mentioned)
writing('chatpulse_beat', beat)
reading('chatpulse_dead', dead)
writing('chatpulse_leave', leave)
writing('chatpulse_bury', bury)
writing('chatpulse_lead', lead)
writing('chatpulse_resign', resign)
writing('chatpulse_hold_shard', hold_shard)
writing('chatpulse_leave_shard', leave_shard)
