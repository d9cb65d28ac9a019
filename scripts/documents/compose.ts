import { describeSettings, type SettingDescription } from '@chatbox/kit'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../run-command.ts'
import { fillIn, type Documents } from './documents.ts'

const FILE = 'docker-compose.yml'
const EXAMPLE = '.env.example'

/** What a container of the compose file is never given. */
export const WITHHELD: Readonly<Record<string, string>> = {
  HOST: 'of the container',
  PORT: 'of the container; CHATBOX_PORT is the published one',
  MANAGEMENT_PORT: 'of the container',
  JWKS_URL: 'excludes JWT_SECRET, which the file asks for',
}

/** The settings of the compose file and of `.env.example` that are not written there by hand. */
export async function toComposeFiles(): Promise<Documents> {
  const { settings } = describeSettings()
  const given = await withoutThoseOf(FILE, settings)
  const passed = given.filter(({ name }) => !(name in WITHHELD))
  const isFor = (...programs: string[]) => {
    return ({ usedBy }: SettingDescription) =>
      ['gateway', 'worker'].every(
        (program) => usedBy.includes(program) === programs.includes(program),
      )
  }
  const names = (programs: string[]) =>
    passed
      .filter(isFor(...programs))
      .map(({ name }) => `${name}:\n`)
      .join('')
  return {
    [FILE]: await fillIn(FILE, {
      'settings of both': names(['gateway', 'worker']),
      'settings of gateways': names(['gateway']),
      'settings of workers': names(['worker']),
    }),
    [EXAMPLE]: await fillIn(EXAMPLE, {
      'other settings': (await withoutThoseOf(EXAMPLE, settings)).map(toLine).join(''),
    }),
  }
}

/** Those that stand outside of all marks. */
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
