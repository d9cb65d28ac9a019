import { describeSettings, type SettingDescription } from '@chatbox/kit'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../run-command.ts'
import { fillIn, type Documents } from './documents.ts'

const FILE = 'docker-compose.yml'
const EXAMPLE = '.env.example'

/** Settings that no container of the compose file gets. */
export const WITHHELD: Readonly<Record<string, string>> = {
  HOST: 'of the container',
  MANAGEMENT_HOST: 'of the container: Prometheus asks from another one',
  PORT: 'of the container; CHATBOX_PORT is the published one',
  MANAGEMENT_PORT: 'of the container',
  JWKS_URL: 'excludes JWT_SECRET, which the file asks for',
}

/** How many models the compose file passes on from `.env`. */
const MODELS = [1, 2, 3]

/** Writes the settings of the compose file and of `.env.example` that are not written by hand. */
export async function toComposeFiles(): Promise<Documents> {
  const { settings, provider } = describeSettings()
  const passed = settings.filter(({ name }) => !(name in WITHHELD))
  const ofSettings = toNames(await withoutThoseOf(FILE, passed))
  const ofModels = toNames(
    await withoutThoseOf(
      FILE,
      MODELS.flatMap((n) => toModel(n, provider)),
    ),
  )
  return {
    [FILE]: await fillIn(FILE, {
      'settings of both': ofSettings('gateway', 'worker'),
      'models of both': ofModels('gateway', 'worker'),
      'settings of gateways': ofSettings('gateway'),
      'settings of workers': ofSettings('worker'),
      'models of workers': ofModels('worker'),
    }),
    [EXAMPLE]: await fillIn(EXAMPLE, {
      model: (await withoutThoseOf(EXAMPLE, toModel(1, provider))).map(toLine).join(''),
      'other settings': (await withoutThoseOf(EXAMPLE, settings)).map(toLine).join(''),
    }),
  }
}

function toModel(n: number, provider: readonly SettingDescription[]): SettingDescription[] {
  return provider.map((field) => ({ ...field, name: field.name.replace('<n>', `${n}`) }))
}

/** Returns the names of the settings that exactly these programs read, one per line. */
function toNames(settings: readonly SettingDescription[]): (...readers: string[]) => string {
  return (...readers) =>
    settings
      .filter(({ usedBy }) =>
        ['gateway', 'worker'].every(
          (program) => usedBy.includes(program) === readers.includes(program),
        ),
      )
      .map(({ name }) => `${name}:\n`)
      .join('')
}

/** Returns the settings outside of all marks. */
async function withoutThoseOf(
  path: string,
  settings: readonly SettingDescription[],
): Promise<SettingDescription[]> {
  const text = await readFile(join(ROOT, path), 'utf8')
  const byHand = text.replace(/# (.*): written by[^]*?# end of \1/g, '')
  return settings.filter(({ name }) => !new RegExp(`^ *#?${name}[:=]`, 'm').test(byHand))
}

function toLine({ name, about, default: text = '' }: SettingDescription): string {
  const [sentence = ''] = about.split(/\. /)
  return `# ${sentence.replace(/\.$/, '')}.\n#${name}=${text}\n`
}
