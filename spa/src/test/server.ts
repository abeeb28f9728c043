import { setupServer } from 'msw/node'

/** Answers nothing by itself: each test says what its server does, and any other request fails it. */
export const server = setupServer()
