package redisstore

import "github.com/redis/go-redis/v9"

// Each change to a user's sessions is one script, so that nobody sees half of
// it. KEYS[1] is the user's index (a sorted set: session id by its idle end),
// KEYS[2] and on are records. "Now" is always an argument: instances agree on
// the time among themselves, and Redis' own clock only counts down from what
// they say is left.

// keep stores ARGV[3], which ends at ARGV[4], as session ARGV[2]; tidy drops
// index entries of sessions that have ended, and the index with its last one.
const shared = `
local now = tonumber(ARGV[1])
local function tidy()
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
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

// ARGV: now, session id, record, idle end.
var createScript = redis.NewScript(shared + `
keep()
return 1
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

// membersScript gives the ids of the user's sessions. ARGV: now.
var membersScript = redis.NewScript(shared + `
tidy()
return redis.call('ZRANGE', KEYS[1], 0, -1)
`)

// recordsScript gives the records, false for each that is not there, and takes
// those out of the index. ARGV: the session ids, in the order of KEYS[2] on.
// To write is the point even when only one record is asked for: a replica,
// where a session of a second ago may not have arrived, refuses to.
var recordsScript = redis.NewScript(`
local found = {}
for i, id in ipairs(ARGV) do
  found[i] = redis.call('GET', KEYS[i + 1])
  if not found[i] then redis.call('ZREM', KEYS[1], id) end
end
return found
`)

// endScript removes sessions. ARGV: now, session ids.
var endScript = redis.NewScript(shared + `
for i = 2, #ARGV do
  redis.call('DEL', KEYS[i])
  redis.call('ZREM', KEYS[1], ARGV[i])
end
tidy()
return 1
`)

// lastID is how two scripts read a stream's newest id, '0-0' before the first.
const lastID = `
local function last_id()
  if redis.call('EXISTS', KEYS[1]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[1])
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then return info[i + 1] end
    end
  end
  return '0-0'
end
`

// announceScript appends revocations. Their ids are the time by the clock of
// the instance, which followers count back from by theirs; Redis would put its
// own there. Ids only ever grow, so an instance whose clock is behind writes
// under the newest time there is. ARGV: now, oldest id to keep, most entries to
// keep, then user, session, reason, time, generation and date of each.
var announceScript = redis.NewScript(lastID + `
local ms, seq = string.match(last_id(), '^(%d+)-(%d+)$')
ms, seq = tonumber(ms), tonumber(seq)
if tonumber(ARGV[1]) > ms then ms, seq = tonumber(ARGV[1]), -1 end
for i = 4, #ARGV, 6 do
  seq = seq + 1
  redis.call('XADD', KEYS[1], string.format('%.0f-%.0f', ms, seq),
    'u', ARGV[i], 's', ARGV[i + 1], 'r', ARGV[i + 2], 't', ARGV[i + 3], 'g', ARGV[i + 4], 'i', ARGV[i + 5])
end
redis.call('XTRIM', KEYS[1], 'MINID', '~', ARGV[2])
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[3])
return 1
`)

// newestScript gives the stream's newest id. It trims, which a quiet stream
// needs anyway, and which makes a replica refuse. ARGV: oldest id to keep.
var newestScript = redis.NewScript(lastID + `
redis.call('XTRIM', KEYS[1], 'MINID', '~', ARGV[1])
return last_id()
`)
