import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseRedisAddress } from './address.ts'

describe('parseRedisAddress', () => {
  it.each([
    ['redis://host', { kind: 'single', node: { host: 'host', port: 6379 }, access: {} }],
    [
      'redis://ada:p%40ss%3Aword@10.0.0.1:7000/3',
      {
        kind: 'single',
        node: { host: '10.0.0.1', port: 7000 },
        access: { username: 'ada', password: 'p@ss:word', db: 3 },
      },
    ],
    [
      ' rediss://:secret@[::1]:7000 ',
      {
        kind: 'single',
        node: { host: '::1', port: 7000 },
        access: { password: 'secret', tls: {} },
      },
    ],
    [
      'redis+sentinel://:secret@a,b:26380/main/2?sentinelPassword=other%20one',
      {
        kind: 'sentinel',
        nodes: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 26_380 },
        ],
        name: 'main',
        access: { password: 'secret', db: 2, sentinelPassword: 'other one' },
      },
    ],
    [
      'rediss+cluster://ada:secret@a:1,b:2,c',
      {
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
          { host: 'c', port: 6379 },
        ],
        access: { username: 'ada', password: 'secret', tls: {} },
      },
    ],
  ])('reads %s', (url, expected) => {
    expect(parseRedisAddress(url)).toEqual(expected)
  })

  it.each([
    '',
    'host:6379',
    'http://host',
    'redis://',
    'redis://host:0',
    'redis://host:65536',
    'redis://a,b',
    'redis://host/db',
    'redis://host/1/2',
    'redis://host?family=6',
    'redis://ho st',
    'redis://%zz:secret@host',
    'redis+sentinel://a,b',
    'redis+cluster://a/1',
    'redis+magic://a',
    `redis+cluster://${'a,'.repeat(100)}a`,
  ])('refuses %s', (url) => {
    expect(() => parseRedisAddress(url)).toThrow(/^(is|has|names|lacks) /u)
  })

  it('repeats nothing of the address in its errors', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w%:@,/?.-]{0,30}$/), (rest) => {
        try {
          parseRedisAddress(`redis://user:hunter2@${rest}`)
        } catch (error) {
          expect(String(error)).not.toContain('hunter2')
        }
      }),
    )
  })
})
