import { isTag } from '@chatbox/core'
import { z } from 'zod'
import type { SettingType } from './setting-types.ts'
import { setting, type SettingGroup } from './setting.ts'

/** More would be no set that people choose from. */
export const MAX_KNOWN_TAGS = 200

/** Tags that operators choose from. A comma separates them, so none contains one. */
function tags(): SettingType<string[]> {
  const schema = z
    .string()
    .transform((text) => [...new Set(text.split(',').map((tag) => tag.trim()))])
    .refine((known) => known.every(isTag), 'must list short texts, such as billing,bug')
    .refine((known) => known.length <= MAX_KNOWN_TAGS, `names more than ${MAX_KNOWN_TAGS} tags`)
  return { label: 'list of texts', schema, isUnfilled: () => false }
}

/** What operators note about sessions. */
export const DESK_SETTINGS = {
  tags: setting('OPERATOR_TAGS', tags(), {
    otherwise: () => [],
    defaultNote: 'none',
    about:
      'The tags that operators may put on a session, separated by commas. One that is taken out stays where it is until somebody removes it.',
    usedBy: ['standalone', 'gateway'],
  }),
} satisfies SettingGroup
