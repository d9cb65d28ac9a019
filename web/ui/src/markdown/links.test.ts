import { describe, expect, it } from '@jest/globals'
import { toRealTarget } from './links.ts'

const EVIL = 'https://evil.example/login'

describe('where a link really leads', () => {
  it.each([
    ['another host', 'bank.example'],
    ['a grapheme joiner', 'bank\u034F.example'],
    ['a variation selector', 'bank.\uFE0Fexample'],
    ['a zero-width space', 'bank.\u200Bexa\u200Bmple'],
    ['a soft hyphen', 'ba\u00ADnk.example'],
    ['a Hangul filler', 'bank.ex\u3164ample'],
    ['a tag character', 'bank\u{E0041}.example'],
    ['a mark through a letter', 'bank\u0338.example'],
    ['a mark in the last part', 'bank.exam\u0332ple'],
    ['an address of four numbers', '93.184.216.34'],
    ['four numbers and a port', 'log in at 93.184.216.34:8080'],
    ['a number after a scheme', 'http://1572395042/'],
    ['brackets after a scheme', 'http://[2606:2800:220:1::1]/'],
    ['a name without a stop after a scheme', 'https://intranet/login'],
    ['a wide stop', 'bank．example'],
    ['an ideographic stop', 'bank。example'],
    ['a half-width ideographic stop', 'bank｡example'],
    ['wide letters', 'ｂａｎｋ．ｅｘａｍｐｌｅ'],
    ['a name before the host', 'https://bank.example@evil.example/'],
    ['two hosts', 'evil.example or bank.example'],
  ])('is said beside a text with %s', (_what, text) => {
    expect(toRealTarget(EVIL, text)).toBe('evil.example')
  })

  it.each([
    [EVIL, 'evil.example'],
    [EVIL, 'www.evil.example/login'],
    [EVIL, 'ev\u034Fil。example'],
    [EVIL, 'Log in'],
    [EVIL, 'Version 2.5, see 3.1'],
    ['http://93.184.216.34/', '93.184.216.34'],
    ['http://93.184.216.34/', 'http://1572395042/'],
    ['http://intranet/', 'http://intranet/help'],
    ['mailto:help@shop.example', 'help@shop.example'],
    ['mailto:help@shop.example?subject=Hi&body=bank.example', 'Write to Help@Shop.example.'],
    ['mailto:help@shop.example?cc=b@shop.example', 'help@shop.example, b@shop.example'],
    ['tel:+49301234', '+49 (30) 12-34'],
    ['tel:+49-30-1234', 'Call +49301234.'],
  ])('is not said where %s has the text %s', (href, text) => {
    expect(toRealTarget(href, text)).toBe('')
  })

  it.each([
    ['mailto:help@shop.example', 'write to us', 'help@shop.example'],
    ['mailto:thief@evil.example', 'help@shop.example', 'thief@evil.example'],
    ['mailto:p@shop.example', 'help@shop.example', 'p@shop.example'],
    [
      'mailto:help@shop.example?bcc=thief@evil.example',
      'help@shop.example',
      'help@shop.example, thief@evil.example',
    ],
    ['mailto:?to=thief@evil.example', 'help@shop.example', 'thief@evil.example'],
    ['mailto:help@shop.example?CC=a%40evil.example', 'help@shop.example', /, a@evil\.example$/],
    ['mailto:help@shop.example,b@evil.example', 'help@shop.example', /, b@evil\.example$/],
    ['mailto:help%40shop.example', 'help@shop.example and b@shop.example', 'help@shop.example'],
    [`mailto:${'a'.repeat(300)}@evil.example`, 'help@shop.example', /^a{200}…$/],
    ['mailto:help@shop.example', `help@shop.example ${'x'.repeat(500)}`, 'help@shop.example'],
    ['tel:+49301234', 'call', '+49301234'],
    ['tel:0900123', '+49 0900123 456', '0900123'],
    ['tel:0900123', 'Call 030 1234, not 0900 123', '0900123'],
    ['tel:+49301234;ext=9', '+49301234', '+49301234;ext=9'],
    ['tel:0900%20123', '030 123', '0900 123'],
    ['tel:%E0', 'call', '%E0'],
  ])('is said where %s has the text %s', (href, text, target) => {
    expect(toRealTarget(href, text)).toEqual(
      typeof target === 'string' ? target : expect.stringMatching(target),
    )
  })
})
