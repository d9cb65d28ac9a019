import { expect, it } from '@jest/globals'
import { SETTINGS } from './settings.ts'
import type { SettingGroup } from './setting.ts'

const UNITS = { duration: 'Ms', size: 'Bytes' }

it.each(Object.entries<SettingGroup>(SETTINGS))('every key of %s carries its unit', (_, group) => {
  for (const [key, { type }] of Object.entries(group)) {
    const unit = Object.entries(UNITS).find(([kind]) => type.label.startsWith(kind))?.[1]
    expect({ key, unit }).toEqual({ key, unit: /(?:Ms|Bytes)$/.exec(key)?.[0] })
  }
})
