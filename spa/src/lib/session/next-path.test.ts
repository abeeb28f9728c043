import { expect, it } from 'vitest'
import { localPath } from './next-path'

it.each([
  ['/dashboard'],
  ['/dashboard?tab=2#notes'],
  ['/account'],
  ['/admin/users?q=a%2Fb'],
  ['/search?next=https://elsewhere.example'],
])('returns to %s', (path) => {
  expect(localPath(path)).toBe(path)
})

it.each([
  null,
  '',
  'dashboard',
  'https://elsewhere.example/',
  '//elsewhere.example',
  '///elsewhere.example',
  '/\\elsewhere.example',
  '/\t/elsewhere.example',
  '/\n/elsewhere.example',
  '/.//elsewhere.example',
  '/x/..//elsewhere.example',
  'javascript:alert(1)',
  ' /dashboard',
  '/a\\b',
  '/a\u0000b',
  '/signin?next=/signin',
  '/signup',
  '/login',
  '/register',
])('does not return to %j', (path) => {
  expect(localPath(path)).toBeNull()
})
