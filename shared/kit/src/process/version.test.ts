import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { VERSION } from './version.ts'

it('is what package.json says', () => {
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')
  expect((JSON.parse(text) as { version: string }).version).toBe(VERSION)
})
