import { listInForce, secretsOf } from './in-force.ts'
import type { Settings } from './settings.ts'

/** The settings in force, under the names of their variables, as JSON without any secret. */
export function printConfig(settings: Settings): string {
  const printed = listInForce(settings, settings.providers).map(({ name, type, value }) => {
    return [name, value === undefined ? null : type.print ? type.print(value) : value]
  })
  return JSON.stringify(Object.fromEntries(printed), null, 2)
}

/** Below this a secret is a common word, and hiding it everywhere would garble the lines. */
const MIN_SECRET_LENGTH = 6

/** Every text of the settings that may appear nowhere. */
export function listSecrets(settings: Settings): string[] {
  return listInForce(settings, settings.providers)
    .flatMap(secretsOf)
    .flatMap(({ text, forms = [text] }) => forms)
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
}
