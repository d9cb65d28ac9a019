import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { html } from './transcript.ts'

describe('html', () => {
  it('leaves the template as it is and makes text of the values', () => {
    expect(html`<p title="${'"x"'}">${'<i>&amp;</i>'} ${7}</p>`).toBe(
      '<p title="&quot;x&quot;">&lt;i&gt;&amp;amp;&lt;/i&gt; 7</p>',
    )
  })

  it('lets no value out of its place', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(html`${text}`).not.toMatch(/[<>"']/u)
      }),
    )
  })
})
