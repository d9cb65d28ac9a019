import { randomBytes } from 'node:crypto'
import { expect, it } from '@jest/globals'
import { listSecrets } from '../settings/settings-in-force.ts'
import { readSettings } from '../settings/read-settings.ts'
import { createScrubber } from './redaction.ts'

/** With letters that the two alphabets write in two ways. */
const KEY = Buffer.concat([Buffer.from('fbffbf', 'hex'), randomBytes(29)])

it.each([
  ['hex', KEY.toString('hex')],
  ['upper-case hex', KEY.toString('hex').toUpperCase()],
  ['base64', KEY.toString('base64')],
  ['bare base64', KEY.toString('base64').replaceAll('=', '')],
  ['base64url', KEY.toString('base64url')],
  ['padded base64url', `${KEY.toString('base64url')}=`],
])('a key is hidden as %s, however it was given', (_, text) => {
  for (const given of [KEY.toString('base64'), text]) {
    const scrub = createScrubber(listSecrets(readSettings({ ENCRYPTION_KEYS: `k1:${given}` })))
    expect(scrub(`the key "${text}" is`)).toMatch(/^the key "\[hidden\]=?" is$/)
  }
})
