import { describe, expect, it } from '@jest/globals'
import { toCallUrl } from './protocol.ts'

describe('the address of a call', () => {
  it.each([
    ['https://api.example.org', '/v1/messages', 'https://api.example.org/v1/messages'],
    ['https://api.example.org/', '/v1/messages', 'https://api.example.org/v1/messages'],
    ['https://api.example.org/v1', '/v1/messages', 'https://api.example.org/v1/messages'],
    ['https://api.example.org/v1/messages', '/v1/messages', 'https://api.example.org/v1/messages'],
    [
      'https://api.example.org/v1',
      '/chat/completions',
      'https://api.example.org/v1/chat/completions',
    ],
    [
      'http://127.0.0.1:8080/a/b//',
      '/chat/completions',
      'http://127.0.0.1:8080/a/b/chat/completions',
    ],
    [
      'https://h/d?api-version=1',
      '/chat/completions',
      'https://h/d/chat/completions?api-version=1',
    ],
  ])('of %s and %s is %s', (endpoint, path, expected) => {
    expect(toCallUrl(endpoint, path).href).toBe(expected)
  })

  it.each(['ftp://host', 'file:///etc/passwd', 'https://user:word@host', 'https://user@host', 'x'])(
    'is refused for %s',
    (endpoint) => {
      expect(() => toCallUrl(endpoint, '/x')).toThrow()
    },
  )
})
