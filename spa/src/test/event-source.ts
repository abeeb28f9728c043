/** Stands in for the browser's: the test says what the server sends. */
export class FakeEventSource extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSED = 2
  /** All that were opened in this test, the newest last. */
  static all: FakeEventSource[] = []

  readonly url: string
  readyState = FakeEventSource.CONNECTING

  constructor(url: string) {
    super()
    this.url = url
    FakeEventSource.all.push(this)
  }

  close(): void {
    this.readyState = FakeEventSource.CLOSED
  }

  /** Accepted, for the first time or again. */
  accept(): void {
    this.readyState = FakeEventSource.OPEN
    this.dispatchEvent(new Event('open'))
  }

  /** Cut off: the browser connects again by itself. */
  cut(): void {
    this.readyState = FakeEventSource.CONNECTING
    this.dispatchEvent(new Event('error'))
  }

  /** Answered with anything but 200: the browser gives up. */
  refuse(): void {
    this.readyState = FakeEventSource.CLOSED
    this.dispatchEvent(new Event('error'))
  }

  say(type: string, reason: string): void {
    if (this.readyState === FakeEventSource.CLOSED) return
    this.dispatchEvent(new MessageEvent('session', { data: JSON.stringify({ type, reason }) }))
  }
}

/** The streams that are open now. */
export function openStreams(): FakeEventSource[] {
  return FakeEventSource.all.filter((stream) => stream.readyState !== FakeEventSource.CLOSED)
}
