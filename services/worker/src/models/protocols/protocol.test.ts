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

  it.each([
    ['http://host:11434', 'http://host:11434/v1/chat/completions'],
    ['http://host:11434/', 'http://host:11434/v1/chat/completions'],
    ['http://host:11434/?key=1', 'http://host:11434/v1/chat/completions?key=1'],
    ['http://host:11434/v1', 'http://host:11434/v1/chat/completions'],
    ['http://host:11434/v1/chat/completions', 'http://host:11434/v1/chat/completions'],
    ['http://host:11434/chat/completions', 'http://host:11434/chat/completions'],
    ['https://host/v1beta/openai', 'https://host/v1beta/openai/chat/completions'],
    ['https://host/openai/deployments/d', 'https://host/openai/deployments/d/chat/completions'],
  ])('of %s, where a server begins with a version, is %s', (endpoint, expected) => {
    expect(toCallUrl(endpoint, '/chat/completions', '/v1').href).toBe(expected)
  })

  it.each(['ftp://host', 'file:///etc/passwd', 'https://user:word@host', 'https://user@host', 'x'])(
    'is refused for %s',
    (endpoint) => {
      expect(() => toCallUrl(endpoint, '/x')).toThrow()
    },
  )
})
