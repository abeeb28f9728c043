import { expect, it } from 'vitest'
import { eventsOf } from './event-stream'

async function read(...chunks: string[]): Promise<string[]> {
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk))
      controller.close()
    },
  })
  const events: string[] = []
  for await (const event of eventsOf(new Response(body))) events.push(event)
  return events
}

it.each<[string, string[], string[]]>([
  ['one event', ['data: a\n\n'], ['a']],
  ['two in one chunk', ['data: a\n\ndata: b\n\n'], ['a', 'b']],
  ['one cut anywhere', ['da', 'ta: hel', 'lo\n', '\n'], ['hello']],
  ['one of several lines', ['data: a\ndata:b\n\n'], ['a\nb']],
  ['CRLF line ends, cut between them', ['data: a\r', '\n\r\n'], ['a']],
  ['comments and other fields', [': hi\nevent: tick\nid: 7\n\ndata: a\n\n'], ['a']],
  ['an event that was never finished', ['data: a\n'], []],
  ['nothing', [], []],
])('reads %s', async (_, chunks, events) => {
  await expect(read(...chunks)).resolves.toEqual(events)
})

it('reads nothing from an answer without a body', async () => {
  const events = eventsOf(new Response(null))
  await expect(events.next()).resolves.toEqual({ done: true, value: undefined })
})
