import type { Model } from '@chatbox/contract'
import { AppError } from '@chatbox/core'

export interface ModelChoice {
  models: readonly Model[]
}

export function checkModel(choice: ModelChoice, modelId: string): void {
  if (choice.models.some((model) => model.id === modelId)) return
  throw new AppError('INVALID_MODEL', 'There is no such model.')
}
