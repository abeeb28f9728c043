package redisstore

import "github.com/redis/go-redis/v9"

// The stream of revocations, KEYS[1], says by itself whether it is complete.
//
//   - Each entry names the one before it (p): where that is missing, entries
//     have been removed that a follower has not read.
//   - A stream that is not there is begun with a notice (l): revocations from
//     before then may have been lost with an earlier one.
//   - A follower that has read more than there is, since a replica took over
//     without its master's last writes, adds such a notice for all others.
//
// Entries go by their age and never by their number: a stream that was cut at
// half a million entries let an instance that started then take access tokens
// of sessions that had ended.
//
// ARGV of each script: now, oldest id to keep, the most that an id may be ahead
// (ms since 1970), then its own.

// stream is what the scripts below share.
const stream = `
local now = tonumber(ARGV[1])
local function parsed(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function last_id()
  if redis.call('EXISTS', KEYS[1]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[1])
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then return info[i + 1] end
    end
  end
  return '0-0'
end
-- The id after another: the time by the clock of the instance, which followers
-- count back from by theirs; Redis would put its own there. Ids only ever grow,
-- so an instance whose clock is behind writes under the newest time there is,
-- and notes its own (w).
local function next_id(last)
  local ms, seq = parsed(last)
  if now > ms then ms, seq = now, -1 end
  return string.format('%.0f-%.0f', ms, seq + 1), ms
end
local function append(last, fields)
  local id, ms = next_id(last)
  fields[#fields + 1], fields[#fields + 2] = 'p', last
  if ms ~= now then fields[#fields + 1], fields[#fields + 2] = 'w', ARGV[1] end
  redis.call('XADD', KEYS[1], id, unpack(fields))
  return id
end
local function begun()
  local last = last_id()
  if last == '0-0' then last = append(last, {'l', ARGV[1]}) end
  return last
end
-- Under ids from a clock far ahead nothing would ever be old enough. There the
-- time of writing counts: entries are in its order.
local function trim(last)
  redis.call('XTRIM', KEYS[1], 'MINID', '~', ARGV[2])
  if parsed(last) <= tonumber(ARGV[3]) then return end
  local oldest, old = parsed(ARGV[2]), nil
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 500)) do
    local written = parsed(entry[1])
    for i = 1, #entry[2], 2 do
      if entry[2][i] == 'w' then written = tonumber(entry[2][i + 1]) end
    end
    if written < oldest then old = entry[1] end
  end
  if old then
    local ms, seq = parsed(old)
    redis.call('XTRIM', KEYS[1], 'MINID', '=', string.format('%.0f-%.0f', ms, seq + 1))
  end
end
`

// announceScript appends revocations and gives the last id. ARGV from the
// fourth on: user, session, reason, time, generation and date of each.
var announceScript = redis.NewScript(stream + `
local last = begun()
for i = 4, #ARGV, 6 do
  last = append(last, {'u', ARGV[i], 's', ARGV[i + 1], 'r', ARGV[i + 2], 't', ARGV[i + 3], 'g', ARGV[i + 4], 'i', ARGV[i + 5]})
end
trim(last)
return last
`)

// newestScript gives the stream's newest id. It trims, which a quiet stream
// needs anyway, and which makes a replica refuse.
var newestScript = redis.NewScript(stream + `
local last = begun()
trim(last)
return last
`)

// lostScript adds the notice that revocations from before ARGV[4] (ms) may be
// missing, and gives the last id.
var lostScript = redis.NewScript(stream + `
return append(begun(), {'l', ARGV[4]})
`)
