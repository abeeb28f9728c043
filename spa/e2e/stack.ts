import { request } from '@playwright/test'

/** The world around the product, which bff/e2e/stack lets tests move and break. */
export interface Stack {
  /** Moves the server's clock ahead ("20m", "0s") and gives its time. It never goes back. */
  advance(by: string): Promise<Date>
  stop(server: 'redis' | 'mariadb'): Promise<void>
  start(server: 'redis' | 'mariadb'): Promise<void>
}

export function stackAt(control: string): Stack {
  const order = async (path: string): Promise<string> => {
    const context = await request.newContext({ baseURL: control })
    try {
      const answer = await context.post(path)
      const text = await answer.text()
      if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${text}`)
      return text
    } finally {
      await context.dispose()
    }
  }
  return {
    advance: async (by) => new Date((await order(`/clock?advance=${by}`)).trim()),
    stop: async (server) => void (await order(`/${server}/stop`)),
    start: async (server) => void (await order(`/${server}/start`)),
  }
}
