import { REASONS } from './refused-reasons.ts'
import type { Refused } from './refused-row.ts'
import { SHAPES } from './refused-shapes.ts'
import { BUNDLED } from './render.ts'

export const REFUSED: Refused[] = [...SHAPES, ...REASONS].map(({ file = BUNDLED, ...row }) => {
  return { file, ...row }
})
