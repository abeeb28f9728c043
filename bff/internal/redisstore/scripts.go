package redisstore

import "github.com/redis/go-redis/v9"

// Each change to a user's sessions is one script, so that no reader sees half of
// it. KEYS[1] is the user's index (a sorted set: session id by its idle end),
// KEYS[2] and on are records. "Now" is always an argument: instances agree on
// the time among themselves, and Redis' own clock only counts down from what
// they say is left.

// keep stores ARGV[3], which ends at ARGV[4], as session ARGV[2]; tidy drops
// index entries of sessions that have ended, and the index with its last one.
const shared = `
local now = tonumber(ARGV[1])
local function tidy()
  local over = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, 500)
  if #over == 500 then
    redis.call('ZREM', KEYS[1], unpack(over)) -- the rest later: others wait for this script
  else
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
  end
  local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  if last[2] then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', tonumber(last[2]) - now)) end
end
local function keep()
  local left = tonumber(ARGV[4]) - now
  if left > 0 then
    redis.call('SET', KEYS[2], ARGV[3], 'PX', string.format('%.0f', left))
    redis.call('ZADD', KEYS[1], ARGV[4], ARGV[2])
  else
    redis.call('DEL', KEYS[2])
    redis.call('ZREM', KEYS[1], ARGV[2])
  end
  tidy()
end
`

// createScript stores a session, and removes those seen longest ago that are
// too many with it. Which ones may go is among the ids from ARGV[8] on, whose
// records are KEYS[4] on, since every key has to be named beforehand: without
// them, or when too few of them are left, it changes nothing and answers 0 and
// the ids to name. Sessions that were added meanwhile have just been seen.
//
// The index of an account from before there was a limit holds any number: then
// the ids are those that end first, and at most ARGV[6] and one go at a time.
//
// What was removed waits in KEYS[3] to be announced: the stream is on another
// node. It answers 1, what it has removed, and what waits there since before
// ARGV[8]: that other call came to nothing. What waits for less is announced by
// the call that removed it. Each of 65 sign-ins at once announced all of it, and
// the trail had 1,454 sessions ended where there were 64.
//
// ARGV: now, session id, record, idle end, most sessions, most of a surplus to
// remove, how long removed ones wait (ms), since when they are given again, then
// ids.
var createScript = redis.NewScript(shared + `
local most, surplus = tonumber(ARGV[5]), tonumber(ARGV[6])
local page, others = {}, 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], '(' .. ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, most + surplus)) do
  if id ~= ARGV[2] then
    page[#page + 1], others = id, others + 1
  end
end
local over = others + 1 - most
local answer = {1}
if over > 0 and tonumber(ARGV[4]) > now then
  local found = {}
  for i = 9, #ARGV do
    local key, id = KEYS[i - 5], ARGV[i]
    local text = redis.call('GET', key)
    if text then
      -- The first and the fifth of the times, see record. Text patterns: to
      -- decode a hundred records takes Redis a millisecond.
      local times = string.match(text, '"t":%[([^%]]*)%]')
      local made, seen = string.match(times or '', '^([^,]*),[^,]*,[^,]*,[^,]*,([^,]*)')
      made = tonumber(made or string.match(times or '', '^[^,]*') or '') or 0
      seen = made + (tonumber(seen or '') or 0)
      if not times then seen = math.huge end -- of a version to come: it goes last
      found[#found + 1] = {key = key, id = id, made = made, seen = seen}
    else
      over = over - redis.call('ZREM', KEYS[1], id)
    end
  end
  if over > #found then
    table.insert(page, 1, 0)
    return page
  end
  table.sort(found, function(a, b)
    if a.seen ~= b.seen then return a.seen < b.seen end
    if a.made ~= b.made then return a.made < b.made end
    return a.id < b.id
  end)
  for i = 1, over do
    redis.call('DEL', found[i].key)
    redis.call('ZREM', KEYS[1], found[i].id)
    redis.call('ZADD', KEYS[3], ARGV[1], found[i].id)
    answer[#answer + 1] = found[i].id
  end
  redis.call('PEXPIRE', KEYS[3], ARGV[7])
end
keep()
for _, id in ipairs(redis.call('ZRANGE', KEYS[3], '-inf', ARGV[8], 'BYSCORE', 'LIMIT', 0, 300)) do
  answer[#answer + 1] = id
end
return answer
`)

// Answers of swapScript.
const (
	swapDone     = 1
	swapConflict = 0
	swapGone     = -1
)

// ARGV: now, session id, record, idle end, version that is to be replaced.
// Versions are compared as text: Lua's numbers end at 2^53.
var swapScript = redis.NewScript(shared + `
local stored = redis.call('GET', KEYS[2])
if not stored then
  redis.call('ZREM', KEYS[1], ARGV[2]) -- what a replica refuses, see recordsScript
  return -1
end
local version, idle = string.match(stored, '^{"v":(%d+),"i":(%d+)[,}]')
if not version then return redis.error_reply('ERR ' .. KEYS[2] .. ' cannot be read') end
if tonumber(idle) <= now then
  tidy()
  return -1
end
if version ~= ARGV[5] then return 0 end
keep()
return 1
`)

// pageScript gives the ids of some of the user's sessions, as ZSCAN does: the
// next cursor, then ids and scores in turn. ARGV: now, cursor, about how many.
var pageScript = redis.NewScript(shared + `
tidy()
return redis.call('ZSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
`)

// recordsScript gives the records, false for each that is not there, and takes
// those out of the index. ARGV: the session ids, in the order of KEYS[2] on.
// To write is the point even when only one record is read: a replica,
// where a session of a second ago may not have arrived, refuses to.
var recordsScript = redis.NewScript(`
local found = {}
for i, id in ipairs(ARGV) do
  found[i] = redis.call('GET', KEYS[i + 1])
  if not found[i] then redis.call('ZREM', KEYS[1], id) end
end
return found
`)

// endScript removes sessions that have been announced, also from those that
// wait for that in the last of KEYS. ARGV: now, session ids.
var endScript = redis.NewScript(shared + `
for i = 2, #ARGV do
  redis.call('DEL', KEYS[i])
  redis.call('ZREM', KEYS[1], ARGV[i])
  redis.call('ZREM', KEYS[#KEYS], ARGV[i])
end
tidy()
return 1
`)
